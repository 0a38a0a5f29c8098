"""Pictures into the scene and out again, and which picture each placement shows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np

from .. import texturing
from ..protocol.errors import SceneError
from ..texturing import Placement, View
from . import keeping
from . import picture as pictures
from .picture import Picture, PictureLike

log = logging.getLogger(__name__)

_WORTH_SAYING = 0.01
"""Share of pixels; below that nobody sees it."""
_KEPT = "seg_picture"
"""Custom property of a placement's node group: its picture as ``keeping.pack`` gives it."""
_PROMPT, _CAMERA = "seg_prompt", "seg_camera"
"""The same, for lists: unpacking a picture takes too long for them."""


@dataclass(frozen=True)
class About:
    """What a list shows of a placement."""

    prompt: str
    camera: str
    """name of the camera that the picture was made for"""
    image: bpy.types.Image | None
    """the picture's Blender image, where there is one"""


def names_of(objects: Iterable[bpy.types.Object | str] | bpy.types.Object | str) -> list[str]:
    """The names of objects, of one alone too."""
    several = [objects] if isinstance(objects, (str, bpy.types.Object)) else list(objects)
    return [one if isinstance(one, str) else one.name for one in several]


def object_named(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    """The object of a scene. Raises SceneError where there is none."""
    found = scene.objects.get(name)
    if found is None:
        raise SceneError(f"Object '{name}' is not in scene '{scene.name}'", "Choose one that is")
    return found


def project(
    picture: PictureLike,
    scene: bpy.types.Scene | None,
    objects: Iterable[str] | None = None,
    lighting: str = "unlit",
    blend: bool = False,
) -> Placement:
    """Put a picture on the objects that it shows; see ``api.project``."""
    source, maps = pictures.with_maps(picture)
    scene = scene or _scene(maps.scene)
    names = None if objects is None else list(objects)
    share = texturing.share(maps, [view for _, view in views(scene)]) if blend else None
    light = _light(source, scene)
    placement = texturing.project(scene, light, maps, objects=names, lighting=lighting, share=share, name=source.title)
    return _remembered(placement, source)


def views(scene: bpy.types.Scene) -> list[tuple[Placement, View]]:
    """The projections that are shown and whose pictures are known, oldest first."""
    found = []
    for one in texturing.placements(scene):
        source = picture_of(one) if one.kind == "projection" and one.shown else None
        if source is not None and source.maps is not None:
            found.append((one, View(source.pixels, source.maps, one.objects, one.blend)))
    return found


def rebalance(scene: bpy.types.Scene) -> None:
    """After a view has come, gone or changed: every later one takes its new share of what they have in common."""
    standing = views(scene)
    for number, (one, view) in enumerate(standing):
        if one.blend:
            texturing.reshare(one, texturing.share(view.maps, [before for _, before in standing[:number]]))


def show(placement: Placement, shown: bool) -> Placement:
    """Show or hide a picture; see ``api.show_placement``."""
    changed = texturing.show(placement, shown)
    rebalance(scene_of(changed))
    return changed


def remove(placement: Placement) -> None:
    """Take a picture away; see ``api.remove_placement``."""
    texturing.remove(placement)
    rebalance(scene_of(placement))


def backdrop(picture: PictureLike, scene: bpy.types.Scene | None, foreground: Iterable[str] | None = None) -> Placement:
    """Put a picture behind everything; see ``api.backdrop``."""
    source, maps = pictures.with_maps(picture)
    scene = scene or _scene(maps.scene)
    names = None if foreground is None else list(foreground)
    placement = texturing.backdrop(scene, _light(source, scene), maps, foreground=names, name=source.title)
    return _remembered(placement, source)


def again(placement: Placement, picture: Picture) -> Placement:
    """Put a picture where ``placement`` was: of its kind, in its scene, on the objects that it was meant for."""
    scene = scene_of(placement)
    if placement.kind == "backdrop":
        return backdrop(picture, scene, placement.objects)
    return project(picture, scene, placement.objects, blend=placement.blend)


def picture_of(placement: Placement) -> Picture | None:
    """The picture that a placement shows; see ``api.picture_of``."""
    group = texturing.group_of(placement)
    if group is None or _KEPT not in group:
        return None
    token = group.get(pictures.TOKEN, "")
    known = pictures.recall(token)
    if known is None:
        known = keeping.unpack(group[_KEPT], f"'{placement.name}'")
        pictures.remember(known, token)
    return known


def about(placement: Placement) -> About:
    """What a list shows of a placement, quick enough to be asked at every redraw."""
    group = texturing.group_of(placement)
    if group is None:
        return About("", "", None)
    token = group.get(pictures.TOKEN, "")
    image = next((one for one in bpy.data.images if token and one.get(pictures.TOKEN) == token), None)
    return About(group.get(_PROMPT, ""), group.get(_CAMERA, ""), image)


def scene_of(placement: Placement) -> bpy.types.Scene:
    """The scene that a placement stands on. Raises SceneError where it is gone."""
    return _scene(placement.scene)


def _light(picture: Picture, scene: bpy.types.Scene) -> np.ndarray:
    linear = texturing.to_scene_linear(picture.pixels, scene)
    if linear.unreachable > _WORTH_SAYING:
        view, share = scene.view_settings.view_transform, 100 * linear.unreachable
        log.warning("%.1f %% of the pixels have colours that the view '%s' cannot show", share, view)
    return linear.pixels


def _remembered(placement: Placement, picture: Picture) -> Placement:
    group = texturing.group_of(placement)
    if group is not None:
        group[pictures.TOKEN], group[_KEPT] = pictures.remember(picture), keeping.pack(picture)
        group[_PROMPT] = picture.recipe.prompt or picture.metadata.get("composed_prompt", "")
        group[_CAMERA] = picture.maps.camera.name if picture.maps else ""
    return placement


def _scene(name: str) -> bpy.types.Scene:
    found = bpy.data.scenes.get(name)
    if found is None:
        raise SceneError(f"Scene '{name}' is gone", "Capture and generate again")
    return found
