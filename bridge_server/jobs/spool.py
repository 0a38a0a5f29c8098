"""Bodies on their way into files, hashed alongside."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_BATCH = 1 << 20
"""Bytes handed to a thread at once."""

_threads = ThreadPoolExecutor(8, "spool")


@dataclass(frozen=True)
class StoredFile:
    """A finished file."""

    path: Path
    size: int
    """bytes"""
    sha256: str
    """64 hexadecimal digits"""


class Spool:
    """One file being written in slices, the event loop never waiting for the disk. Readable by this user alone.

    Every method raises OSError when the disk does not take it; ``discard`` it then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        self._hash = hashlib.sha256()
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        self._under_way: list[asyncio.Future[None]] = []
        self.size = 0
        """bytes taken so far"""

    async def write(self, data: bytes | memoryview) -> None:
        """Append; ``data`` must not change afterwards. Waits while the disk is more than a batch behind."""
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self.size += len(data)
        if self._waiting_bytes >= _BATCH:
            await self._flush()

    async def add_file(self, path: Path) -> None:
        """Append a whole file."""
        await self._flush()
        await self._settle()
        self.size += await asyncio.get_running_loop().run_in_executor(_threads, self._copy, path)

    async def finish(self) -> StoredFile:
        """The finished file, closed."""
        await self._flush()
        await self._settle()
        self._close()
        return StoredFile(self._path, self.size, self._hash.hexdigest())

    async def discard(self) -> None:
        """Remove the file, unless somebody has moved it away."""
        with contextlib.suppress(OSError):
            await self._settle()
        self._close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    async def _flush(self) -> None:
        """Hand what waits to two threads, after what went before."""
        await self._settle()
        batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if batch:
            loop = asyncio.get_running_loop()
            self._under_way = [loop.run_in_executor(_threads, work, batch) for work in (self._digest, self._store)]

    async def _settle(self) -> None:
        """Wait for the threads, also when this task is cancelled: they use the file."""
        under_way, self._under_way = self._under_way, []
        if under_way:
            outcomes = await _unbroken(asyncio.gather(*under_way, return_exceptions=True))
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome

    def _digest(self, batch: list[bytes | memoryview]) -> None:
        for data in batch:
            self._hash.update(data)

    def _store(self, batch: list[bytes | memoryview]) -> None:
        for data in batch:
            _write_all(self._file, memoryview(data))

    def _copy(self, path: Path) -> int:
        size = 0
        with path.open("rb") as source:
            while data := source.read(_BATCH):
                self._hash.update(data)
                _write_all(self._file, memoryview(data))
                size += len(data)
        return size

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


async def _unbroken(future: asyncio.Future[list[object]]) -> list[object]:
    """The future's result; a cancellation is let through only when it is there."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


def _write_all(file: int, view: memoryview) -> None:
    while view:
        view = view[os.write(file, view) :]
