"""Buffers that clients have sent before, by SHA-256: a cache that outlives the server, the least used go first."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from ..problems import ProblemError
from . import disk
from .spool import Spool, StoredFile

_NAME = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """A folder of files that are named by their content."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        disk.private_folder(folder)
        for left in folder.glob("*.part"):  # of a server that was killed
            left.unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def incoming(self, size: int) -> AsyncIterator[Spool]:
        """A spool for ``size`` bytes; what is not ``put`` is gone afterwards. Raises ProblemError (413, 507)."""
        if size > self._max_bytes:
            hint = f"Send at most {self._max_bytes >> 20} MiB"
            raise ProblemError(413, "too_large", f"A blob of {size >> 20} MiB", hint)
        disk.check_free(self._folder, size)
        with disk.problems():
            spool = Spool(self._folder / f"{uuid.uuid4().hex}.part")
            try:
                yield spool
            finally:
                await spool.discard()

    def put(self, stored: StoredFile, sha256: str) -> None:
        """Keep a finished spool under its name. Raises ProblemError (400) when it is not what it is called."""
        if stored.sha256 != sha256:
            raise ProblemError(400, "wrong_hash", f"The body's SHA-256 is {stored.sha256}", "Send the blob again")
        with disk.problems():
            stored.path.replace(self._folder / sha256)
        self._forget_old()

    def has(self, sha256: str) -> bool:
        """True when it is here; it then counts as used now."""
        if not _NAME.fullmatch(sha256):
            return False
        try:
            os.utime(self._folder / sha256)
        except OSError:
            return False
        return True

    def path(self, sha256: str) -> Path:
        """Where it lies. Raises ProblemError (404)."""
        if not self.has(sha256):
            raise ProblemError(404, "no_such_blob", f"There is no blob {sha256:.64}", "Send it with PUT, then the job")
        return self._folder / sha256

    def _forget_old(self) -> None:
        held = sorted(((entry.stat().st_mtime, entry) for entry in self._entries()), key=lambda pair: pair[0])
        total = sum(entry.stat().st_size for _, entry in held)
        for _, entry in held[:-1]:
            if total <= self._max_bytes:
                return
            total -= entry.stat().st_size
            with contextlib.suppress(OSError):  # Windows: somebody reads it
                Path(entry).unlink()

    def _entries(self) -> list[os.DirEntry[str]]:
        with os.scandir(self._folder) as entries:
            return [entry for entry in entries if _NAME.fullmatch(entry.name)]
