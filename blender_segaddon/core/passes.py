"""How large a model draws: near the pixel count that it was trained on first, then at the size that was asked for."""

from __future__ import annotations

import math

CELL = 8
"""Pixels of one latent."""

_ENOUGH = 1.3
"""A picture of up to this many times the native pixel count is drawn in one pass."""


def sizes(size: tuple[int, int], native: int, *, draft: bool = False) -> tuple[tuple[int, int], ...]:
    """(width, height) in pixels of each pass, one or two.

    Args:
        size: (width, height) of the picture.
        native: side of the square that the model was trained on.
        draft: only the first pass; the picture is enlarged to its size without drawing again.
    """
    width, height = size
    scale = math.sqrt(native * native / (width * height))
    if 1 / _ENOUGH <= scale * scale <= 1:
        scale = 1.0
    first = max(CELL, round(width * scale)), max(CELL, round(height * scale))
    return (first,) if draft or scale >= 1 else (first, size)
