"""Which surface would be seen behind what a mask hides, guessed from the maps around it.

The surfaces around the hole are taken as planes, each as far as it is seen elsewhere; a ray of the hole meets first the
nearest of them that lies behind the hidden thing and reaches there. So a floor goes on to the wall, and a table-top
ends where the table does. What was captured without the thing needs none of this: ``surfaces`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..maps import SceneMaps
from ..masks import dilate

_F = np.float32
NOWHERE = -1
"""Label of the background."""
_RING = 6
"""pixels around the hole whose surfaces may go on in it"""
_RARE = 0.03
"""Share of the ring below which a surface does not go on."""
_MOST = 12
"""surfaces that are looked at"""
_APART = 0.04
"""Planes of one thing that are farther apart than this share of their distance are two surfaces."""
_MARGIN = 0.12
"""Share of its extent by which a surface goes on beyond where it is seen."""
_UNREACHED, _BEYOND = 1e6, 1e5


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What is seen where."""

    labels: np.ndarray
    """int64 H×W: one number a surface (a side of an instance), ``NOWHERE`` for the background"""
    depth: np.ndarray
    """float32 H×W, as in ``SceneMaps``; inf for the background"""


def surfaces(maps: SceneMaps) -> Surfaces:
    """The surfaces that the maps show: each instance's pixels of one plane (by direction and distance)."""
    solid = np.isfinite(maps.depth) & (maps.depth > 0)
    points = maps.camera.view_points(np.where(solid, maps.depth, 1))
    facing = _facing(maps)
    sign = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], float)
    axes = sign @ maps.camera.matrix_world[:3, :3]
    away = (points * axes[facing]).sum(axis=-1)
    usual = np.median(maps.depth[solid]) if solid.any() else 1.0
    level = np.round(away / (_APART * usual)).astype(np.int64)
    key = maps.instance_map.astype(np.int64) * 6 + facing
    _, labels = np.unique(np.stack([key.ravel(), _steps(key, level).ravel()]), axis=1, return_inverse=True)
    labels = labels.reshape(key.shape)
    return Surfaces(np.where(solid, labels, NOWHERE), np.where(solid, maps.depth, np.inf).astype(_F))


def behind(maps: SceneMaps, mask: np.ndarray) -> Surfaces:
    """``surfaces`` as they would be without what is under the mask (bool H×W)."""
    seen = surfaces(maps)
    known = ~dilate(mask, 2)
    ring = dilate(mask, _RING) & known
    if not ring.any():
        return seen
    numbers, counts = np.unique(seen.labels[ring], return_counts=True)
    common = numbers[(counts >= _RARE * counts.sum()) | (counts == counts.max())]
    order = np.argsort(-counts[np.isin(numbers, common)])
    rows, columns = np.nonzero(mask)
    hidden = maps.depth[rows, columns]
    found = [_reach(maps, seen, known, int(number), rows, columns, hidden) for number in common[order][:_MOST]]
    cost, depth = (np.stack(one) for one in zip(*found, strict=True))
    best = cost.argmin(axis=0)
    labels, depths = seen.labels.copy(), seen.depth.copy()
    labels[mask] = common[order][:_MOST][best]
    depths[mask] = np.take_along_axis(depth, best[None], 0)[0]
    return Surfaces(labels, depths)


def _reach(
    maps: SceneMaps,
    seen: Surfaces,
    known: np.ndarray,
    label: int,
    rows: np.ndarray,
    columns: np.ndarray,
    hidden: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(cost, depth) at each hole pixel of one surface that goes on there."""
    if label == NOWHERE:
        return np.full(rows.size, _BEYOND), np.full(rows.size, np.inf)
    camera = maps.camera
    rows_seen, columns_seen = np.nonzero(known & (seen.labels == label))
    some = slice(None, None, max(1, rows_seen.size // 20000))
    at = rows_seen[some], columns_seen[some]
    points = camera.points_of(at[0], at[1], seen.depth[at].astype(float))
    normal = np.median(maps.normal[at] @ camera.matrix_world[:3, :3].T, axis=0)
    normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
    offset = float(np.median(points @ normal))
    start = camera.points_of(rows, columns, np.zeros(rows.size))
    ray = camera.points_of(rows, columns, np.ones(rows.size)) - start
    slope = ray @ normal
    depth = (offset - start @ normal) / np.where(np.abs(slope) > 1e-6, slope, 1e-6)
    hits = (np.abs(slope) > 1e-6) & (depth > 0) & ~(depth < 0.97 * hidden)
    low, high = np.percentile(points, (0.5, 99.5), axis=0)
    margin = _MARGIN * (high - low).max() + 1e-6
    place = start + ray * np.where(hits, depth, 0)[:, None]
    outside = np.maximum(np.maximum(low - margin - place, place - high - margin), 0).max(axis=1) / margin
    usual = float(np.median(seen.depth[at]))
    cost = np.where(hits, np.where(outside > 0, _UNREACHED + outside, depth), 2 * _UNREACHED)
    return cost, np.where(hits, depth, usual)


def _facing(maps: SceneMaps) -> np.ndarray:
    """int H×W, 0..5: the world axis (+x, -x, +y, …) that the surface faces most."""
    world = maps.normal @ maps.camera.matrix_world[:3, :3].T.astype(_F)
    axis = np.abs(world).argmax(axis=-1)
    return axis * 2 + (np.take_along_axis(world, axis[..., None], -1)[..., 0] < 0)


def _steps(key: np.ndarray, level: np.ndarray) -> np.ndarray:
    """int64 H×W: the levels of each key, joined where they follow one another without a gap."""
    pairs, where = np.unique(np.stack([key.ravel(), level.ravel()]), axis=1, return_inverse=True)
    gap = np.ones(pairs.shape[1], bool)
    gap[1:] = (pairs[0, 1:] != pairs[0, :-1]) | (pairs[1, 1:] > pairs[1, :-1] + 1)
    return np.cumsum(gap)[where.reshape(-1)].reshape(key.shape)
