"""Pictures into the scene and out again, and which picture each placement shows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np

from .. import capture, texturing
from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput, SceneError
from ..texturing import Placement, View
from . import keeping, preparing
from . import picture as pictures
from .picture import Picture, PictureLike

log = logging.getLogger(__name__)

_WORTH_SAYING = 0.01
"""Share of pixels; below that nobody sees it."""
_KEPT = "seg_picture"
"""Custom property of a placement's node group: its picture as ``keeping.pack`` gives it."""
_KEPT_MAPS = "seg_picture_maps"
"""The same for the picture's maps, as ``keeping.packed_maps`` gives them."""
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
    lighting: str | None = None,
    blend: bool = False,
    lock: bool = False,
    soft: float = 0.0,
    share: np.ndarray | None = None,
) -> Placement:
    """Put a picture on the objects that it shows; see ``api.project``.

    Args:
        share: as ``texturing.share`` gives it of the views on the scene; found here when None, where views blend.
    """
    source, maps = pictures.with_maps(picture)
    scene = scene or scene_named(maps.scene)
    if not blend:  # views that share surfaces are foretold pixel by pixel, see ``texturing.carrying``
        maps = preparing.outlined(maps, scene)
    rgb = _light(source, scene)  # first: with the scenes that it makes and removes, Blender evaluates all anew
    _say_if_moved(scene, maps)
    names = None if objects is None else list(objects)
    if blend and share is None:
        share = texturing.share(maps, [view for _, view in views(scene)])
    wanted = lighting or _usual_lighting(scene)
    how = {"lighting": wanted, "share": share, "lock": lock, "soft": soft}
    placement = texturing.project(scene, rgb, maps, objects=names, name=source.title, **how)
    _remembered(placement, source)
    return light(placement, "shadows") if wanted == "shadows" else placement


def _say_if_moved(scene: bpy.types.Scene, maps: SceneMaps) -> None:
    if not capture.is_seen_through(scene, maps.camera):
        log.warning(
            "The scene's camera is another than at the capture: the picture lies where that one saw it. "
            "'Use Stored Camera' looks through it again"
        )


def restore_camera(picture: PictureLike, scene: bpy.types.Scene | None) -> bpy.types.Object:
    """Look through the camera that a picture was captured with; see ``api.use_camera_of``."""
    source, maps = pictures.with_maps(picture)
    scene = scene or scene_named(maps.scene)
    if scene.camera is not None and capture.is_seen_through(scene, maps.camera):
        return scene.camera
    camera = capture.stored_camera(maps.camera, f"Seg Camera {source.title}")
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def image_plane(picture: PictureLike, scene: bpy.types.Scene | None, depth: float | None = None) -> Placement:
    """Put a picture on a plane across the view; see ``api.image_plane``."""
    source, maps = pictures.with_maps(picture)
    scene = scene or scene_named(maps.scene)
    return _remembered(texturing.image_plane(scene, _light(source, scene), maps, depth, name=source.title), source)


def reference(picture: PictureLike, scene: bpy.types.Scene | None, opacity: float = 0.5) -> Placement:
    """Show a picture over the view through the scene's camera; see ``api.reference``."""
    source = pictures.as_picture(picture)
    scene = scene or bpy.context.scene
    texturing.check_reference(scene, opacity)  # before an image is made for it
    return _remembered(texturing.reference(scene, source.image, opacity, name=source.title), source)


def compositor_input(picture: PictureLike, scene: bpy.types.Scene | None) -> Placement:
    """Give a picture to the scene's compositor; see ``api.compositor_input``."""
    source = pictures.as_picture(picture)
    scene = scene or bpy.context.scene
    return _remembered(texturing.compositor_input(scene, _light(source, scene), name=source.title), source)


def light(placement: Placement, lighting: str, foreground: Iterable[str] = (), samples: int = 128) -> Placement:
    """Let a projection be lit in another way; see ``api.set_lighting``."""
    scene, source = scene_of(placement), picture_of(placement)
    if source is None or source.maps is None:
        raise InvalidInput(f"Nothing is known of the picture of '{placement.name}'", "Generate and project it again")
    real = {*foreground, *_left_out(source.maps, placement.objects)}
    camera = capture.stored_camera(source.maps.camera)
    try:
        return texturing.set_lighting(scene, placement, lighting, camera, real=real, samples=samples)
    finally:
        capture.remove_camera(camera)


def _left_out(maps: SceneMaps, objects: tuple[str, ...] | None) -> set[str]:
    """Objects of the capture that the picture was not meant for."""
    if objects is None:
        return set()
    meant = [one for one in maps.instances if one.object in objects or one.instancer in objects]
    kept = {one.object for one in meant} | {one.instancer for one in meant}
    return {one.instancer or one.object for one in maps.instances} - kept


def _usual_lighting(scene: bpy.types.Scene) -> str:
    """Where objects are marked as foreground, by a backdrop, they must not float."""
    backdrops = (one for one in texturing.placements(scene) if one.kind == "backdrop")
    return "shadows" if any(one.objects for one in backdrops) else "unlit"


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


def backdrop(
    picture: PictureLike,
    scene: bpy.types.Scene | None,
    foreground: Iterable[str] | None = None,
    lights: bool = False,
) -> Placement:
    """Put a picture behind everything; see ``api.backdrop``."""
    source, maps = pictures.with_maps(picture)
    scene = scene or scene_named(maps.scene)
    names = None if foreground is None else list(foreground)
    placement = texturing.backdrop(
        scene, _light(source, scene), maps, foreground=names, lights=lights, name=source.title
    )
    return _remembered(placement, source)


def stacks(placement: Placement) -> bool:
    """Whether a placement lies over or under others, so that its place among them counts."""
    return placement.kind not in ("reference", "compositor")


def swapped(placement: Placement, picture: Picture) -> Placement:
    """Put a picture in the place of one that does not stack: what it is linked to stays."""
    scene, group = scene_of(placement), texturing.group_of(placement)
    if group is not None and placement.kind == "reference":
        texturing.swap_reference(group, picture.image)
    elif group is not None:
        texturing.swap_compositor_input(group, _light(picture, scene))
    return _remembered(placement, picture)


def again(placement: Placement, picture: Picture) -> Placement:
    """Put a picture where ``placement`` was: of its kind, in its scene, on the objects that it was meant for."""
    scene = scene_of(placement)
    if placement.kind == "backdrop":
        return backdrop(picture, scene, placement.objects, placement.lighting == "lit")
    if placement.kind == "plane":
        return image_plane(picture, scene, placement.depth)
    how = (placement.objects, placement.lighting, placement.blend, placement.lock, placement.soft)
    return project(picture, scene, *how)


def picture_of(placement: Placement) -> Picture | None:
    """The picture that a placement shows; see ``api.picture_of``."""
    group = texturing.group_of(placement)
    if group is None or _KEPT not in group:
        return None
    token = group.get(pictures.TOKEN, "")
    known = pictures.recall(token)
    if known is None:
        known = keeping.unpack(group[_KEPT], f"'{placement.name}'", group.get(_KEPT_MAPS, b""))
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
    return scene_named(placement.scene)


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
        if picture.maps is not None:
            group[_KEPT_MAPS] = keeping.packed_maps(picture.maps)
        group[_PROMPT] = picture.recipe.prompt or picture.metadata.get("composed_prompt", "")
        group[_CAMERA] = picture.maps.camera.name if picture.maps else ""
    return placement


def scene_named(name: str) -> bpy.types.Scene:
    """The scene of that name. Raises SceneError where it is gone."""
    found = bpy.data.scenes.get(name)
    if found is None:
        raise SceneError(f"Scene '{name}' is gone", "Capture and generate again")
    return found
