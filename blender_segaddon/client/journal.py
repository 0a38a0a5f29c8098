"""What this user's sessions have asked servers for and not yet got: small files that outlive a session."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ..core.atomic import atomic_file, storage_error
from ..protocol.codec import dump, from_json, load, to_json
from ..protocol.errors import InvalidInput
from ..protocol.framing import BytesLike

MAX_AGE_SECONDS = 24 * 3600.0
"""As long as servers keep results; what is older is forgotten."""
MAX_ENTRIES = 64
"""Beyond it the oldest are forgotten."""


@dataclass(frozen=True)
class Entry:
    """One job that was handed in."""

    key: str
    """its Idempotency-Key"""
    created: float
    """Unix time"""
    pid: int
    """process that works on it"""
    about: dict[str, str]
    """what it was for"""
    server: str = ""
    """address of a fixed server, "" for the user's own"""
    job: str = ""
    """the server's name for it, "" until the server has it"""


def new_entry(key: str, about: dict[str, str], server: str = "") -> Entry:
    """An entry of this process, not yet written."""
    return Entry(key, time.time(), os.getpid(), about, server)


class Journal:
    """A folder with one JSON file an entry, and a file of data beside it. Any thread, several processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, entry: Entry) -> None:
        """Note a job that is about to be handed in, or what has become of it. Raises StorageError."""
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the server's own: it must be private
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise storage_error(self._folder, error) from error
        with atomic_file(self._folder / f"{entry.key}.json") as file:
            file.write(dump(to_json(entry)))

    def keep(self, entry: Entry, data: BytesLike) -> None:
        """Keep what is needed to make sense of the result. Raises StorageError."""
        with atomic_file(self._folder / f"{entry.key}.data") as file:
            file.write(data)

    def data(self, entry: Entry) -> bytes | None:
        """What was kept, None where nothing was."""
        with contextlib.suppress(OSError):
            return (self._folder / f"{entry.key}.data").read_bytes()
        return None

    def forget(self, entry: Entry) -> None:
        """The result has arrived, or is not wanted any more. The folder goes with its last entry."""
        with contextlib.suppress(OSError):
            (self._folder / f"{entry.key}.data").unlink(missing_ok=True)
            (self._folder / f"{entry.key}.json").unlink(missing_ok=True)
            self._folder.rmdir()

    def entries(self) -> list[Entry]:
        """What has been handed in and not forgotten, oldest first."""
        found = [entry for path in self._folder.glob("*.json") if (entry := _read(path))]
        found.sort(key=lambda entry: entry.created)
        young = [entry for entry in found if time.time() - entry.created < MAX_AGE_SECONDS][-MAX_ENTRIES:]
        for entry in found:
            if entry not in young:
                self.forget(entry)
        return young

    def left_behind(self) -> list[Entry]:
        """Entries that no live process works on, as far as this system tells."""
        return [entry for entry in self.entries() if entry.pid == os.getpid() or not _is_alive(entry.pid)]


def _read(path: Path) -> Entry | None:
    try:
        return from_json(Entry, load(path.read_bytes()), ignore_unknown=True)
    except (OSError, InvalidInput):
        return None


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":  # os.kill would end the process there
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's: not the one that wrote here
        return False
    return True
