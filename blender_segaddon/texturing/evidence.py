"""What the source camera saw, per pixel, as numbers that a shader can test a surface point against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..core.maps import BACKGROUND, SceneMaps

UNSEEN = -1.0
"""Key of texels that no surface may take a colour from; Object Info Random is 0..1."""


def nearness(maps: SceneMaps) -> np.ndarray:
    """float32 H×W: a number that changes evenly over a plane in the picture; 0 = background.

    1 / depth for a perspective camera (and, nearly, along the rays of a panoramic one), depth itself for an
    orthographic one.
    """
    seen = maps.instance_map != BACKGROUND
    depth = np.where(seen, maps.depth, 1).astype(np.float64)
    value = depth if maps.camera.type == "ORTHO" else 1 / np.maximum(depth, 1e-12)
    return np.where(seen, value, 0).astype(np.float32)


def evidence(maps: SceneMaps, keys: Mapping[int, float], ids: Iterable[int] | None = None) -> np.ndarray:
    """float32 H×W×4 per pixel: (key of the instance, nearness, its slope per pixel to the right, upwards).

    Args:
        keys: Object Info Random by instance id.
        ids: the instances that may be painted; all by default.
    """
    painted = np.full(len(maps.instances) + 1, UNSEEN, np.float32)
    for one in keys.keys() if ids is None else ids:
        painted[one] = keys[one]
    near = nearness(maps)
    right = _slope(near, maps.instance_map, axis=1)
    up = -_slope(near, maps.instance_map, axis=0)
    return np.stack([painted[maps.instance_map], near, right, up], axis=-1).astype(np.float32)


def _slope(values: np.ndarray, ids: np.ndarray, axis: int) -> np.ndarray:
    """Difference to the neighbour along ``axis`` on the side where the surface goes on most evenly.

    The side is chosen by the smaller second difference, so that neither edges nor creases are crossed; where no
    neighbour is of the same instance the slope is 0.
    """
    forward, forward_bend = _one_side(values, ids, axis)
    flipped = np.flip(values, axis), np.flip(ids, axis)
    backward, backward_bend = (np.flip(one, axis) for one in _one_side(*flipped, axis))
    slope = np.where(forward_bend <= backward_bend, forward, -backward)
    return np.where(np.isfinite(np.minimum(forward_bend, backward_bend)), slope, 0)


def _one_side(values: np.ndarray, ids: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(difference to the next value, size of the second difference: inf where the next is another instance)."""
    step1, same1 = _shifted(values, axis, 1) - values, _shifted(ids, axis, 1) == ids
    step2, same2 = _shifted(values, axis, 2) - _shifted(values, axis, 1), _shifted(ids, axis, 2) == ids
    bend = np.where(same2, np.abs(step2 - step1), np.abs(step1))
    return step1, np.where(same1, bend, np.inf)


def _shifted(values: np.ndarray, axis: int, by: int) -> np.ndarray:
    """The value ``by`` places further along ``axis``; beyond the edge 0, which no instance has."""
    if values.shape[axis] <= by:
        return np.zeros_like(values)
    out = np.zeros_like(values)
    source, target = [slice(None)] * 2, [slice(None)] * 2
    source[axis], target[axis] = slice(by, None), slice(None, -by)
    out[tuple(target)] = values[tuple(source)]
    return out
