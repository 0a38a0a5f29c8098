"""A folder of results that is there whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blender_segaddon.protocol.errors import StorageError


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Give a scratch folder beside the results; its files move into ``target`` only when the block ends without error.

    Raises:
        StorageError: ``target`` is a file or cannot be written, or the disk is full; nothing is left behind.
    """
    created = not target.exists()
    scratch = None
    try:
        target.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=target))
        yield scratch
        for made in sorted(scratch.iterdir()):
            made.replace(target / made.name)
    except OSError as error:
        raise _storage_error(error, target) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        if created and target.is_dir() and not any(target.iterdir()):
            target.rmdir()


def _storage_error(error: OSError, target: Path) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageError(f"The disk is full while writing to {target}", "Free some space, or choose another --out")
    if isinstance(error, FileExistsError | NotADirectoryError):
        return StorageError(f"{target} is not a folder", "Choose another --out")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return StorageError(f"{target} cannot be written to", "Choose another --out")
    return StorageError(f"Writing to {target} failed: {error.strerror or error}", "Choose another --out")
