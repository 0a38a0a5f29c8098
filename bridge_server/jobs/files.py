"""Where the job store keeps its files."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path

from . import disk


class Files:
    """A folder with the database, and one folder each for bodies, results and blobs."""

    def __init__(self, folder: Path) -> None:
        """Make the folders. Raises StorageError."""
        self.folder = folder
        self.database = folder / "jobs.sqlite3"
        self.bodies = folder / "bodies"
        self.results = folder / "results"
        self.blobs = folder / "blobs"
        for one in (folder, self.bodies, self.results):
            disk.private_folder(one)

    def arriving(self) -> Path:
        """A new file for a body that is on its way."""
        return self.bodies / f"{uuid.uuid4().hex}.part"

    def body(self, job: str) -> Path:
        """The body of a job, as it was sent."""
        return self.bodies / job

    def result(self, job: str) -> Path:
        """The result of a job; the worker writes it beside and moves it here when it is whole."""
        return self.results / job

    def sweep(self, bodies: Collection[str], results: Collection[str]) -> None:
        """Remove what belongs to none of these jobs: half-written files of a server that was killed."""
        for folder, kept in ((self.bodies, bodies), (self.results, results)):
            remove(path for path in folder.iterdir() if path.name not in kept)

    def remove_if_empty(self) -> None:
        """Leave nothing behind when nothing is kept."""
        for folder in (self.bodies, self.results, self.blobs):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if not any(folder.exists() for folder in (self.bodies, self.results, self.blobs)):
            remove(self.folder.glob(f"{self.database.name}*"))
            with contextlib.suppress(OSError):
                self.folder.rmdir()


def remove(paths: Iterable[Path]) -> None:
    """Remove files; one that somebody holds open on Windows stays until the next start."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
