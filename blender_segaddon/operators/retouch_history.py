"""The steps that a picture went through: data on its first image, so that Blender saves and undoes them.

No image is ever changed in place. Image Editors show what the history says; what they show is not part of Blender's
undo, so after a step of undo they follow.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .. import api
from ..protocol.errors import InvalidInput
from . import retouch_masks

_before: dict[str, str] = {}
"""Origin → the step it was at, before the step of undo that is under way."""
_showing: dict[tuple[int, int], str] = {}
"""(window, area) → origin of the picture that it showed then."""


def origin_of(image: bpy.types.Image) -> bpy.types.Image:
    """The first picture of an image's history."""
    return image.segaddon.origin or image


def steps_of(image: bpy.types.Image) -> list[bpy.types.PropertyGroup]:
    """All accepted pictures of an image's history, the first one first; those that were deleted are left out."""
    return [one for one in origin_of(image).segaddon.steps if one.image is not None]


def add_step(image: bpy.types.Image, result: bpy.types.Image, did: str) -> None:
    """Note that ``result`` was made of ``image`` and accepted. Its masks go with it, none of them in use."""
    origin = origin_of(image)
    steps = origin.segaddon.steps
    if not len(steps):
        first = steps.add()
        first.image, first.did = origin, "Original"
    step = steps.add()
    step.image, step.did = result, did
    record = result.segaddon
    record.origin, record.before = origin, image
    for one in image.segaddon.masks:
        made = record.masks.add()
        made.name = one.name
        retouch_masks.copy(one, made)
        made.use = False
    record.active_mask = -1
    origin.segaddon.current = result


def step_to(context: bpy.types.Context, image: bpy.types.Image, number: int) -> None:
    """Show a step of an image's history. Raises InvalidInput where there is none."""
    steps = steps_of(image)
    if not 0 <= number < len(steps):
        raise InvalidInput(f"The history has no step {number}", f"It has {len(steps)}")
    there, origin = steps[number].image, origin_of(image)
    for shown in {image, origin.segaddon.current or image}:
        show(context, shown, there)
    origin.segaddon.current = there
    if origin.type == "RENDER_RESULT":
        api.set_render_patch(there.segaddon.patch, scene=context.scene)


def show(context: bpy.types.Context, old: bpy.types.Image, new: bpy.types.Image) -> None:
    """Show ``new`` wherever ``old`` was shown: in Image Editors, and as a texture of objects."""
    swap_in_editors(old, new)
    for node in _textures():
        if node.image == old:
            node.image = new
    if context.scene.segaddon.picture == old:
        context.scene.segaddon.picture = new


def swap_in_editors(old: bpy.types.Image, new: bpy.types.Image) -> None:
    """Show ``new`` in the Image Editors that show ``old``; see ``show_painting``."""
    for space in _spaces().values():
        if space.image == old and old != new:
            show_painting(space, new)


def note() -> None:
    """Before a step of undo or redo."""
    _before.clear()
    _showing.clear()
    for image in bpy.data.images:
        if len(image.segaddon.steps):
            _before[image.name] = _current(image)
    for place, space in _spaces().items():
        if space.image is not None:
            _showing[place] = origin_of(space.image.segaddon.painted_for or space.image).name


def follow() -> None:
    """After a step of undo or redo: editors show the step that a history is at now, where that has changed, and the
    mask that is being painted on it, if one is."""
    for place, space in _spaces().items():
        origin = bpy.data.images.get(_showing.get(place, ""))
        if origin is None:
            continue
        now = _current(origin)
        changed = space.image is None or now != _before.get(origin.name, origin.name)
        there = bpy.data.images.get(now)
        mask = None if there is None else painting_of(there)
        if mask is not None or space.image is None or space.image.segaddon.painted_for is not None:
            show_painting(space, mask or there)
        elif changed and there is not None:
            _swap(space, there)


def painting_of(picture: bpy.types.Image) -> bpy.types.Image | None:
    """The image on which a mask of a picture is being painted just now."""
    return next((one for one in bpy.data.images if one.segaddon.painted_for == picture), None)


def show_painting(space: bpy.types.SpaceImageEditor, image: bpy.types.Image | None) -> None:
    """Show an image: a mask to paint on in paint mode, and in view mode what is shown after one."""
    if image is None:
        return
    was_painting = space.image is None or space.image.segaddon.painted_for is not None
    if space.image != image:
        _swap(space, image)
    if image.segaddon.painted_for is not None:
        space.ui_mode = "PAINT"
    elif was_painting:
        space.ui_mode = "VIEW"


def _swap(space: bpy.types.SpaceImageEditor, image: bpy.types.Image) -> None:
    """Show another image at the same zoom: Blender begins anew with each."""
    zoom = space.zoom_percentage
    space.image = image
    if zoom > 0:
        space.zoom_percentage = zoom


def _textures() -> Iterator[bpy.types.ShaderNode]:
    """The image textures of all materials of this file, those in node groups too."""
    trees = [one.node_tree for one in bpy.data.materials if one.library is None and one.node_tree is not None]
    groups = [one for one in bpy.data.node_groups if one.library is None and one.bl_idname == "ShaderNodeTree"]
    for tree in (*trees, *groups):
        yield from (node for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage")


def _current(origin: bpy.types.Image) -> str:
    return (origin.segaddon.current or origin).name


def _spaces() -> dict[tuple[int, int], bpy.types.SpaceImageEditor]:
    """The Image Editors that are open."""
    return {
        (number, index): area.spaces.active
        for number, window in enumerate(bpy.context.window_manager.windows)
        for index, area in enumerate(window.screen.areas)
        if area.ui_type == "IMAGE_EDITOR"
    }
