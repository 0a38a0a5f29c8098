"""Smooth values for pixels that have none, from those that have (pull-push)."""

from __future__ import annotations

import numpy as np

_F = np.float32


def spread(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """float32 H×W×C: ``values`` where the weight is 1; elsewhere they go on smoothly, near ones counting most.

    Averages of what is known at growing scales, then back down (Gortler et al., "The Lumigraph", 1996: pull-push).

    Args:
        values: float H×W×C.
        weight: float or bool H×W, 0..1; all 0 gives zeros.
    """
    colour, known = values * weight[..., None].astype(_F), weight.astype(_F)
    levels = [(colour, known)]
    while max(levels[-1][1].shape) > 1 and levels[-1][1].min() < 1:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    colour, known = levels[-1]
    guess = colour / np.maximum(known, _F(1e-6))[..., None]
    for colour, known in reversed(levels[:-1]):
        guess = _doubled(guess, known.shape)
        solid = np.minimum(known, 1)[..., None]
        guess = colour / np.maximum(known, _F(1e-6))[..., None] * solid + guess * (1 - solid)
    return guess.astype(_F)


def blurred(values: np.ndarray, radius: int) -> np.ndarray:
    """float32 H×W×C: mean over squares of 2·radius+1 pixels, twice; outside the image its edge goes on."""
    result = values.astype(np.float64)
    for _ in range(2):
        for axis in (0, 1):
            pad = [(0, 0)] * result.ndim
            pad[axis] = (radius + 1, radius)
            total = np.cumsum(np.pad(result, pad, mode="edge"), axis=axis)
            size, width = result.shape[axis], 2 * radius + 1
            low, high = total.take(range(size), axis), total.take(range(width, width + size), axis)
            result = (high - low) / width
    return result.astype(_F)


def _halved(array: np.ndarray) -> np.ndarray:
    """Sums of 2×2; odd sizes get a row or column of zeros."""
    pad = [(0, array.shape[0] % 2), (0, array.shape[1] % 2)] + [(0, 0)] * (array.ndim - 2)
    even = np.pad(array, pad)
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


def _doubled(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Twice the size by linear interpolation, cut to ``shape``."""
    result = array
    for axis in (0, 1):
        size = result.shape[axis]
        before = result.take(np.maximum(np.arange(size) - 1, 0), axis)
        after = result.take(np.minimum(np.arange(size) + 1, size - 1), axis)
        pair = np.stack([0.75 * result + 0.25 * before, 0.75 * result + 0.25 * after], axis=axis + 1)
        wide = list(result.shape)
        wide[axis] *= 2
        result = pair.reshape(wide).take(range(shape[axis]), axis)
    return result.astype(_F)
