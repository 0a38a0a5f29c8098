"""What is seen within the pixels that more than one surface shares: where exactly each of them ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .maps import BACKGROUND, SceneMaps
from .nearness import nearness, slope

TOLERANCE = 0.0003
"""How far a part of a pixel may lie from the plane of its centre and still count to it, as a share of its depth."""
SLACK = 0.05
"""The same, in pixels of the plane's own slope."""
_MARGIN = 2
"""parts around a block that its slopes are measured with"""
_INNER = slice(_MARGIN, -_MARGIN)
_MOST_CHANGED = 0.02
"""Share of the pixels with an outline whose parts show nothing of what their centre showed"""


@dataclass(frozen=True, eq=False)
class Outlines:
    """The pixels that one plane does not fill, each cut into k×k parts. Rows run from the top."""

    factor: int
    """k"""
    block: np.ndarray
    """uint32 H×W: number of the pixel's block, from 1 on; 0 where the plane of the pixel's centre fills it"""
    ids: np.ndarray
    """uint32 N×k×k: instance ids of the maps; 0 for background and for what has no pixel in the maps"""
    planes: np.ndarray
    """float32 N×k×k×3: nearness at the middle of each part, its slope per part to the right, upwards"""


def outlines(maps: SceneMaps, factor: int, keys: np.ndarray, depth: np.ndarray) -> Outlines | None:
    """The outlines of ``maps`` out of a finer look from the same place; None where the scene is another one by now.

    Args:
        factor: how many times finer.
        keys: float32 (H·factor)×(W·factor), Object Info Random of what is seen.
        depth: float32 of the same shape, as ``SceneMaps.depth``; inf = background.
    """
    near = nearness(depth, np.isfinite(depth), maps.camera.type)
    shared, found = _compare(maps, factor, keys, near)
    if (shared & ~found).sum() > _MOST_CHANGED * max(int(shared.sum()), 50):
        return None
    block = np.zeros(shared.shape, np.uint32)
    block[shared] = np.arange(1, int(shared.sum()) + 1)
    key_parts = _cut(np.where(near > 0, keys, np.float32(-2)), shared, factor, -3.0)
    near_parts = _cut(near, shared, factor, 0.0)
    rows, columns = (slice(None), _INNER), (slice(None), slice(None), _INNER)
    right = slope(near_parts[rows], key_parts[rows], axis=2)[columns]
    up = -slope(near_parts[columns], key_parts[columns], axis=1)[rows]
    planes = np.stack([near_parts[rows][columns], right, up], axis=-1).astype(np.float32)
    return Outlines(factor, block, _ids_of(key_parts[rows][columns], maps), planes)


def _compare(maps: SceneMaps, factor: int, keys: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bool H×W: not all parts lie on the plane of the pixel's centre, bool H×W: any does)."""
    centre = nearness(maps.depth, maps.instance_map != BACKGROUND, maps.camera.type)
    right, up = slope(centre, maps.instance_map, axis=1), -slope(centre, maps.instance_map, axis=0)
    known = np.array([-2.0, *(one.key[0] for one in maps.instances)], np.float32)[maps.instance_map]
    reach = SLACK * (np.abs(right) + np.abs(up)) + _tolerated(maps, centre)
    shared, found = np.zeros(centre.shape, bool), np.zeros(centre.shape, bool)
    for row in range(factor):
        for column in range(factor):
            part = near[row::factor, column::factor]
            key = np.where(part > 0, keys[row::factor, column::factor], np.float32(-2))
            x, y = (column + 0.5) / factor - 0.5, 0.5 - (row + 0.5) / factor
            same = (key == known) & ((part == 0) | (np.abs(part - centre - x * right - y * up) < reach))
            shared |= ~same
            found |= key == known
    return shared, found


def _tolerated(maps: SceneMaps, centre: np.ndarray) -> np.ndarray | float:
    """``TOLERANCE`` in units of nearness; of an orthographic camera as a share of the picture's width."""
    if maps.camera.type == "ORTHO":
        return TOLERANCE * 2 / abs(float(maps.camera.projection_matrix[0, 0]))
    return TOLERANCE * centre


def _cut(values: np.ndarray, shared: np.ndarray, factor: int, beyond: float) -> np.ndarray:
    """N×(k+2·margin)×(k+2·margin): the parts of each shared pixel and those around them."""
    padded = np.pad(values, _MARGIN, constant_values=beyond)
    rows, columns = np.nonzero(shared)
    span = np.arange(factor + 2 * _MARGIN)
    return padded[(rows * factor)[:, None, None] + span[:, None], (columns * factor)[:, None, None] + span]


def _ids_of(keys: np.ndarray, maps: SceneMaps) -> np.ndarray:
    """uint32: the instance with each key; 0 where the maps have none."""
    known = np.array([one.key[0] for one in maps.instances], np.float32)
    order = np.argsort(known, kind="stable")
    place = np.minimum(np.searchsorted(known[order], keys), len(known) - 1)
    numbers = np.array([one.id for one in maps.instances], np.uint32)[order]
    return np.where(known[order][place] == keys, numbers[place], 0).astype(np.uint32)
