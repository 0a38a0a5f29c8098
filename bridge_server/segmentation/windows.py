"""Parts of large pictures that are looked at once more, so that a mask's edge is sharp.

A network draws its masks on a quarter of its input's side: 256 pixels for a whole picture, however large. The parts lie
on a grid, so that clicks near each other share one.
"""

from __future__ import annotations

import numpy as np

from blender_segaddon.core.masks import bbox

from .memory import Window
from .segmenter import Prompt

_MARGIN = 0.15
"""Of a thing's size, seen around it."""


def whole(size: tuple[int, int]) -> Window:
    """All of a picture of (height, width)."""
    return 0, 0, size[1], size[0]


def around(mask: np.ndarray, prompt: Prompt, native: int) -> Window:
    """The smallest part that shows a mask (bool H×W), what is around it and the prompt's own places.

    Squares with a side of 1/2, 1/4, … of the picture's longest side, each half a side from the next; none smaller than
    half of ``native``, the network's own input.
    """
    wanted = _wanted(mask, prompt)
    longest = max(mask.shape)
    best, side = whole((mask.shape[0], mask.shape[1])), longest / 2
    while side >= native / 2 and (found := _tile(wanted, side, mask.shape)):
        best, side = found, side / 2
    return best


def shows(window: Window, prompt: Prompt) -> bool:
    """Whether all that is meant lies in a part of the picture. What is not meant need not: nothing is masked there."""
    low, high = np.array(window[:2], float), np.array(window[2:], float)
    places = prompt.points[prompt.labels == 1]
    inside = ((places >= low) & (places < high)).all()
    boxed = prompt.box is None or ((prompt.box[:2] >= low).all() and (prompt.box[2:] <= high).all())
    return bool(inside and boxed)


def moved(prompt: Prompt, window: Window) -> Prompt:
    """The prompt as it is in a part of the picture; clicks outside of it fall away."""
    corner = np.array(window[:2], float)
    inside = ((prompt.points >= corner) & (prompt.points < window[2:])).all(-1)
    box = None
    if prompt.box is not None:
        limit = np.array(window[2:], float) - corner
        box = np.clip(prompt.box.reshape(2, 2) - corner, 0, limit).reshape(4)
    return Prompt(prompt.points[inside] - corner, prompt.labels[inside], box, prompt.logits)


def _wanted(mask: np.ndarray, prompt: Prompt) -> np.ndarray:
    """float 4: (x0, y0, x1, y1) of what is to be seen."""
    boxes = [bbox(mask), None if prompt.box is None else tuple(prompt.box)]
    corners = [np.array(box, float).reshape(2, 2) for box in boxes if box is not None]
    places = np.concatenate([*corners, prompt.points[prompt.labels == 1]])
    low, high = places.min(0), places.max(0)
    margin = _MARGIN * max(high - low) + 1
    limit = np.array(mask.shape[::-1], float)
    return np.concatenate([np.clip(low - margin, 0, limit), np.clip(high + margin, 0, limit)])


def _tile(wanted: np.ndarray, side: float, size: tuple[int, ...]) -> Window | None:
    """The square of the grid that shows ``wanted``, None where none does."""
    first = np.floor(wanted[:2] / (side / 2)) * (side / 2)
    last = first + side
    if (wanted[2:] > last).any():
        return None
    x0, y0 = (int(one) for one in first)
    return x0, y0, min(int(np.ceil(last[0])), size[1]), min(int(np.ceil(last[1])), size[0])
