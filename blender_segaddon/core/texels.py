"""Triangles on a texture as texels, and what to do with texels that nothing is known of. numpy only.

Texel coordinates have x to the right and y downwards, row 0 at the top; texel centres are at .5.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

_BAND = 1 << 16
"""texels that are worked on at once: what is computed from them stays in the processor's cache"""
_GRID = 48
"""Cells along the longest side of the box that unknown texels look for colours in."""


@dataclass(frozen=True, eq=False)
class Texels:
    """Texels that triangles touch, each once."""

    at: np.ndarray
    """int64 N, ascending: row · width + column"""
    triangle: np.ndarray
    """int64 N: the triangle that each is in, or touches"""
    place: np.ndarray
    """float64 N×2, in texels: its centre where that lies in a triangle, else the nearest point of the one it touches"""
    crowded: int
    """How many texels more than one triangle claims; edges that two share are not counted."""


def rasterise(corners: np.ndarray, width: int, height: int) -> Texels:
    """The texels whose centres lie in triangles, and those that are only touched: surfaces thinner than a texel have
    no others.

    Args:
        corners: float64 T×3×2, in texels.
    """
    low, high = corners[..., 1].min(axis=1), corners[..., 1].max(axis=1)
    triangle, row = _lines(np.ceil(low - 0.5), np.floor(high - 0.5), height)
    left, right = _span(corners[triangle], row + 0.5)
    start = np.ceil(left - 0.5).clip(0, width).astype(np.int64)
    stop = np.floor(right - 0.5).clip(-1, width - 1).astype(np.int64)
    line, column = _spread(start, np.maximum(stop - start + 1, 0))
    at, inside, crowded = _once(row[line] * width + column, triangle[line])
    taken = np.zeros(width * height, bool)
    taken[at] = True
    border, touching = _touched(corners, width, height, taken)
    at, owner = np.concatenate([at, border]), np.concatenate([inside, touching])
    place = np.stack([at % width + 0.5, at // width + 0.5], axis=-1)
    place[len(inside) :] = _onto(corners[touching], place[len(inside) :])
    order = np.argsort(at, kind="stable")
    return Texels(at[order], owner[order], place[order], crowded)


def positions(texels: Texels, corners: np.ndarray, places: np.ndarray) -> np.ndarray:
    """float64 N×3: where in space each texel's place is.

    Args:
        corners: as in ``rasterise``.
        places: float64 T×3×3: the corners in space.
    """
    a, b, c = np.moveaxis(corners, 1, 0)
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    edge_b, edge_c = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
    across = (edge_b * ac[:, 1:] - edge_c * ab[:, 1:]) / area[:, None]
    down = (edge_c * ab[:, :1] - edge_b * ac[:, :1]) / area[:, None]
    origin = places[:, 0] - across * a[:, :1] - down * a[:, 1:]
    own, (x, y) = texels.triangle, texels.place.T
    return origin[own] + across[own] * x[:, None] + down[own] * y[:, None]


def with_margin(known: np.ndarray, reach: int) -> np.ndarray:
    """int32 H×W: for each texel the index of a nearby one that is known; -1 where none is near.

    Args:
        known: bool H×W.
        reach: how many texels (counted along rows and columns) away that may be.
    """
    index = np.where(known, np.arange(known.size, dtype=np.int32).reshape(known.shape), np.int32(-1))
    sides = [(np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:])]
    ways = sides + [((slice(None), target), (slice(None), source)) for target, source in sides]
    for _ in range(reach):
        before = index.copy()
        for target, source in ways:
            np.copyto(index[target], before[source], where=index[target] < 0)
    return index


def spread(places: np.ndarray, colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 N×C: the colours, unknown ones made from those that are near in space, whatever island they lie on.

    Pull-push (Gortler et al. 1996) over a grid in space: soft, without seams where islands meet on the surface.

    Args:
        places: float N×3.
        known: bool N; all stay as they are where none is.
    """
    if known.all() or not known.any():
        return colours
    low, extent = places.min(axis=0), max(float(np.ptp(places, axis=0).max()), 1e-9)
    at = (places - low) * ((_GRID - 1) / extent)
    shape = tuple((np.floor(at.max(axis=0)).astype(int) + 2).tolist())
    cell = np.asarray(np.ravel_multi_index(tuple(np.rint(at[known]).astype(np.int64).T), shape))
    values = np.stack([np.ones(len(cell)), *colours[known].T.astype(np.float64)], axis=0)
    grid = np.stack([np.bincount(cell, weights=one, minlength=int(np.prod(shape))).reshape(shape) for one in values])
    filled = _pulled_and_pushed(grid / np.maximum(grid[:1], 1))
    result = colours.copy()
    lost = np.flatnonzero(~known)
    bands = [lost[start : start + _BAND] for start in range(0, len(lost), _BAND)]

    def fill(band: np.ndarray) -> None:
        result[band] = _between(filled, at[band])

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy lets go of the interpreter for most of the work
        list(pool.map(fill, bands))
    return result


def _pulled_and_pushed(grid: np.ndarray) -> np.ndarray:
    """(1+C)×X×Y×Z: weight 0..1 and colour · weight in, colours without gaps out (weight 1)."""
    if max(grid.shape[1:]) == 1:
        return grid / np.maximum(grid[:1], 1e-9)
    padded = np.pad(grid, [(0, 0), *((0, side % 2) for side in grid.shape[1:])])
    halved = np.add.reduce([padded[:, x::2, y::2, z::2] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    coarse = _pulled_and_pushed(halved / np.maximum(halved[:1], 1))
    steps = np.stack(np.meshgrid(*(np.arange(side) / 2 - 0.25 for side in grid.shape[1:]), indexing="ij"), axis=-1)
    limits = np.array(coarse.shape[1:]) - 1
    below = _between(coarse, np.clip(steps.reshape(-1, 3), 0, limits), keep_weight=True).T.reshape(grid.shape)
    return grid + (1 - grid[:1]) * below


def _between(grid: np.ndarray, at: np.ndarray, *, keep_weight: bool = False) -> np.ndarray:
    """float32 N×C (N×1+C with the weight): values of a grid (1+C)×X×Y×Z between its cells, trilinear."""
    shape = np.array(grid.shape[1:])
    base = np.minimum(np.floor(at).astype(np.int64), np.maximum(shape - 2, 0))
    part = (at - base).astype(np.float32).T
    steps = np.where(shape > 1, (shape[1] * shape[2], shape[2], 1), 0)
    flat = base @ np.array((shape[1] * shape[2], shape[2], 1))
    cells = np.ascontiguousarray(grid.reshape(grid.shape[0], -1).T, np.float32)
    sides = [(1 - one, one) for one in part]
    total = np.zeros((len(flat), cells.shape[1]), np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = sides[0][corner[0]] * sides[1][corner[1]] * sides[2][corner[2]]
        total += cells[flat + int(np.dot(corner, steps))] * weight[:, None]
    return total if keep_weight else total[:, 1:] / np.maximum(total[:, :1], np.float32(1e-9))


def _spread(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index, value): first[i], first[i]+1, … count[i] times, for each i."""
    index = np.repeat(np.arange(len(first)), count)
    offset = np.arange(len(index)) - np.repeat(np.cumsum(count) - count, count)
    return index, first[index] + offset


def _lines(first: np.ndarray, last: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
    """(index, row): the rows of an image from first[i] to last[i], for each i."""
    start = first.astype(np.int64).clip(0, height)
    return _spread(start, np.maximum(last.astype(np.int64).clip(-1, height - 1) - start + 1, 0))


def _once(at: np.ndarray, triangle: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """(texels in order, the first triangle of each, how many were named again)."""
    order = np.argsort(at, kind="stable")
    at, triangle = at[order], triangle[order]
    first = np.diff(at, prepend=-1) > 0
    return at[first], triangle[first], int((~first).sum())


def _touched(corners: np.ndarray, width: int, height: int, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(texels that triangles touch besides the ``taken`` ones, a triangle of each)."""
    low, high = corners[..., 1].min(axis=1), corners[..., 1].max(axis=1)
    triangle, row = _lines(np.floor(low), np.ceil(high) - 1, height)
    own = corners[triangle]
    ends = [_span(own, row), _span(own, row + 1)]
    for corner in range(3):
        x, y = own[:, corner].T
        within = (row <= y) & (y <= row + 1)
        ends.append((np.where(within, x, np.inf), np.where(within, x, -np.inf)))
    left, right = (
        pick(several, axis=0) for pick, several in zip((np.min, np.max), zip(*ends, strict=True), strict=True)
    )
    start = np.floor(left).clip(0, width).astype(np.int64)
    stop = (np.ceil(right) - 1).clip(-1, width - 1).astype(np.int64)
    # what lies between the centres at both ends is taken already
    inner_left, inner_right = _span(own, row + 0.5)
    inner_start = np.minimum(np.ceil(inner_left - 0.5).clip(0, width).astype(np.int64), stop + 1)
    inner_stop = np.maximum(np.floor(inner_right - 0.5).clip(-1, width - 1).astype(np.int64), inner_start - 1)
    counts = np.concatenate([inner_start - start, stop - inner_stop])
    line, column = _spread(np.concatenate([start, inner_stop + 1]), np.maximum(counts, 0))
    at, triangle = row[line % len(row)] * width + column, triangle[line % len(row)]
    free = ~taken[at]
    return _once(at[free], triangle[free])[:2]


def _onto(corners: np.ndarray, place: np.ndarray) -> np.ndarray:
    """float64 N×2: the points on the borders of triangles N×3×2 that are nearest to ``place`` (N×2)."""
    best, least = place.copy(), np.full(len(place), np.inf)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        edge, way = corners[:, other] - corners[:, one], place - corners[:, one]
        along = (way * edge).sum(axis=1) / np.maximum((edge * edge).sum(axis=1), 1e-30)
        point = corners[:, one] + edge * along.clip(0, 1)[:, None]
        distance = np.square(point - place).sum(axis=1)
        best[distance < least] = point[distance < least]
        least = np.minimum(least, distance)
    return best


def _span(corners: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right end of triangles N×3×2 on the lines y (N); inf and -inf where they do not reach there."""
    left, right = np.full(len(y), np.inf), np.full(len(y), -np.inf)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        (x0, y0), (x1, y1) = corners[:, one].T, corners[:, other].T
        crosses = (np.minimum(y0, y1) <= y) & (y <= np.maximum(y0, y1))
        with np.errstate(invalid="ignore", divide="ignore"):
            x = np.where(y0 == y1, x0, x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        left = np.where(crosses, np.minimum(left, x), left)
        right = np.where(crosses, np.maximum(right, x), right)
    return left, right
