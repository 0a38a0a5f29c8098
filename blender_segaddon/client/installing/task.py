"""A few programs run one after the other in the background, with progress for people, a log and a way to stop."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ...protocol.errors import Cancelled, InstallError, SegAddonError
from .. import processes
from .reading import Reader, explained

log = logging.getLogger(__name__)

_TAIL = 40
"""Lines of a program's output that are looked at for why it failed."""


@dataclass(frozen=True)
class Step:
    """One program."""

    title: str
    """what it does, for people: Getting torch"""
    command: tuple[str, ...]
    share: float = 1.0
    """of the whole, relative to the other steps"""
    total: float = 0.0
    """bytes that it downloads, about; 0 where progress is not known by bytes"""
    packages: int = 0
    """packages that it gets; 0 where progress is not known by packages"""
    accepts: tuple[int, ...] = (0,)
    """exit statuses that are no failure"""


class Task:
    """Runs the steps in a thread of its own, which never touches bpy. All methods may be called from any thread.

    Args:
        name: what it is, for people.
        prepare: called first, in the thread; gives the steps, none where it did all itself. Raises SegAddonError.
        finish: called last, in the thread, with the output of the last step; not after an error.
        log_file: what the programs write goes there.
    """

    def __init__(
        self,
        name: str,
        prepare: Callable[[], Sequence[Step]],
        log_file: Path,
        finish: Callable[[str], None] = lambda _output: None,
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._prepare, self._finish = prepare, finish
        self._error: SegAddonError | None = None
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._reader = Reader()
        self._title, self._done_share, self._share, self._all_shares = "Looking around", 0.0, 0.0, 1.0
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="segaddon install", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> float:
        """0 .. 1 of all steps."""
        return min((self._done_share + self._share * self._reader.fraction) / self._all_shares, 1.0)

    @property
    def message(self) -> str:
        """The step under way, and how far it is, in a few words."""
        if self._cancelled.is_set():
            return "Cancelling"
        detail = self._reader.detail
        return f"{self._title}: {detail}" if detail else self._title

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the progress so far, None while it says nothing yet."""
        done = self.progress
        return (time.monotonic() - self._began) * (1 - done) / done if done > 0.03 else None

    def done(self) -> bool:
        """True once ``result`` returns or raises at once."""
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """End the program under way; ``result`` then raises Cancelled."""
        self._cancelled.set()
        process = self._process
        if process is not None:
            threading.Thread(target=processes.end, args=(process,), name="segaddon cancel", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for at most so long, whatever comes of it; ``done()``."""
        self._thread.join(seconds)
        return self.done()

    def result(self) -> None:
        """Wait for the end. Raises InstallError with what to do, Cancelled, or another SegAddonError."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._go()
        except SegAddonError as error:
            self._error = error
        except OSError as error:
            self._error = InstallError(f"{error.filename or self.log_file}: {error.strerror}", _WRITABLE)
        except BaseException as error:  # thread boundary: a fault of ours is told like every other
            log.exception("%s failed", self.name)
            self._error = InstallError(f"{self.name} failed: {error!r}", "Report it, with what the console says")
            self._error.__cause__ = error

    def _go(self) -> None:
        self._check_cancelled()
        steps, output = self._prepare(), ""
        if not steps:
            return
        self._all_shares = sum(one.share for one in steps) or 1.0
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("w", encoding="utf-8") as written:
            for step in steps:
                output = self._step(step, written)
        self._finish(output)

    def _step(self, step: Step, written: TextIO) -> str:
        """Run it; what it wrote. Raises InstallError, Cancelled."""
        self._check_cancelled()
        self._reader = Reader(step.total, step.packages)
        self._title, self._share = step.title, step.share
        written.write(f"\n$ {' '.join(step.command)}\n")
        self._process = process = self._started(step)
        if self._cancelled.is_set():  # between the check and the start
            processes.end(process)
        lines = self._read(process, written)
        self._check_cancelled()
        if process.returncode not in step.accepts:
            raise self._failed(step, lines)
        self._done_share += step.share
        return "".join(lines)

    def _started(self, step: Step) -> subprocess.Popen[str]:
        try:
            return processes.start(step.command, self.log_file.parent)
        except OSError as error:
            text = f"{step.command[0]} cannot be run: {error.strerror}"
            raise InstallError(text, "Repair the installation, or remove it and install again") from error

    def _read(self, process: subprocess.Popen[str], written: TextIO) -> list[str]:
        lines: list[str] = []
        with process:
            for line in process.stdout or ():
                if not self._reader.take(line):
                    lines.append(line)
                    with contextlib.suppress(OSError):  # a full disk is said by what fills it
                        written.write(line)
                        written.flush()
        self._process = None
        return lines

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled(f"{self.name} was cancelled")

    def _failed(self, step: Step, lines: list[str]) -> InstallError:
        message, hint = explained("".join(lines[-_TAIL:]))
        if not message:
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
            message, hint = f"{step.title} failed: {last}", f"The log tells more: {self.log_file}"
        return InstallError(message, hint)


_WRITABLE = "Free some space, or choose a folder that you may write to"
