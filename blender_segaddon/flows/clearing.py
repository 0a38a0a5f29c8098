"""Maps of the scene as it would be without some of its objects: what a removal has to show."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import bpy
import numpy as np

from .. import capture
from ..core import vocabulary
from ..core.maps import NO_CLASS, SceneMaps
from ..protocol.errors import SceneError

log = logging.getLogger(__name__)

_ALIKE = 0.97
"""Share of the pixels beside the mask that have to show the same objects: else the scene is another one by now."""


def objects_under(maps: SceneMaps, ids: Iterable[int]) -> list[str]:
    """Names of the objects (of the instancers, for instances) with these values in the instance map."""
    things = [maps.instance(one) for one in ids if one > 0]
    return list(dict.fromkeys(one.instancer or one.object for one in things))


def maps_without(maps: SceneMaps, names: Iterable[str], mask: np.ndarray) -> SceneMaps | None:
    """The maps of the same view without the named objects; None where the scene is not the one that they show.

    Args:
        mask: bool H×W: where they are seen.
    """
    scene = bpy.data.scenes.get(maps.scene)
    camera = None if scene is None else scene.objects.get(maps.camera.name)
    things = [] if scene is None else [scene.objects.get(name) for name in names]
    if scene is None or camera is None or not things or None in things:
        return None
    size = (maps.width, maps.height)
    if not np.allclose(np.array(camera.matrix_world.normalized()), maps.camera.matrix_world, atol=1e-4):
        return None
    with _hidden(things):
        try:
            options = {"vocabulary": maps.vocabulary, "background": maps.background}
            found = capture.capture(scene, camera=camera, size=size, **options)
        except SceneError:  # nothing else is in sight
            found = _bare(maps)
    if _alike(maps, found, ~mask) < _ALIKE:
        log.warning("The scene has changed since the picture was made: what lies behind is guessed from the old maps")
        return None
    return found


def _bare(maps: SceneMaps) -> SceneMaps:
    """The same view of nothing but background."""
    known = vocabulary.load(maps.vocabulary)
    background = known.lookup(maps.background).id if maps.background else NO_CLASS
    return replace(
        maps,
        instance_map=np.zeros_like(maps.instance_map),
        class_map=np.full_like(maps.class_map, background),
        depth=np.full_like(maps.depth, np.inf),
        normal=np.zeros_like(maps.normal),
        instances=(),
        outlines=None,
    )


def _alike(old: SceneMaps, new: SceneMaps, where: np.ndarray) -> float:
    """Share of pixels that show objects of the same name."""
    names = sorted({one.object for maps in (old, new) for one in maps.instances})
    number = {name: k + 1 for k, name in enumerate(names)}
    maps = (
        np.array([0, *(number[one.object] for one in each.instances)])[each.instance_map[where]] for each in (old, new)
    )
    first, second = maps
    return float((first == second).mean()) if first.size else 1.0


@contextmanager
def _hidden(things: list) -> Iterator[None]:
    before = [one.hide_render for one in things]
    try:
        for one in things:
            one.hide_render = True
        yield
    finally:
        for one, was in zip(things, before, strict=True):
            one.hide_render = was
