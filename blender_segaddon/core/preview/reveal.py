"""Maps with something taken away or put in: what the camera would see then, guessed from the surfaces around."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..maps import SceneMaps
from .geometry import dot
from .style import box_blur

_F = np.float32
_FAR = _F(1e30)
_LAST_RESORT = 1e8
"""pixels: further than any end"""


def without(maps: SceneMaps, mask: np.ndarray) -> SceneMaps:
    """The maps as if what is under the mask were not there.

    From each masked pixel the nearest free pixels to the left, right, top and bottom are looked at. Their surfaces are
    taken on as planes, and the one that this pixel's ray meets first is seen, as in a room. Where the background
    is among them the nearest of them is taken, since a wall does not go on into the sky.
    """
    # two pixels out: what touches the mask may be the sliver of an edge
    ends, distance, exists = _with_common(maps, mask, *_ends(grow(mask, 2)))
    depth = np.where(exists, _plane_depths(maps, ends), _FAR)
    # what shows lies behind what is taken away
    exists &= ~(depth < maps.depth * _F(0.98))
    beyond = exists & ~np.isfinite(maps.depth[ends[0], ends[1]])
    cost = np.where(beyond.any(0), _F(1), np.minimum(depth, _F(1e20)))
    # surfaces that meet the ray at about the same depth (a kerb): the nearer end wins
    cost = np.round(np.log2(np.maximum(cost, _F(1e-6))) * 12) + distance / _F(4 * max(mask.shape))
    cost = cost + _doubt(maps, mask, ends)
    choice = np.where(exists, cost, _FAR).argmin(0)[None]
    row, column = (np.take_along_axis(one, choice, 0)[0] for one in ends)
    new_depth = np.take_along_axis(depth, choice, 0)[0]
    new_depth = np.where(np.take_along_axis(beyond, choice, 0)[0] | (new_depth >= 1e20), np.inf, new_depth)
    return replace(
        maps,
        instance_map=np.where(mask, maps.instance_map[row, column], maps.instance_map),
        class_map=np.where(mask, maps.class_map[row, column], maps.class_map),
        depth=np.where(mask, new_depth, maps.depth).astype(_F),
        normal=np.where(mask[..., None], maps.normal[row, column], maps.normal),
    )


def _with_common(
    maps: SceneMaps, mask: np.ndarray, ends: tuple[np.ndarray, np.ndarray], distance: np.ndarray, exists: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Adds the two instances that touch the mask most: a floor shows on though things stand at all four ends.

    Only what is level reaches everywhere; a wall ends somewhere, so it comes last.
    """
    pick = mask & exists
    rows, columns = (one[pick] for one in ends)
    solid = np.isfinite(maps.depth[rows, columns])
    rows, columns = rows[solid], columns[solid]
    _, inverse, seen = np.unique(maps.instance_map[rows, columns], return_inverse=True, return_counts=True)
    for one in np.argsort(-seen, kind="stable")[:2]:
        own = np.flatnonzero(inverse.ravel() == one)
        normal = maps.normal[rows[own], columns[own]]
        typical = own[int(((normal - np.median(normal, 0)) ** 2).sum(-1).argmin())]
        ends = _also(ends[0], rows[typical]), _also(ends[1], columns[typical])
        level = abs(float(maps.camera.matrix_world[2, :3] @ maps.normal[rows[typical], columns[typical]])) > 0.9
        away = _F(2 * max(mask.shape) if level else _LAST_RESORT)
        distance, exists = _also(distance, away), _also(exists, True)
    return ends, distance, exists


def _also(stack: np.ndarray, value: np.ndarray | np.generic | float) -> np.ndarray:
    """The stack n×H×W with one more layer of that value."""
    return np.concatenate([stack, np.full((1, *stack.shape[1:]), value, stack.dtype)])


def _doubt(maps: SceneMaps, mask: np.ndarray, ends: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """float32 n×H×W: a fine for what hardly touches the mask (a lamp post) and for more of the same class."""
    ids, inverse = np.unique(maps.instance_map[ends], return_inverse=True)
    inverse = inverse.reshape(ends[0].shape)
    seen = np.bincount(inverse[:, mask].ravel(), minlength=ids.size)
    rare = seen < 0.07 * seen.sum()
    same = maps.class_map[ends] == maps.class_map
    return rare[inverse] * _F(1e3) + same * _F(1e4)


def _ends(mask: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """((rows, columns), distance, exists), each n×H×W: the first free pixel in each of the four directions."""
    height, width = mask.shape
    y, x = np.indices(mask.shape)
    left = np.maximum.accumulate(np.where(mask, -1, x), 1)
    right = np.minimum.accumulate(np.where(mask, width, x)[:, ::-1], 1)[:, ::-1]
    top = np.maximum.accumulate(np.where(mask, -1, y), 0)
    bottom = np.minimum.accumulate(np.where(mask, height, y)[::-1], 0)[::-1]
    rows, columns = np.stack([y, y, top, bottom]), np.stack([left, right, x, x])
    exists = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    distance = (np.abs(rows - y) + np.abs(columns - x)).astype(_F)
    return (np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)), distance, exists


def _plane_depths(maps: SceneMaps, ends: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """float32 n×H×W: where each pixel's ray meets the plane of the surface at the end pixel; else that one's depth."""
    depth = np.where(np.isfinite(maps.depth), maps.depth, 0).astype(_F)
    there = depth[ends]
    if maps.camera.type == "ORTHO":
        return np.where(there > 0, there, _FAR)
    ray = np.moveaxis(maps.camera.rays(), -1, 0).astype(_F)
    point = ray * depth
    normal = np.moveaxis(maps.normal, -1, 0).astype(_F)
    height = dot(normal, point)[ends]
    slope = dot(normal[:, ends[0], ends[1]], ray)
    meets = height / np.where(np.abs(slope) > 1e-4, slope, _F(1e-4))
    sound = (there > 0) & (np.abs(slope) > 1e-4) & (meets > 0.2 * there) & (meets < 40 * there)
    return np.where(there > 0, np.where(sound, meets, there), _FAR)


def with_thing(maps: SceneMaps, mask: np.ndarray, round_: bool) -> SceneMaps:
    """The maps with a new thing that fills the mask and stands where the mask's lower end touches the scene."""
    rows = np.flatnonzero(mask.any(1))
    foot = mask.copy()
    foot[: rows[-1] - max(1, (rows[-1] - rows[0]) // 10)] = False
    touched = maps.depth[foot & np.isfinite(maps.depth)]
    known = maps.depth[np.isfinite(maps.depth)]
    depth = float(np.median(touched)) if touched.size else float(np.median(known)) if known.size else 10.0
    normal, dome = inflated(mask) if round_ else (np.array((0, 0, 1), _F), _F(0))
    pixel = 2 / max(abs(maps.camera.projection_matrix[0, 0]), 1e-9) / maps.width
    return replace(
        maps,
        depth=np.where(mask, _F(depth) * (1 - np.minimum(dome * _F(pixel), _F(0.5))), maps.depth).astype(_F),
        normal=np.where(mask[..., None], normal, maps.normal).astype(_F),
    )


def inflated(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(float32 H×W×3 camera-space normals, float32 H×W height in pixels) of a cushion in the shape of the mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    size = max(2, min(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1))
    dome = mask.astype(_F)
    for share in (5, 9):
        dome = box_blur(dome, max(1, size // share))
    dome = np.sqrt(np.clip(dome * 2 - 1, 0.002, 1)) * _F(size * 0.55)
    slope_y, slope_x = (np.gradient(dome, axis=k) if dome.shape[k] > 1 else np.zeros_like(dome) for k in (0, 1))
    normal = np.stack([-slope_x, slope_y, np.ones_like(dome)], -1)
    return normal / np.sqrt((normal * normal).sum(-1, keepdims=True)), dome


def grow(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask, wider by that much to all sides (a square)."""
    for axis in (0, 1):
        count = np.cumsum(np.pad(mask, [(1, 0) if k == axis else (0, 0) for k in (0, 1)]), axis, dtype=np.int32)
        size = mask.shape[axis]
        at = np.arange(size)
        mask = count.take(np.minimum(at + pixels + 1, size), axis) > count.take(np.maximum(at - pixels, 0), axis)
    return mask
