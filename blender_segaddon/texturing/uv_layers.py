"""The UV layers that bakes make: which one a bake may write, and whose textures lie by those that are there."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import bpy
import numpy as np

from ..protocol.errors import InvalidInput

UV_LAYER = "Seg Bake"
_MARK = "seg_bake"
"""On a baked image: {"object", "layer"}, names."""


def free_name(mesh: bpy.types.Mesh, baked: Collection[bpy.types.Object]) -> str:
    """The layer for a bake of some objects of a mesh: "Seg Bake", numbered where textures of its others lie by that."""
    if UV_LAYER not in mesh.uv_layers:
        return UV_LAYER
    others = [one for one in bpy.data.objects if one.data == mesh and one not in baked]
    taken = {name for one in others for name in _gone_by(one)}
    name, number = UV_LAYER, 1
    while name in taken:
        number += 1
        name = f"{UV_LAYER} {number}"
    return name


def mark(image: bpy.types.Image, one: bpy.types.Object, layer: str) -> None:
    """Write down on an image that it is an object's texture, by that layer."""
    image[_MARK] = {"object": one.name, "layer": layer}


def add(mesh: bpy.types.Mesh, name: str) -> None:
    """A new layer unless it is there, with those that are active as they are: materials without a UV node show them.

    Raises InvalidInput where there is no room.
    """
    layers = mesh.uv_layers
    active, shown = layers.active_index, next((number for number, one in enumerate(layers) if one.active_render), 0)
    if name not in layers and layers.new(name=name, do_init=False) is None:
        hint = "Remove one of its eight, or bake the objects that share it together"
        raise InvalidInput(f"'{mesh.name}' has no room for another UV layer", hint)
    if len(layers) > 1:
        layers.active_index, layers[shown].active_render = active, True


def read(mesh: bpy.types.Mesh, name: str) -> np.ndarray | None:
    """float32 2·L: what ``uv.foreach_set`` takes; None where there is no such layer."""
    if name not in mesh.uv_layers:
        return None
    flat = np.empty(2 * len(mesh.loops), np.float32)
    mesh.uv_layers[name].uv.foreach_get("vector", flat)
    return flat


def write(mesh: bpy.types.Mesh, name: str, uv: np.ndarray) -> None:
    """Set a layer; ``uv`` is float L×2, 0..1, with y downwards."""
    values = np.stack([uv[:, 0], 1 - uv[:, 1]], axis=-1)
    mesh.uv_layers[name].uv.foreach_set("vector", np.ascontiguousarray(values, np.float32).ravel())
    mesh.update()


def _gone_by(one: bpy.types.Object) -> Iterator[str]:
    """Names of the layers that an object's textures lie by: those it shows, and images that were only baked."""
    for slot in one.material_slots:
        tree = slot.material.node_tree if slot.material else None
        yield from (node.uv_map for node in tree.nodes if node.type == "UVMAP") if tree else ()
    marks = (image[_MARK] for image in bpy.data.images if _MARK in image)
    yield from (kept["layer"] for kept in marks if kept["object"] == one.name)
