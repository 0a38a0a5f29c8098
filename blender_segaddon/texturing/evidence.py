"""What the source camera saw, as numbers that a shader can test a surface point against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from ..core import nearness as planes
from ..core.exr import encode_plain_exr
from ..core.maps import BACKGROUND, SceneMaps
from ..core.outlines import Outlines
from ..core.png import encode_png

UNSEEN = -1.0
"""Key of texels that no surface may take a colour from; Object Info Random is 0..1."""


@dataclass(frozen=True)
class Files:
    """Evidence as image files: what pictures of the same maps have in common."""

    seen: bytes
    """EXR, see ``evidence``"""
    index: bytes = b""
    """PNG: number of each pixel's block in red + 256·green + 65536·blue, 0 where one plane fills the pixel; empty for
    maps without outlines"""
    parts: bytes = b""
    """EXR, see ``blocks``; empty for maps without outlines"""


_last: WeakKeyDictionary[SceneMaps, tuple[dict[int, float], Files]] = WeakKeyDictionary()
"""Those of the maps that were asked for last, which the next picture most likely has too: a few times their memory."""


def files(maps: SceneMaps, keys: Mapping[int, float]) -> Files:
    """The evidence of maps for these keys (as of ``evidence``). Never touches bpy; runs in any thread."""
    known = _last.get(maps)
    if known is None or known[0] != keys:
        known = dict(keys), _files(maps, keys)
        _last.clear()
        _last[maps] = known
    return known[1]


def prepare(maps: SceneMaps) -> None:
    """Make ``files`` for pictures of the whole of ``maps`` before there is one. Never touches bpy; any thread."""
    files(maps, {one.id: one.key[0] for one in maps.instances})


def columns_of(outlines: Outlines) -> int:
    """Blocks side by side in ``Files.parts``."""
    return max(round((len(outlines.ids) + 1) ** 0.5), 1)


def _files(maps: SceneMaps, keys: Mapping[int, float]) -> Files:
    seen, found = encode_plain_exr(evidence(maps, keys)), maps.outlines
    if found is None or not len(found.ids):
        return Files(seen)
    digits = np.stack([(found.block >> shift).astype(np.uint8) for shift in (0, 8, 16)], axis=-1)
    return Files(seen, encode_png(digits), encode_plain_exr(blocks(found, maps, keys, columns_of(found))))


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
