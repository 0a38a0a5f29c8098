"""Where to write the names of things onto a picture of them, so that each can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spot:
    """The place for the name of one thing."""

    id: int
    column: int
    """in the map, pixels"""
    row: int
    pixels: int
    """how many show the thing"""


@dataclass(frozen=True)
class Label:
    """A name with the box that it takes; any unit, y up or down alike."""

    text: str
    x: float
    """middle"""
    y: float
    """middle"""
    width: float
    height: float


def find_spots(ids: np.ndarray) -> list[Spot]:
    """One spot for each id but 0, the largest thing first: where what is seen of it is thickest, near its middle.

    Args:
        ids: unsigned H×W; small (some 200 pixels wide) is enough, and quick.
    """
    rows, columns = np.nonzero(ids)
    if not len(rows):
        return []
    found = ids[rows, columns].astype(np.int64)
    known, owner, count = np.unique(found, return_inverse=True, return_counts=True)
    middle_row, middle_column = (np.bincount(owner, values) / count for values in (rows, columns))
    away = np.hypot(rows - middle_row[owner], columns - middle_column[owner])
    # A ring's middle is not on it; a tenth of a pixel for each of distance only decides between equally thick places.
    score = _thickness(ids)[rows, columns] - 0.1 * away
    order = np.lexsort((score, owner))
    best = order[np.append(np.flatnonzero(np.diff(owner[order])), len(order) - 1)]
    spots = [
        Spot(int(known[owner[at]]), int(columns[at]), int(rows[at]), int(count[owner[at]])) for at in best.tolist()
    ]
    return sorted(spots, key=lambda one: (-one.pixels, one.id))


def _thickness(ids: np.ndarray) -> np.ndarray:
    """int H×W: how many steps up, down, left or right it is at least to another id or the border; 0 where 0 is."""
    inside = np.pad(ids, 1)
    same = [np.roll(inside, step, axis) == inside for step in (1, -1) for axis in (0, 1)]
    alive, steps = inside > 0, np.zeros(inside.shape, np.int32)
    while alive.any():
        steps += alive
        around = [np.roll(alive, step, axis) for step in (1, -1) for axis in (0, 1)]
        for near, equal in zip(around, same, strict=True):
            alive = alive & near & equal
    return steps[1:-1, 1:-1]


def declutter(labels: Sequence[Label], *, gap: float, apart: float) -> list[int]:
    """Indices of the labels that can stand together; earlier ones win.

    Args:
        gap: room between two boxes.
        apart: least distance between two labels of one text.
    """
    kept: list[int] = []
    for index, one in enumerate(labels):
        if not any(_collide(one, labels[other], gap, apart) for other in kept):
            kept.append(index)
    return kept


def _collide(one: Label, other: Label, gap: float, apart: float) -> bool:
    x, y = abs(one.x - other.x), abs(one.y - other.y)
    if one.text == other.text and x * x + y * y < apart * apart:
        return True
    return x < (one.width + other.width) / 2 + gap and y < (one.height + other.height) / 2 + gap
