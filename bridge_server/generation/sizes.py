"""From the size that is asked for to the sizes that a model draws at, and back. No torch here.

A model draws well near the pixel count that it was trained on. So the first pass has that count and the asked aspect;
where more is asked for, a second one starts from it, enlarged. What a model cannot draw (sides that are no multiple of
its cell) is padded and cropped; a picture is never silently another size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from blender_segaddon.core import passes
from blender_segaddon.core.passes import CELL

ROUND = 64
"""Pixels of one cell of the coarsest level of a UNet: a picture that closes has a multiple of it for its width."""


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
    closes: bool = False
    """left and right border meet"""


def plan(size: tuple[int, int], native: int, *, draft: bool = False, closes: bool = False, cell: int = CELL) -> Plan:
    """How a picture of ``size`` (width, height) is drawn by a model trained on ``native`` × ``native`` pixels.

    Args:
        draft: only the first pass; the picture is enlarged to its size without drawing again.
        closes: for a panorama: nothing is padded in x.
        cell: the padded sides are multiples of it.
    """
    drawn = [_pass(*one, closes, cell) for one in passes.sizes(size, native, draft=draft)]
    return Plan(size, drawn[0], drawn[1] if len(drawn) > 1 else None, closes)


def _pass(width: int, height: int, closes: bool, cell: int) -> Pass:
    if closes:
        width = max(1, round(width / ROUND)) * ROUND
    return Pass((width, height), (-(-width // cell) * cell, -(-height // cell) * cell))


def fit_map(array: np.ndarray, to: Pass) -> np.ndarray:
    """A map (H×W or H×W×C, any type) for a pass: nearest neighbour to its content, its last lines repeated."""
    (width, height), (columns, rows) = to.content, to.padded
    y = np.minimum(_nearest(array.shape[0], height, rows), array.shape[0] - 1)
    x = np.minimum(_nearest(array.shape[1], width, columns), array.shape[1] - 1)
    return array[y[:, None], x[None, :]]


def fit_picture(picture: np.ndarray, to: Pass, *, closes: bool = False) -> np.ndarray:
    """A picture (uint8 H×W×3) for a pass: resampled to its content, its last line and column repeated."""
    content = resized(picture, to.content, closes=closes)
    (width, height), (columns, rows) = to.content, to.padded
    return np.pad(content, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")


def resized(picture: np.ndarray, size: tuple[int, int], *, closes: bool = False) -> np.ndarray:
    """uint8 H×W×3 to ``size`` (width, height) by Lanczos; the same array where it has that size."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    margin = width if closes else 0
    around = np.pad(picture, ((0, 0), (margin, margin), (0, 0)), mode="wrap")
    box = (margin, 0, margin + width, height)
    return np.asarray(Image.fromarray(around).resize(size, Image.Resampling.LANCZOS, box))


def cropped(picture: np.ndarray, drawn: Pass) -> np.ndarray:
    """The content of what a pass has drawn."""
    width, height = drawn.content
    return picture[:height, :width]


def _nearest(source: int, target: int, padded: int) -> np.ndarray:
    """For each of ``padded`` target pixels the source pixel under its centre."""
    return ((np.minimum(np.arange(padded), target - 1) + 0.5) * source / target).astype(int)
