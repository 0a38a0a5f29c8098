"""A small picture brought to the size of its exact maps: edges from ids and normals, light and grain from the painter.

For models that draw few pixels of a scene whose maps are known at full size. What is enlarged stays within the borders
of each instance (joint bilateral upsampling, Kopf et al. 2007, with ids for the guide). What such a model is not told,
on which side the light falls, and what lies between its pixels come from the procedural painter, whose picture of the
same maps has both. Colours stay those that were drawn. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.core.preview import paint

from .sizes import resized

NOTICE = "Drawn at {}×{}; brought to {}×{} along the exact maps, with painted light and grain of the classes' materials"

_F = np.float32
_GRAIN = 0.85
"""How much of the painter's grain is taken."""
_MOST = 1.0
"""Largest change by grain: the logarithm of a factor."""
LIGHT = 0.7
"""How much of the painter's light is taken, by which the sides of a thing differ."""
_DARK = 10.0
"""Of 255, added before ratios are taken: in the dark they would be noise."""
_BAND = 1 << 17
"""pixels that are worked on at once"""


@dataclass(frozen=True, eq=False)
class _Cells:
    """The small picture's pixels, and what of the maps lies under each."""

    shape: tuple[int, int]
    of_pixel: np.ndarray
    """int32 H×W: the cell under each pixel of the maps"""
    ids: np.ndarray
    """uint32 N: the instance at each cell's centre"""
    normal: np.ndarray
    """float32 N×3"""
    purity: np.ndarray
    """float32 N: which part of the cell that instance has"""
    pixels: np.ndarray
    """bool H×W: whether a pixel belongs to its cell's instance"""


def detailed(
    small: np.ndarray, maps: SceneMaps, prompt: str, seed: int, light: float | np.ndarray = LIGHT
) -> np.ndarray:
    """The picture at the maps' size.

    Args:
        small: uint8 h×w×3, drawn from these maps at that size (nearest pixels).
        prompt, seed: what it was drawn by; the grain has the same light, weather and materials.
        light: how much of the painter's light on each thing is added, 0..1, or float32 H×W of it; none where the
            picture has light. The sky, which has no sides, gets none.

    Returns:
        uint8 H×W×3. Where it is not smaller than the maps, the picture resampled.
    """
    if small.shape[0] >= maps.height and small.shape[1] >= maps.width:
        return resized(small, (maps.width, maps.height))
    cells = _cells(small.shape[:2], maps)
    painted = np.log(paint(maps, prompt, seed).astype(_F) + _F(_DARK))
    coarse = _averaged(painted, cells)
    both = np.concatenate([np.log(small.reshape(-1, 3).astype(_F) + _F(_DARK)), coarse], axis=1)
    mean, seen = _means(coarse, cells, maps)
    mean, seen[0] = mean.mean(axis=1), False
    share = np.broadcast_to(_F(light), maps.instance_map.shape)
    result = np.empty((maps.height, maps.width, 3), np.uint8)
    rows = max(1, _BAND // maps.width)
    for start in range(0, maps.height, rows):
        band = slice(start, min(start + rows, maps.height))
        large = _enlarged(both, cells, maps, band)
        grain = np.clip(painted[band] - large[..., 3:], -_MOST, _MOST) * _F(_GRAIN)
        ids = maps.instance_map[band]
        shade = np.where(seen[ids], large[..., 3:].mean(axis=2) - mean[ids], 0) * share[band]
        result[band] = np.clip(np.exp(large[..., :3] + shade[..., None] + grain) - _F(_DARK) + _F(0.5), 0, 255)
    return result


def _cells(shape: tuple[int, int], maps: SceneMaps) -> _Cells:
    rows, columns = shape
    y = (np.arange(maps.height) * rows // maps.height)[:, None]
    x = (np.arange(maps.width) * columns // maps.width)[None]
    of_pixel = (y * columns + x).astype(np.int32)
    centre_y = ((np.arange(rows) + 0.5) * maps.height / rows).astype(int)[:, None]
    centre_x = ((np.arange(columns) + 0.5) * maps.width / columns).astype(int)[None]
    ids = maps.instance_map[centre_y, centre_x].ravel()
    pixels = maps.instance_map == ids[of_pixel]
    count = np.bincount(of_pixel.ravel(), minlength=rows * columns)
    own = np.bincount(of_pixel[pixels], minlength=rows * columns)
    normal = maps.normal[centre_y, centre_x].reshape(-1, 3).astype(_F)
    return _Cells(shape, of_pixel, ids, normal, (own / np.maximum(count, 1)).astype(_F), pixels)


def _averaged(picture: np.ndarray, cells: _Cells) -> np.ndarray:
    """float32 N×3: the mean of a large picture (float H×W×3) over what each cell's instance has of the cell."""
    where = cells.of_pixel[cells.pixels]
    count = np.maximum(np.bincount(where, minlength=len(cells.ids)), 1)
    sums = [np.bincount(where, picture[..., k][cells.pixels], len(cells.ids)) for k in range(picture.shape[2])]
    return (np.stack(sums, axis=1) / count[:, None]).astype(_F)


def _enlarged(values: np.ndarray, cells: _Cells, maps: SceneMaps, band: slice) -> np.ndarray:
    """float32 rows×W×C: for each pixel the mean of the near cells that show the same surface.

    A pixel whose instance no near cell shows takes its instance's mean, and where there is none the cell it lies in.
    """
    rows, columns = cells.shape
    height, width = maps.instance_map.shape
    ids, normal = maps.instance_map[band], maps.normal[band]
    v = (np.arange(band.start, band.stop) + 0.5) * rows / height - 0.5
    u = (np.arange(width) + 0.5) * columns / width - 0.5
    total = np.zeros((*ids.shape, values.shape[1]), _F)
    weight = np.full(ids.shape, 1e-6, _F)
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        y, x = np.floor(v).astype(int) + dy, np.floor(u).astype(int) + dx
        near = (1 - abs(v - y)).astype(_F)[:, None] * (1 - abs(u - x)).astype(_F)[None] + _F(0.01)
        cell = np.clip(y, 0, rows - 1)[:, None] * columns + np.clip(x, 0, columns - 1)[None]
        alike = (normal * cells.normal[cell]).sum(axis=-1)
        share = near * (cells.ids[cell] == ids) * (_F(0.02) + alike.clip(0, 1) ** 8 + (ids == 0)) * cells.purity[cell]
        weight += share
        total += values[cell] * share[..., None]
    mean, seen = _means(values, cells, maps)
    lone = weight < 1e-4
    total /= weight[..., None]
    if lone.any():
        known = seen[ids[lone]]
        total[lone] = np.where(known[:, None], mean[ids[lone]], values[cells.of_pixel[band][lone]])
    return total


def _means(values: np.ndarray, cells: _Cells, maps: SceneMaps) -> tuple[np.ndarray, np.ndarray]:
    """(float32 ids×C: the mean of the cells of each instance; bool ids: whether it has any)."""
    count = len(maps.instances) + 1
    seen = np.bincount(cells.ids, minlength=count)
    sums = [np.bincount(cells.ids, values[:, k], count) for k in range(values.shape[1])]
    return (np.stack(sums, axis=1) / np.maximum(seen, 1)[:, None]).astype(_F), seen > 0
