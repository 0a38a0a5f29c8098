"""What the ControlNets are shown: pictures made from the exact maps, in the conventions that they were trained on.

All results are uint8 H×W×3 of the maps' size, row 0 at the top.
"""

from __future__ import annotations

import numpy as np

from blender_segaddon.core import vocabulary as vocabularies
from blender_segaddon.core.colourise import depth_image, instance_image, normal_image, semantic_image
from blender_segaddon.core.maps import NO_CLASS, SceneMaps

UNION_MODES = {"depth": 1, "lineart": 3, "normal": 4, "segmentation": 5}
"""Numbers of the control types that controlnet-union-sdxl was trained with (xinsir's model card)."""

KINDS = tuple(UNION_MODES)

_CREASE = np.cos(np.radians(30.0))
"""Neighbours whose normals differ by more are drawn apart by a line."""
_STEP = 0.06
"""Neighbours whose depths differ by more than this share, beyond what the surface's slope explains, are too."""


def control_image(kind: str, maps: SceneMaps, palette: str) -> np.ndarray:
    """One control picture.

    Args:
        kind: one of ``KINDS``.
        palette: for "segmentation": name of the vocabulary whose colours the ControlNet knows, or "instances".

    Raises:
        InvalidInput: the maps' classes cannot be said in that vocabulary.
        KeyError: an unknown kind.
    """
    return {"segmentation": lambda: _segmentation(maps, palette), "depth": lambda: depth_image(maps.depth),
            "normal": lambda: _normalbae(maps.normal), "lineart": lambda: lineart(maps)}[kind]()  # fmt: skip


def lineart(maps: SceneMaps) -> np.ndarray:
    """White lines on black, one pixel wide, where instances, depths or the surface's direction break.

    That is how the lineart preprocessor and Union's thin lines (canny) look.
    """
    edges = np.zeros(maps.instance_map.shape, bool)
    for axis in (0, 1):
        here, there = _pairs(maps.instance_map.shape, axis)
        differ = maps.instance_map[here] != maps.instance_map[there]
        differ |= (maps.normal[here] * maps.normal[there]).sum(axis=-1) < _CREASE
        differ |= _depth_breaks(maps.depth, axis)
        edges[here] |= differ
    edges &= np.isfinite(maps.depth) | _touches(np.isfinite(maps.depth))
    return np.repeat((edges * np.uint8(255))[..., None], 3, axis=2)


def _segmentation(maps: SceneMaps, palette: str) -> np.ndarray:
    if palette == "instances":
        return instance_image(maps.instance_map)
    known = vocabularies.load(palette)
    if maps.vocabulary == palette:
        return semantic_image(maps.class_map, known)
    source = vocabularies.load(maps.vocabulary)
    table = np.full(NO_CLASS + 1, NO_CLASS, np.uint16)
    for one in source.classes:
        same = known.find(one.name)
        if same is not None:
            table[one.id] = same.id
    return semantic_image(table[maps.class_map], known)


def _normalbae(normal: np.ndarray) -> np.ndarray:
    """ControlNet 1.1's: red to the left, green up, blue to the viewer (shared facts of the preprocessor NormalBae)."""
    image = normal_image(normal)
    image[..., 0] = 255 - image[..., 0]
    return image


def _depth_breaks(depth: np.ndarray, axis: int) -> np.ndarray:
    """Where the inverse depth jumps: it is linear over a plane, so that a plane seen at a slant has no breaks."""
    inverse = np.zeros(depth.shape, np.float32)
    np.divide(1.0, depth, out=inverse, where=np.isfinite(depth) & (depth > 0))
    step = np.diff(inverse, axis=axis)
    before = np.concatenate([step.take([0], axis), step.take(range(step.shape[axis] - 1), axis)], axis)
    after = np.concatenate([step.take(range(1, step.shape[axis]), axis), step.take([-1], axis)], axis)
    bend = np.minimum(abs(step - before), abs(step - after))
    here, there = _pairs(depth.shape, axis)
    return bend > _STEP * np.maximum(inverse[here], inverse[there])


def _pairs(shape: tuple[int, ...], axis: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Index of each pixel that has a next one along the axis, and of that next one."""
    if axis == 0:
        return (slice(0, shape[0] - 1), slice(None)), (slice(1, None), slice(None))
    return (slice(None), slice(0, shape[1] - 1)), (slice(None), slice(1, None))


def _touches(seen: np.ndarray) -> np.ndarray:
    """True also for the background pixel before something that is seen: an outline has two sides."""
    grown = seen.copy()
    grown[:-1] |= seen[1:]
    grown[:, :-1] |= seen[:, 1:]
    return grown
