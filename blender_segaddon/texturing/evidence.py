"""What the source camera saw, as numbers that a shader can test a surface point against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..core import nearness as planes
from ..core.maps import BACKGROUND, SceneMaps
from ..core.outlines import Outlines

UNSEEN = -1.0
"""Key of texels that no surface may take a colour from; Object Info Random is 0..1."""


def nearness(maps: SceneMaps) -> np.ndarray:
    """float32 H×W, see ``core.nearness.nearness``; 0 = background."""
    return planes.nearness(maps.depth, maps.instance_map != BACKGROUND, maps.camera.type)


def evidence(maps: SceneMaps, keys: Mapping[int, float], ids: Iterable[int] | None = None) -> np.ndarray:
    """float32 H×W×4 per pixel: (key of the instance, nearness, its slope per pixel to the right, upwards).

    Args:
        keys: Object Info Random by instance id.
        ids: the instances that may be painted; all by default.
    """
    near = nearness(maps)
    right = planes.slope(near, maps.instance_map, axis=1)
    up = -planes.slope(near, maps.instance_map, axis=0)
    painted = _painted(maps, keys, ids)
    return np.stack([painted[maps.instance_map], near, right, up], axis=-1).astype(np.float32)


def blocks(outlines: Outlines, maps: SceneMaps, keys: Mapping[int, float], columns: int) -> np.ndarray:
    """float32 R×C×4: as ``evidence``, for the parts of the pixels that an outline goes through, block by block.

    Block b (from 1 on; 0 is empty) has its lower left corner at ((b % columns)·k, (b // columns)·k), rows counted
    from the bottom; k is ``outlines.factor``. Row 0 is at the top, as everywhere.
    """
    k, count = outlines.factor, len(outlines.ids) + 1
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, k, k, 4), np.float32)
    grid[..., 0] = UNSEEN
    grid[1:count, ..., 0] = _painted(maps, keys)[outlines.ids]
    grid[1:count, ..., 1:] = outlines.planes
    laid = grid.reshape(rows, columns, k, k, 4)[::-1]
    return np.ascontiguousarray(laid.transpose(0, 2, 1, 3, 4).reshape(rows * k, columns * k, 4))


def _painted(maps: SceneMaps, keys: Mapping[int, float], ids: Iterable[int] | None = None) -> np.ndarray:
    """float32: what a texel that shows the instance of an id has as its key."""
    painted = np.full(len(maps.instances) + 1, UNSEEN, np.float32)
    for one in keys.keys() if ids is None else ids:
        painted[one] = keys[one]
    return painted
