"""From the size that is asked for to the sizes that a model draws at, and back. No torch here.

A model draws well near the pixel count that it was trained on. So the first pass has that count and the asked aspect;
where more is asked for, a second one starts from it, enlarged. What a model cannot draw (sides that are no multiple of
its cell) is padded and cropped; a picture is never silently another size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

CELL = 8
"""Pixels of one latent; diffusers silently cuts a side to a multiple of it."""

_ENOUGH = 1.3
"""A picture of up to this many times the native pixel count is drawn in one pass."""


@dataclass(frozen=True)
class Pass:
    """One pass: what is drawn is ``padded``, of which the top left ``content`` counts. (width, height) in pixels."""

    content: tuple[int, int]
    padded: tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """The passes of one picture and the size in the end."""

    size: tuple[int, int]
    first: Pass
    second: Pass | None


def plan(size: tuple[int, int], native: int, *, draft: bool = False) -> Plan:
    """How a picture of ``size`` (width, height) is drawn by a model trained on ``native`` × ``native`` pixels.

    Args:
        draft: only the first pass; the picture is enlarged to its size without drawing again.
    """
    width, height = size
    scale = math.sqrt(native * native / (width * height))
    if 1 / _ENOUGH <= scale * scale <= 1:
        scale = 1.0
    first = _pass(max(CELL, round(width * scale)), max(CELL, round(height * scale)))
    return Plan(size, first, None if draft or scale >= 1 else _pass(width, height))


def _pass(width: int, height: int) -> Pass:
    return Pass((width, height), (-(-width // CELL) * CELL, -(-height // CELL) * CELL))


def fit_map(array: np.ndarray, to: Pass) -> np.ndarray:
    """A map (H×W or H×W×C, any type) for a pass: nearest neighbour to its content, its last lines repeated."""
    (width, height), (columns, rows) = to.content, to.padded
    y = np.minimum(_nearest(array.shape[0], height, rows), array.shape[0] - 1)
    x = np.minimum(_nearest(array.shape[1], width, columns), array.shape[1] - 1)
    return array[y[:, None], x[None, :]]


def fit_picture(picture: np.ndarray, to: Pass) -> np.ndarray:
    """A picture (uint8 H×W×3) for a pass: resampled to its content, its last line and column repeated."""
    content = resized(picture, to.content)
    (width, height), (columns, rows) = to.content, to.padded
    return np.pad(content, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 H×W×3 to ``size`` (width, height) by Lanczos; the same array where it has that size."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def cropped(picture: np.ndarray, drawn: Pass) -> np.ndarray:
    """The content of what a pass has drawn."""
    width, height = drawn.content
    return picture[:height, :width]


def _nearest(source: int, target: int, padded: int) -> np.ndarray:
    """For each of ``padded`` target pixels the source pixel under its centre."""
    return ((np.minimum(np.arange(padded), target - 1) + 0.5) * source / target).astype(int)
