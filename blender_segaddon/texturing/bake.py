"""What is projected, written into images on a UV layer of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np

from ..protocol.errors import InvalidInput, SceneError
from .images import data_image

UV_LAYER = "Seg Bake"
_MARGIN = 8
"""Pixels that each island is grown by, so that filtering finds no seams."""
_SETTINGS = {
    "render": {"engine": "CYCLES"},
    "cycles": {"device": "CPU", "samples": 1, "use_adaptive_sampling": False, "use_denoising": False},
}


def bake(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object], *, texels: int = 1024) -> list[bpy.types.Image]:
    """Bake what the objects emit towards a camera into one packed image each: float, scene-linear, raw data.

    Each mesh gets the UV layer "Seg Bake"; its other layers, which may overlap or have no area, stay as they are.

    Args:
        texels: width and height of each image.
    Raises:
        InvalidInput: no objects, no meshes, a linked mesh, one that several objects share, or a silly size.
        SceneError: an object is hidden or not in the scene's view layer, or Blender could not bake it.
    """
    if not 16 <= texels <= 16384:
        raise InvalidInput(f"{texels} texels cannot be baked", "Choose 16 to 16384")
    if not objects:
        raise InvalidInput("There is nothing to bake", "Name at least one object")
    for one in objects:
        _check(one, scene)
    with _settings(scene), _shown(scene), _selection(scene):
        return [_bake_one(scene, one, texels) for one in objects]


def _check(one: bpy.types.Object, scene: bpy.types.Scene) -> None:
    if one.type != "MESH" or not one.data.polygons:
        raise InvalidInput(f"'{one.name}' has no faces to bake", "Choose meshes, or convert it to one")
    if one.data.library is not None or one.data.users > 1:
        raise InvalidInput(f"The mesh of '{one.name}' is linked or shared", "Make it single-user and local first")
    layer = scene.view_layers[0]
    if scene.objects.get(one.name) != one or one.hide_render or not one.visible_get(view_layer=layer):
        raise SceneError(f"'{one.name}' is hidden in the view layer or in renders", "Show it and bake again")
    if any(slot.material is None or slot.material.library is not None for slot in one.material_slots):
        raise InvalidInput(f"'{one.name}' has an empty or linked material", "Project a picture on it first")
    if not one.material_slots:
        raise InvalidInput(f"'{one.name}' has no material", "Project a picture on it first")


def _bake_one(scene: bpy.types.Scene, one: bpy.types.Object, texels: int) -> bpy.types.Image:
    layer = scene.view_layers[0]
    for other in layer.objects:
        other.select_set(other == one, view_layer=layer)
    layer.objects.active = one
    image = data_image(f"{UV_LAYER} {one.name}", np.zeros((texels, texels, 4), np.float32))
    context = {"object": one, "active_object": one, "selected_objects": [one], "selected_editable_objects": [one]}
    try:
        with bpy.context.temp_override(scene=scene, view_layer=layer, **context), _own_uv(one), _target(one, image):
            bpy.ops.object.bake(type="EMIT", uv_layer=UV_LAYER, margin=min(_MARGIN, texels // 32), use_clear=True)
    except RuntimeError as error:
        bpy.data.images.remove(image)
        reason = " ".join(str(error).split())
        raise SceneError(f"Blender could not bake '{one.name}': {reason}", "Leave edit mode and bake again") from error
    image.pack()
    return image


@contextmanager
def _own_uv(one: bpy.types.Object) -> Iterator[None]:
    """The UV layer that is baked into, active for the time being."""
    layers = one.data.uv_layers
    before = layers.active.name if layers.active else None
    new = UV_LAYER not in layers
    layer = layers[UV_LAYER] if not new else layers.new(name=UV_LAYER, do_init=False)
    if layer is None:
        raise InvalidInput(f"'{one.name}' has no room for another UV layer", "Remove one of its eight")
    layers.active = layers[UV_LAYER]
    try:
        if new:
            bpy.ops.object.mode_set(mode="EDIT")
            bpy.ops.mesh.select_all(action="SELECT")
            bpy.ops.uv.smart_project(angle_limit=1.15, island_margin=0.003)
            bpy.ops.object.mode_set(mode="OBJECT")
        yield
    finally:
        if before:
            one.data.uv_layers.active = one.data.uv_layers[before]


@contextmanager
def _target(one: bpy.types.Object, image: bpy.types.Image) -> Iterator[None]:
    """Blender bakes into the active image node of each material: put one there, and take it away again."""
    added = []
    for material in {slot.material for slot in one.material_slots}:
        nodes = material.node_tree.nodes
        before = nodes.active
        node = nodes.new("ShaderNodeTexImage")
        node.image = image
        nodes.active = node
        added.append((nodes, node, before))
    try:
        yield
    finally:
        for nodes, node, before in added:
            nodes.remove(node)
            nodes.active = before


@contextmanager
def _settings(scene: bpy.types.Scene) -> Iterator[None]:
    kept = []
    for owner, values in ((scene.render, _SETTINGS["render"]), (scene.cycles, _SETTINGS["cycles"])):
        for name, value in values.items():
            kept.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)


@contextmanager
def _shown(scene: bpy.types.Scene) -> Iterator[None]:
    """Edit mode, which unwrapping needs, works in the scene of the window alone."""
    window = bpy.context.window
    before = window.scene if window else scene
    if before != scene:
        window.scene = scene
    try:
        yield
    finally:
        if before != scene:
            window.scene = before


@contextmanager
def _selection(scene: bpy.types.Scene) -> Iterator[None]:
    layer = scene.view_layers[0]
    active, selected = layer.objects.active, [one for one in layer.objects if one.select_get(view_layer=layer)]
    try:
        yield
    finally:
        for one in layer.objects:
            one.select_set(one in selected, view_layer=layer)
        layer.objects.active = active
