"""Files as memory: mapped and not read, so that only what is used is ever loaded."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from blender_segaddon.protocol.framing import Body, read_body


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """A file's bytes, read-only. Unmapped when the last view of them is gone. Raises OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    yield memoryview(data)


@contextlib.contextmanager
def opened_body(path: Path) -> Iterator[Body]:
    """A framed body in a file. Raises OSError, InvalidInput, ProtocolMismatch."""
    with mapped(path) as view:
        yield read_body(view)
