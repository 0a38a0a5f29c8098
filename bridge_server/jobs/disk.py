"""What the disk refuses, said clearly."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from blender_segaddon.protocol.errors import StorageError

from ..problems import ProblemError

_HINT = "Free some disk space, or give the server another state folder"
_RESERVE = 16 << 20
"""Bytes left free for the database and the log."""
_RETRY_SECONDS = 30


def private_folder(path: Path) -> None:
    """Make a folder for this user alone. Raises StorageError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Folder {path} cannot be made: {error.strerror}", "Check the state folder") from error


def check_free(folder: Path, size: int) -> None:
    """Raise ProblemError (507) unless ``size`` more bytes fit."""
    with problems():
        free = shutil.disk_usage(folder).free
    if size + _RESERVE > free:
        detail = f"The server's disk has {free >> 20} MiB left, the job needs {size >> 20}"
        raise ProblemError(507, "disk_full", detail, _HINT, _RETRY_SECONDS)


@contextlib.contextmanager
def problems() -> Iterator[None]:
    """Turn what the disk or the database refuses into a ProblemError (507)."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProblemError(507, "storage", f"The server cannot write: {reason}", _HINT, _RETRY_SECONDS) from error
