"""Planes in a picture: a number per pixel that changes evenly over every plane, and how fast it does."""

from __future__ import annotations

import numpy as np


def nearness(depth: np.ndarray, seen: np.ndarray, camera_type: str) -> np.ndarray:
    """float32, of ``depth``'s shape: a number that changes evenly over a plane in the picture; 0 where not ``seen``.

    1 / depth for a perspective camera (and, nearly, along the rays of a panoramic one), depth itself for an
    orthographic one.
    """
    known = np.where(seen, depth, 1).astype(np.float64)
    value = known if camera_type == "ORTHO" else 1 / np.maximum(known, 1e-12)
    return np.where(seen, value, 0).astype(np.float32)


def slope(values: np.ndarray, ids: np.ndarray, axis: int) -> np.ndarray:
    """Difference to the neighbour along ``axis`` on the side where the surface goes on most evenly.

    The side is chosen by the smaller second difference, so that neither edges nor creases are crossed; where no
    neighbour is of the same instance the slope is 0.

    Args:
        values: as of ``nearness``.
        ids: what each pixel shows, of the same shape; not 0.
    """
    forward, forward_bend = _one_side(values, ids, axis)
    flipped = np.flip(values, axis), np.flip(ids, axis)
    backward, backward_bend = (np.flip(one, axis) for one in _one_side(*flipped, axis))
    best = np.where(forward_bend <= backward_bend, forward, -backward)
    return np.where(np.isfinite(np.minimum(forward_bend, backward_bend)), best, 0)


def _one_side(values: np.ndarray, ids: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(difference to the next value, size of the second difference: inf where the next is another instance)."""
    step1, same1 = _shifted(values, axis, 1) - values, _shifted(ids, axis, 1) == ids
    step2, same2 = _shifted(values, axis, 2) - _shifted(values, axis, 1), _shifted(ids, axis, 2) == ids
    bend = np.where(same2, np.abs(step2 - step1), np.abs(step1))
    return step1, np.where(same1, bend, np.inf)


def _shifted(values: np.ndarray, axis: int, by: int) -> np.ndarray:
    """The value ``by`` places further along ``axis``; beyond the edge 0, which no instance has."""
    out = np.zeros_like(values)
    if values.shape[axis] <= by:
        return out
    source, target = [slice(None)] * values.ndim, [slice(None)] * values.ndim
    source[axis], target[axis] = slice(by, None), slice(None, -by)
    out[tuple(target)] = values[tuple(source)]
    return out
