"""Baked textures on their objects, in materials that every exporter knows, and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy

from . import linked
from .graph import Graph

BEFORE = "seg_before_bake"
"""On an object that shows its bake: what its slots were, {index: {"link", "material"}}; {} where it had none."""
MATERIAL = "seg_baked"
"""On the materials that show bakes: True."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What an object that shows its bake shows."""

    object: bpy.types.Object
    image: bpy.types.Image
    layer: str
    """name of the UV layer"""
    lighting: str
    roughness: float | None
    """both as in ``put``"""


def put(
    one: bpy.types.Object, image: bpy.types.Image, layer: str, lighting: str, roughness: float | None = None
) -> bpy.types.Material:
    """Let every slot of an object show its texture; other users of its mesh keep their materials.

    Args:
        lighting: "unlit": the texture shines, as the picture was; "lit": it is the base colour.
        roughness: 0..1 of the whole surface, which then also reflects as plastic does; None: it reflects nothing.
    """
    material = _material(f"{image.name}", image, layer, lighting)
    if roughness is not None:
        surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        surface.inputs["Specular IOR Level"].default_value, surface.inputs["Roughness"].default_value = 0.5, roughness
    take_off(one)
    if not one.material_slots:
        one.data.materials.append(None)
        one[BEFORE] = {}
    kept = {}
    for index, slot in enumerate(one.material_slots):
        before = {"link": slot.link}
        slot.link = "OBJECT"
        if slot.material is not None:
            before["material"] = slot.material
        kept[str(index)] = before
        slot.material = material
    if BEFORE not in one:
        one[BEFORE] = kept
    return material


def take_off(one: bpy.types.Object) -> bool:
    """Give an object its own materials back; whether it showed a bake."""
    if BEFORE not in one:
        return False
    kept = one[BEFORE].to_dict()
    del one[BEFORE]
    materials = {slot.material for slot in one.material_slots if slot.material and MATERIAL in slot.material}
    if kept:
        _restore(one, kept)
    else:
        _empty(one)
    for material in materials:
        if material.users == 0:
            images = {node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image}
            bpy.data.materials.remove(material)
            for image in images:
                if image.users == 0:
                    bpy.data.images.remove(image)
    return True


def exist() -> bool:
    """Whether objects of this file show bakes; looks at its materials alone, of which there are fewer."""
    return any(MATERIAL in one for one in bpy.data.materials)


def shown(one: bpy.types.Object) -> Shown | None:
    """The bake that an object shows; None where it shows none, or somebody has changed its material."""
    for slot in one.material_slots:
        if BEFORE in one and slot.material and MATERIAL in slot.material:
            nodes = {node.type: node for node in slot.material.node_tree.nodes}
            texture, uv = nodes.get("TEX_IMAGE"), nodes.get("UVMAP")
            if texture and uv and texture.image and texture.outputs["Color"].is_linked:
                lit = texture.outputs["Color"].links[0].to_socket.name == "Base Color"
                inputs = nodes["BSDF_PRINCIPLED"].inputs if "BSDF_PRINCIPLED" in nodes else {}
                shines = inputs and inputs["Specular IOR Level"].default_value > 0
                roughness = inputs["Roughness"].default_value if shines else None
                return Shown(one, texture.image, uv.uv_map, "lit" if lit else "unlit", roughness)
    return None


@contextmanager
def set_aside(objects: Iterable[bpy.types.Object]) -> Iterator[None]:
    """Objects with their own materials for the while, instead of their bakes."""
    showing = [(one, [(slot.link, slot.material) for slot in one.material_slots]) for one in objects if BEFORE in one]
    try:
        for one, _ in showing:
            _restore(one, one[BEFORE].to_dict())
        yield
    finally:
        for one, slots in showing:
            for slot, (link, material) in zip(one.material_slots, slots, strict=False):
                slot.link = link
                slot.material = material


def keep_copies(objects: Iterable[bpy.types.Object]) -> None:
    """Local copies of linked objects stay for good: nothing puts the linked ones back in their places."""
    if any(linked.STANDS_FOR in one for one in objects):
        for one in [*bpy.data.objects, *bpy.data.collections]:
            if linked.STANDS_FOR in one:
                del one[linked.STANDS_FOR]


def _restore(one: bpy.types.Object, kept: dict) -> None:
    for index, slot in enumerate(one.material_slots):
        before = kept.get(str(index), {"link": "OBJECT"})  # a slot that was added shows nothing
        if slot.link == "OBJECT" and slot.material and MATERIAL in slot.material:
            slot.material = before.get("material") if before["link"] == "OBJECT" else None
            if before["link"] == "DATA":
                slot.link = "DATA"


def _empty(one: bpy.types.Object) -> None:
    """The slot that was added goes, unless another object with this mesh shows something in it."""
    for slot in one.material_slots:
        if slot.link == "OBJECT":
            slot.material = None
            slot.link = "DATA"
    others = [other for other in bpy.data.objects if other.data == one.data and BEFORE in other]
    if not others and list(one.data.materials) == [None]:
        one.data.materials.clear()


def _material(name: str, image: bpy.types.Image, layer: str, lighting: str) -> bpy.types.Material:
    """Principled with nothing but the texture: glTF, USD and FBX all carry that."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    graph = Graph(tree)
    uv = graph.node("ShaderNodeUVMap", uv_map=layer)
    texture = graph.node("ShaderNodeTexImage", image=image)
    surface = graph.node("ShaderNodeBsdfPrincipled")
    output = graph.node("ShaderNodeOutputMaterial")
    graph.put(uv.outputs[0], texture.inputs[0])
    graph.put(surface.outputs[0], output.inputs["Surface"])
    surface.inputs["Specular IOR Level"].default_value = 0.0
    surface.inputs["Roughness"].default_value = 1.0
    if lighting == "unlit":
        surface.inputs["Base Color"].default_value = (0, 0, 0, 1)
        graph.put(texture.outputs["Color"], surface.inputs["Emission Color"])
        surface.inputs["Emission Strength"].default_value = 1.0
        material.cycles.emission_sampling = "NONE"  # a texture of many texels would make every face a lamp
    else:
        graph.put(texture.outputs["Color"], surface.inputs["Base Color"])
    material[MATERIAL] = True
    return material
