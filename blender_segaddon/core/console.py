"""What Blender's C code writes to standard output while it renders for us: a hundred lines for each picture."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_PROGRESS = re.compile(rb"(\d+:\d+\.\d+ +render +\| )?(Fra:|Saved: | ?Time: |\s*$)")
"""Blender 4 and 5; an empty line follows what was saved."""
_STDOUT = 1


@contextlib.contextmanager
def without_progress(wanted: bool = True) -> Iterator[None]:
    """Keep a render's progress off standard output; everything else that is written meanwhile follows afterwards.

    Args:
        wanted: False leaves all as it is: in a window nobody reads it, and other threads write there.
    """
    with contextlib.ExitStack() as stack:
        if wanted:
            with contextlib.suppress(OSError, ValueError):  # there is no standard output, no room for temporary files
                stack.enter_context(_filtered())
        yield


@contextlib.contextmanager
def _filtered() -> Iterator[None]:
    with tempfile.TemporaryFile() as said:
        kept = os.dup(_STDOUT)
        try:
            _flush()
            os.dup2(said.fileno(), _STDOUT)
            try:
                yield
            finally:
                _flush()
                os.dup2(kept, _STDOUT)
            said.seek(0)
            for line in said:
                if not _PROGRESS.match(line):
                    with contextlib.suppress(OSError):  # nobody reads it any more
                        os.write(kept, line)
        finally:
            os.close(kept)


def _flush() -> None:
    """What Python and C hold back belongs on this side."""
    if sys.stdout is not None:
        sys.stdout.flush()
    ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).fflush(None)
