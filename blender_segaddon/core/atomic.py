"""Writing so that no half-written file is ever left, and one clear line where it fails."""

from __future__ import annotations

import contextlib
import errno
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..protocol.errors import StorageError


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that appears under its name only when the block ends without an error.

    Raises StorageError for a full disk, a folder that cannot be written and the like.
    """
    path = Path(path)
    # In the same folder, since a rename is atomic only within one file system. Not by tempfile: its files are 0600.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()  # still there only after an error


def write_atomic(path: str | Path, data: bytes | memoryview) -> None:
    """Write a whole file, or leave what was there. Raises StorageError."""
    with atomic_file(path) as file:
        file.write(data)


def write_json(path: str | Path, data: Any) -> None:
    """Write plain values as readable JSON, UTF-8. Raises StorageError, ValueError for NaN and infinity."""
    write_atomic(path, encode_json(data))


def encode_json(data: Any, *, readable: bool = True) -> bytes:
    """Plain values as JSON, UTF-8, for people or on one line. Raises ValueError for NaN and infinity."""
    text = json.dumps(data, indent=2 if readable else None, ensure_ascii=False, allow_nan=False) + "\n"
    # What is no Unicode (names in old files can hold such bytes) becomes \\udcXX: JSON's own escape for it.
    return text.encode("utf-8", "backslashreplace")


def storage_error(path: Path, error: OSError) -> StorageError:
    """The one clear line for an OSError met while writing ``path``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"No space left to write {path}", "Free some space or choose another folder")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"May not write {path}", "Choose a folder that you can write to")
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return StorageError(f"Cannot write {path}: a file or folder is in the way", "Choose another folder")
    return StorageError(f"Cannot write {path}: {error.strerror or error}", "Choose another folder")
