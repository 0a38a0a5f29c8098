"""Pictures and maps to other sizes, with numpy alone. Both ends of the picture are its pixels' outer borders."""

from __future__ import annotations

import numpy as np

_LOBES = 3
"""of the Lanczos filter"""


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float32 H×W×C (or H×W) to ``size`` (width, height) by Lanczos; the same array where it has that size.

    Made smaller, the filter widens with the step, so that nothing aliases. Overshoots beside hard edges stay in.
    """
    width, height = size
    result = picture.astype(np.float32, copy=False)
    for axis, length in ((0, height), (1, width)):
        if result.shape[axis] != length:
            result = _along(result, length, axis)
    return result


def nearest(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map (H×W or H×W×C, any type) to ``size`` (width, height): each pixel is the one under its centre."""
    width, height = size
    rows = ((np.arange(height) + 0.5) * array.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * array.shape[1] / width).astype(int)
    return array[rows[:, None], columns[None, :]]


def _along(picture: np.ndarray, length: int, axis: int) -> np.ndarray:
    """One axis to ``length``, tap by tap."""
    before = picture.shape[axis]
    step = before / length
    widen = max(step, 1.0)
    centre = (np.arange(length) + 0.5) * step - 0.5
    first = np.ceil(centre - _LOBES * widen).astype(int)
    taps = first[:, None] + np.arange(int(2 * _LOBES * widen) + 1)
    distance = (taps - centre[:, None]) / widen
    weights = np.where(np.abs(distance) < _LOBES, np.sinc(distance) * np.sinc(distance / _LOBES), 0)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    taps = np.clip(taps, 0, before - 1)
    shape = [1] * picture.ndim
    shape[axis] = length
    total = None
    for k in range(taps.shape[1]):
        part = picture.take(taps[:, k], axis) * weights[:, k].reshape(shape)
        total = part if total is None else total + part
    return picture if total is None else total
