"""Masks as short texts, so that they can be properties of an image: saved with the file, and part of its undo steps.

A bit a pixel, row by row, deflated. Against an 8-bit picture packed into the file, of the masks of a street at 2048²:
see docs/image_editor.md.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib

import numpy as np

from ..protocol.errors import InvalidInput

MAX_PIXELS = 1 << 28
"""16384²; a text that claims more is not unpacked"""
_LEVEL = 6
"""of zlib: 2048² takes 3 ms, and is a third smaller than with level 1"""


def encode(mask: np.ndarray) -> str:
    """The text of a mask.

    Args:
        mask: bool H×W, row 0 at the top.

    Raises:
        InvalidInput: another type or shape.
    """
    if mask.dtype != np.bool_ or mask.ndim != 2 or not mask.size:
        raise InvalidInput(f"A mask is boolean H×W, not {mask.dtype} {mask.shape}", "Compare it with a threshold first")
    bits = zlib.compress(np.packbits(mask).tobytes(), _LEVEL)
    return f"{mask.shape[1]}x{mask.shape[0]}:{base64.b64encode(bits).decode('ascii')}"


def decode(text: str) -> np.ndarray:
    """bool H×W of a text by ``encode``. Raises InvalidInput for a damaged one."""
    width, height = size(text)
    try:
        packed = base64.b64decode(text.partition(":")[2], validate=True)
        bits = zlib.decompressobj().decompress(packed, (width * height + 7) // 8)
        flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=width * height)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise _damaged() from error
    if flat.size != width * height or len(bits) * 8 < width * height:
        raise _damaged()
    return flat.reshape(height, width).view(bool)


def size(text: str) -> tuple[int, int]:
    """(width, height) in pixels of a text by ``encode``. Raises InvalidInput for a damaged one."""
    try:
        width, height = (int(number) for number in text.partition(":")[0].split("x"))
    except ValueError as error:
        raise _damaged() from error
    if min(width, height) < 1 or math.prod((width, height)) > MAX_PIXELS:
        raise _damaged()
    return width, height


def _damaged() -> InvalidInput:
    return InvalidInput("A mask in this file is damaged", "Delete it and click anew")
