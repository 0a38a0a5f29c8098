"""After a change of layout: what stayed keeps its pixels, what changed or came into view is painted again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import bpy
import numpy as np

from .. import capture, texturing
from ..core.maps import Instance, SceneMaps
from ..protocol.errors import InvalidInput, SceneError
from ..texturing import Placement
from . import placing
from .picture import Picture, Recipe

_DEPTH_TOLERANCE = 1e-3
"""Relative. A surface whose depth moved by less is the same surface; capture's own error is below 1e-4."""


def update(placement: Placement, make: Callable[[Recipe], Picture]) -> Placement:
    """Capture again, keep what stayed, let ``make`` paint what changed, and place the result; see ``api.update``.

    The old picture is taken out for the capture, which is to see the scene itself; where anything fails it comes back.
    """
    source = placing.picture_of(placement)
    if source is None or source.maps is None:
        raise InvalidInput(
            f"Nothing is known of the picture of '{placement.name}'", "Generate a picture and place it again"
        )
    scene = placing.scene_of(placement)
    camera = scene.objects.get(source.maps.camera.name)
    if camera is None:
        raise SceneError(f"Camera '{source.maps.camera.name}' is gone", "Make it again, or generate a new picture")
    texturing.remove(placement)
    try:
        fresh = _repainted(source, source.maps, scene, camera, make)
    except BaseException:
        placing.again(placement, source)
        raise
    return placing.again(placement, fresh)


def _repainted(
    source: Picture,
    old: SceneMaps,
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    make: Callable[[Recipe], Picture],
) -> Picture:
    size = (old.width, old.height)
    maps = capture.capture(scene, camera=camera, size=size, vocabulary=old.vocabulary, background=old.background)
    changed = changed_pixels(old, maps)
    fresh = source
    if changed.any():
        fresh = make(
            replace(source.recipe, maps=maps, image=source.pixels, mask=changed, intent="extend", strength=1.0)
        )
    return Picture(fresh.pixels, replace(fresh.recipe, maps=maps), fresh.metadata)


def changed_pixels(old: SceneMaps, new: SceneMaps) -> np.ndarray:
    """bool H×W: where another thing is seen than before, or the same thing somewhere else.

    Things are told by what they are in Blender (object, instancer, persistent id, library, material), not by number.

    Raises:
        InvalidInput: the two captures differ in size.
    """
    if (old.width, old.height) != (new.width, new.height):
        raise InvalidInput(
            f"The picture has {old.width}×{old.height} pixels, the new capture {new.width}×{new.height}",
            "Capture at the size of the picture",
        )
    numbers: dict[tuple[object, ...], int] = {}
    same_thing = _numbered(old, numbers) == _numbered(new, numbers)
    both_finite = np.isfinite(old.depth) & np.isfinite(new.depth)
    with np.errstate(invalid="ignore"):
        moved = np.abs(old.depth - new.depth) > _DEPTH_TOLERANCE * new.depth
    return ~same_thing | (both_finite & moved) | (old.class_map != new.class_map)


def _numbered(maps: SceneMaps, numbers: dict[tuple[object, ...], int]) -> np.ndarray:
    """The instance map in numbers that both captures share; 0 stays background."""
    table = np.zeros(len(maps.instances) + 1, np.int64)
    for one in maps.instances:
        table[one.id] = numbers.setdefault(_identity(one), len(numbers) + 1)
    return table[maps.instance_map]


def _identity(one: Instance) -> tuple[object, ...]:
    return (one.object, one.instancer, one.persistent_id, one.library, one.material)
