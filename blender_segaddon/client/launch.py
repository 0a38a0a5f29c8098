"""Starting a server process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from ..protocol.discovery import LOG_FILE
from ..protocol.errors import BridgeUnavailable, StorageError
from . import processes

_MAX_LOG_BYTES = 1 << 20
_TAIL_LINES = 5
_LOCK_SECONDS = 0.05
"""Between two looks at whether another program is done with starting a server."""


def default_server_command() -> list[str] | None:
    """The command before "serve": the Python that SEGADDON_SERVER_PYTHON names, None when it is not set."""
    python = os.environ.get("SEGADDON_SERVER_PYTHON")
    return [python, "-m", "bridge_server"] if python else None


_started: list[subprocess.Popen[bytes]] = []
"""Servers of this process that have not been seen to end."""


def reap() -> None:
    """Take note of the servers that have ended: else they stay as zombies until Blender quits."""
    for process in [one for one in _started if one.poll() is not None]:
        with contextlib.suppress(ValueError):  # another thread was quicker
            _started.remove(process)


@contextlib.asynccontextmanager
async def launching(state_dir: Path, timeout: float) -> AsyncIterator[None]:
    """One program at a time starts a server for this folder: the others wait for theirs, at most ``timeout`` seconds.

    A lock on the folder itself, which the system frees with the process. Where there is none (Windows, some network
    file systems) servers that start side by side sort it out themselves. Raises StorageError.
    """
    _make_folder(state_dir)
    handle = -1
    with contextlib.suppress(OSError):
        handle = os.open(state_dir, os.O_RDONLY)
    try:
        end = time.monotonic() + timeout
        while handle >= 0 and not _lock(handle) and time.monotonic() < end:
            await asyncio.sleep(_LOCK_SECONDS)
        yield
    finally:
        if handle >= 0:
            os.close(handle)


class ServerProcess:
    """A server that was started here. It outlives this process, unless it was started to end with it."""

    def __init__(self, command: Sequence[str], state_dir: Path, end_with_us: bool) -> None:
        """Start it; its messages go to the log in the state folder.

        Raises BridgeUnavailable when the command cannot be run, StorageError when the folder cannot be written.
        """
        self._log = state_dir / LOG_FILE
        arguments = [*command, "serve", "--state-dir", str(state_dir)] + ["--exit-with-stdin"] * end_with_us
        try:
            _make_folder(state_dir)
            with _opened_log(self._log) as log:
                self._log_start = log.tell()
                self._process = _start(arguments, log, end_with_us)
        except OSError as error:
            if error.filename == str(self._log):
                raise _cannot_write(state_dir, error) from error
            hint = "Check the bridge server's path in the preferences or in SEGADDON_SERVER_PYTHON"
            raise BridgeUnavailable(f"{command[0]} cannot be run: {error.strerror}", hint) from error
        reap()
        _started.append(self._process)

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def log_tail(self) -> str:
        """The last lines that this server wrote, "" for none."""
        try:
            with self._log.open("rb") as file:
                file.seek(self._log_start)
                lines = file.read(_MAX_LOG_BYTES).decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return " | ".join(line.strip() for line in lines[-_TAIL_LINES:])

    def let_go(self) -> None:
        """Close our end: a server that was started to end with this process ends now, another one stays."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def end(self, timeout: float = 2.0) -> None:
        """Let a server that was started to end with this process end, which it does unless others use it by now."""
        self.let_go()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self.let_go()


def _make_folder(state_dir: Path) -> None:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(state_dir, error) from error


def _cannot_write(state_dir: Path, error: OSError) -> StorageError:
    message = f"Folder {state_dir} cannot be written: {error.strerror}"
    return StorageError(message, "Set SEGADDON_STATE_DIR to another folder")


def _lock(handle: int) -> bool:
    """Whether the lock was free; True also where a folder cannot be locked."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
    return True


def _opened_log(path: Path) -> Any:
    if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _start(arguments: list[str], log: Any, end_with_us: bool) -> subprocess.Popen[bytes]:
    repository = Path(__file__).resolve().parents[2]
    source = (repository / "bridge_server" / "__main__.py").is_file()
    return subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE if end_with_us else subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=repository if source else Path(log.name).parent,  # "-m" looks there first
        env=processes.environment(),
        start_new_session=True,  # Ctrl-C in our terminal is not meant for it
        creationflags=processes.creation_flags(),
    )
