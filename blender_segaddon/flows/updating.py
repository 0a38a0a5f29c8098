"""After a change of layout: what stayed keeps its pixels, what moved takes them along, the rest is painted again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import bpy
import numpy as np

from .. import capture, texturing
from ..core.maps import BACKGROUND, SceneMaps
from ..protocol.errors import InvalidInput
from ..texturing import Placement, View, identity
from . import placing, preparing
from .errands import InPieces, Look, Task
from .picture import Picture
from .views import coverage, replace_view

_PIECES = 10
"""that a closer look is drawn in, about"""


def update(placement: Placement) -> Task[list[Placement]]:
    """Capture again, carry over what is known, paint the rest, and place the result; see ``api.update``.

    Where anything fails the old picture stands as it did.
    """
    source = placing.picture_of(placement)
    if source is None or source.maps is None:
        raise InvalidInput(
            f"Nothing is known of the picture of '{placement.name}'", "Generate a picture and place it again"
        )
    maps = yield from _captured(placement, source.maps)
    fresh = yield from repainted(source, maps)
    return (yield from replace_view(placement, fresh))


def _captured(placement: Placement, old: SceneMaps) -> Task[SceneMaps]:
    """Its scene as it is now. What ``old`` shows may be hidden behind backdrops since: it is seen for the while.

    This may be let go of while Blender renders: so only what is hidden changes here, nothing is made or removed.
    """
    options = {"size": (old.width, old.height), "vocabulary": old.vocabulary, "background": old.background}
    texturing.reveal({one.instancer or one.object for one in old.instances})
    try:
        look = Look(placement.scene, old.camera.name, options)
        maps = yield look
        outlined = placement.kind == "projection" and not placement.blend and not bpy.app.background
        return (yield from _closer(maps, look)) if outlined else maps
    finally:
        texturing.conceal()


def _closer(maps: SceneMaps, look: Look) -> Task[SceneMaps]:
    """Maps whose outlines are known, which a projection would hold the window up for; ``maps`` where they are drawn."""
    fine = capture.FineLook(maps)
    if not (yield InPieces(lambda: fine.draw(placing.scene_named(look.scene)), _PIECES, "Looking closer")):
        return (yield replace(look, closer=True))
    yield fine.compare
    if fine.outlined is not None:
        preparing.found(maps, fine.outlined)
    return maps


def repainted(source: Picture, maps: SceneMaps) -> Task[Picture]:
    """``source`` as ``maps`` see its scene now."""
    if source.maps is None:
        raise InvalidInput("This picture was not made from a scene", "Generate it from one")
    found = yield partial(coverage, maps, [View(source.pixels, source.maps)], follow=True)
    known, covered = found.known.copy(), found.sure & ~_recast(source.maps, maps)
    behind, sky = yield partial(_background, source.pixels, source.maps, maps)
    known[behind], covered = sky[behind], covered | behind
    fresh = source
    if not covered.all():
        fresh = yield replace(source.recipe, maps=maps, image=known, mask=~covered, intent="extend", strength=1.0)
        known = fresh.pixels
    return Picture(known, replace(fresh.recipe, maps=maps), fresh.metadata)


def _recast(old: SceneMaps, new: SceneMaps) -> np.ndarray:
    """bool H×W: things that are of another class than before, which is to be seen."""
    if old.vocabulary != new.vocabulary:
        return np.zeros(new.instance_map.shape, bool)
    before = {identity(one): _classes(one) for one in old.instances}
    changed = np.zeros(len(new.instances) + 1, bool)
    for one in new.instances:
        changed[one.id] = identity(one) in before and before[identity(one)] != _classes(one)
    return changed[new.instance_map]


def _classes(one) -> tuple[object, ...]:
    return (one.class_id, one.text)


def _background(pixels: np.ndarray, old: SceneMaps, new: SceneMaps) -> tuple[np.ndarray, np.ndarray]:
    """(bool H×W: background whose picture is known, uint8 H×W×3: that picture); it is infinitely far away."""
    behind = new.instance_map == BACKGROUND
    if old.background != new.background or old.camera.type != new.camera.type:
        return np.zeros_like(behind), pixels
    if old.camera.type == "ORTHO":  # all rays have one direction: the sky is fixed to the frame
        return behind & (old.instance_map == BACKGROUND), pixels
    rays = new.camera.rays() @ new.camera.matrix_world[:3, :3].T
    place, depth = old.camera.project(rays + old.camera.matrix_world[:3, 3])
    # pixels whose directions did not change land on their own centres
    at = np.clip(np.floor(np.nan_to_num(place, nan=-1.0) + 1e-6).astype(np.int64), -1, (old.width, old.height))
    inside = (at >= 0).all(axis=-1) & (at[..., 0] < old.width) & (at[..., 1] < old.height) & (depth > 0)
    column, row = np.where(inside, at[..., 0], 0), np.where(inside, at[..., 1], 0)
    return behind & inside & (old.instance_map[row, column] == BACKGROUND), pixels[row, column]
