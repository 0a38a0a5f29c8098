"""Pictures over the view through a camera, to model by: background images, which never render."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..protocol.errors import InvalidInput, SceneError
from .graph import new_group
from .placement_records import Placement, free_name, record

_CAMERA, _IMAGE = "seg_camera_data", "seg_image"
"""On a placement's group, which holds nothing else: whose background image it is, and which."""
_BEFORE = "seg_backgrounds_shown"
"""On the same: whether the camera showed its background images before the first of ours came."""


def reference(scene: bpy.types.Scene, image: bpy.types.Image, opacity: float = 0.5, *, name: str) -> Placement:
    """Show a picture over the view through the scene's camera.

    Args:
        opacity: 0..1.
    Raises:
        SceneError: the scene has no camera. InvalidInput: its camera is linked, or an opacity that cannot be.
    """
    check(scene, opacity)
    data = scene.camera.data
    title = free_name(scene, f"Seg Reference {name}")
    group = new_group(title, [], [])
    group[_BEFORE] = next((one[_BEFORE] for one in _groups_of(data)), data.show_background_images)
    group[_CAMERA], group[_IMAGE] = data, image
    shown = data.background_images.new()
    shown.image, shown.alpha, shown.display_depth = image, opacity, "FRONT"
    data.show_background_images = True
    placement = Placement(title, "reference", scene.name, opacity=opacity)
    record(scene, placement, group)
    return placement


def check(scene: bpy.types.Scene, opacity: float) -> None:
    """Raises what ``reference`` raises."""
    if scene.camera is None:
        raise SceneError(f"Scene '{scene.name}' has no camera", "Add one first")
    if not 0 <= opacity <= 1:
        raise InvalidInput(f"An opacity of {opacity} cannot be", "Choose 0 to 1")
    if scene.camera.data.library is not None:
        raise InvalidInput(f"The camera '{scene.camera.name}' is linked from a library", "Make its data local first")


def swap(group: bpy.types.NodeTree, image: bpy.types.Image) -> None:
    """Show another image in the place of a reference's."""
    for one in entries(group):
        one.image = image
    group[_IMAGE] = image


def entries(group: bpy.types.NodeTree) -> Iterator[bpy.types.CameraBackgroundImage]:
    """The background images that show a placement's group."""
    data, image = group.get(_CAMERA), group.get(_IMAGE)
    if data is not None and image is not None:
        yield from (one for one in data.background_images if one.image == image)


def remove(group: bpy.types.NodeTree) -> None:
    """Take the background image of a placement's group away; those of others that show the same image stay."""
    data = group.get(_CAMERA)
    others = [one for one in _groups_of(data) if one != group and one.get(_IMAGE) == group.get(_IMAGE)] if data else []
    for one in list(entries(group))[len(others) :]:
        one.image = None  # else Blender goes on counting it as a user
        data.background_images.remove(one)
    if data is not None and not data.background_images:
        data.show_background_images = bool(group[_BEFORE])


def _groups_of(data: bpy.types.Camera) -> Iterator[bpy.types.NodeTree]:
    yield from (one for one in bpy.data.node_groups if one.get(_CAMERA) == data)
