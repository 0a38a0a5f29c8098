"""Makes evaluated materials write ids. Only copies that Blender threw together for one render are changed.

Each material becomes: an emission where it is opaque, transparent where its alpha is below one half, and in both
cases without bump, volume or light. Passes carry Object Info (Random, Location x, Location y), Object Index, the
normal, the number of the material and the class of the face.
"""

from __future__ import annotations

import bpy

from .faces import FACE_ATTRIBUTE
from .scene_copy import FACE_PASS, INDEX_PASS, KEY_PASS, MATERIAL_PASS, NORMAL_PASS
from .transparency import Transparency, Value, has_output, math_node, source_of


def write_ids(material: bpy.types.Material, number: int, transparency: Transparency, soft: bool = False) -> None:
    """Rebuild the output of an evaluated material; one without an output is left to ``use_stand_in``.

    Args:
        number: what the material's pass shall say, 1..65535.
        soft: of so many rays are seen through as the surface is transparent; else all or none.
    """
    if not has_output(material):
        return
    tree = material.node_tree
    output = tree.get_output_node("CYCLES")
    transparency.material = material.name
    transparency.look_for_scripts(tree)
    through = transparency_of(material, transparency)
    for socket in output.inputs:
        keep = socket.identifier == "Displacement" and material.displacement_method != "BUMP"
        if not keep:
            for link in list(socket.links):
                tree.links.remove(link)
    if material.displacement_method == "BOTH":
        material.displacement_method = "DISPLACEMENT"
    material.cycles.emission_sampling = "NONE"  # else every triangle becomes a lamp: 7 times slower
    _Writer(tree, output, number).write(through, soft)


class _Writer:
    def __init__(self, tree: bpy.types.NodeTree, output: bpy.types.Node, number: int) -> None:
        self.tree, self.number = tree, number
        self.surface = output.inputs["Surface"]

    def write(self, transparency: Value, soft: bool = False) -> None:
        threshold: Value = 0.5
        if soft and not (isinstance(transparency, float) and not 0.0 < transparency < 1.0):
            threshold = self._noise()
        if isinstance(transparency, float) and isinstance(threshold, float):
            if transparency <= 0.5:
                self._link(self._new("ShaderNodeEmission").outputs[0], self.surface)
                self._write_passes(None)
            else:
                self._link(self._new("ShaderNodeBsdfTransparent").outputs[0], self.surface)
            return
        see_through = self._math("GREATER_THAN", transparency, threshold)
        mix = self._new("ShaderNodeMixShader")
        self._link(see_through, mix.inputs[0])
        self._link(self._new("ShaderNodeEmission").outputs[0], mix.inputs[1])
        self._link(self._new("ShaderNodeBsdfTransparent").outputs[0], mix.inputs[2])
        self._link(mix.outputs[0], self.surface)
        self._write_passes(self._math("SUBTRACT", 1.0, see_through))

    def _write_passes(self, opaque: bpy.types.NodeSocket | None) -> None:
        """``opaque``: 1 or 0, None for 1. Passes add up along a ray, so what is seen through must write 0."""
        for name, socket in (
            (KEY_PASS, self._key()),
            (INDEX_PASS, self._new("ShaderNodeObjectInfo").outputs["Object Index"]),
            (NORMAL_PASS, self._normal()),
            (MATERIAL_PASS, self._constant(float(self.number))),
            (FACE_PASS, self._attribute(FACE_ATTRIBUTE)),
        ):
            aov = self._new("ShaderNodeOutputAOV")
            aov.aov_name = name
            if socket.type == "VALUE":
                self._link(socket if opaque is None else self._math("MULTIPLY", socket, opaque), aov.inputs["Value"])
            else:
                self._link(socket if opaque is None else self._scaled(socket, opaque), aov.inputs["Color"])

    def _key(self) -> bpy.types.NodeSocket:
        info = self._new("ShaderNodeObjectInfo")
        split, key = self._new("ShaderNodeSeparateXYZ"), self._new("ShaderNodeCombineXYZ")
        self._link(info.outputs["Location"], split.inputs[0])
        self._link(info.outputs["Random"], key.inputs[0])
        self._link(split.outputs[0], key.inputs[1])
        self._link(split.outputs[1], key.inputs[2])
        return key.outputs[0]

    def _normal(self) -> bpy.types.NodeSocket:
        """The smooth normal, on the side of the face that is seen (imported ones may point into the thing)."""
        geometry, dot = self._new("ShaderNodeNewGeometry"), self._new("ShaderNodeVectorMath")
        dot.operation = "DOT_PRODUCT"
        self._link(geometry.outputs["Normal"], dot.inputs[0])
        self._link(geometry.outputs["True Normal"], dot.inputs[1])
        behind = self._math("LESS_THAN", dot.outputs["Value"], 0.0)
        side = self._math("SUBTRACT", 1.0, self._math("MULTIPLY", behind, 2.0))
        return self._scaled(geometry.outputs["Normal"], side)

    def _noise(self) -> bpy.types.NodeSocket:
        """A number 0..1 of its own for each ray: each meets the surface at another point."""
        noise, geometry = self._new("ShaderNodeTexWhiteNoise"), self._new("ShaderNodeNewGeometry")
        self._link(geometry.outputs["Position"], noise.inputs["Vector"])
        return noise.outputs["Value"]

    def _constant(self, value: float) -> bpy.types.NodeSocket:
        node = self._new("ShaderNodeValue")
        node.outputs[0].default_value = value
        return node.outputs[0]

    def _attribute(self, name: str) -> bpy.types.NodeSocket:
        node = self._new("ShaderNodeAttribute")
        node.attribute_name = name
        return node.outputs["Fac"]

    def _math(self, operation: str, first: Value, second: Value) -> bpy.types.NodeSocket:
        return math_node(self.tree, operation, first, second)

    def _scaled(self, vector: bpy.types.NodeSocket, factor: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
        scale = self._new("ShaderNodeVectorMath")
        scale.operation = "SCALE"
        self._link(vector, scale.inputs[0])
        self._link(factor, scale.inputs["Scale"])
        return scale.outputs[0]

    def _new(self, kind: str) -> bpy.types.Node:
        return self.tree.nodes.new(kind)

    def _link(self, start: bpy.types.NodeSocket, end: bpy.types.NodeSocket) -> None:
        self.tree.links.new(start, end)


def transparency_of(material: bpy.types.Material, transparency: Transparency) -> Value:
    """Of an evaluated material's surface; 0 without an output. May add nodes to it."""
    if not has_output(material):
        return 0.0
    tree = material.node_tree
    output = tree.get_output_node("CYCLES")
    if source_of(output.inputs["Surface"]) is None and source_of(output.inputs["Volume"]) is not None:
        return 1.0  # smoke and fog are seen through
    return transparency.of(tree, output.inputs["Surface"])


def use_stand_in(depsgraph: bpy.types.Depsgraph, stand_in: bpy.types.Material) -> bool:
    """Put ``stand_in`` (evaluated) wherever evaluated geometry has no material, or one that could write nothing.

    Returns whether that was so anywhere: Blender then evaluates objects (not their geometry) again before it renders
    again.
    """
    done: set[int] = set()
    used = False
    for one in depsgraph.ids:
        if isinstance(one, bpy.types.Object) and any(modifier.type == "SUBSURF" for modifier in one.modifiers):
            used |= _cover_subdivided(one, stand_in)
    for instance in depsgraph.object_instances:
        used |= _fill_slots(instance.object, stand_in)
        data = instance.object.data
        materials = getattr(data, "materials", None)
        if materials is None or data.as_pointer() in done:
            continue
        done.add(data.as_pointer())
        if len(materials) == 0:
            materials.append(stand_in)
            used = True
        for index, material in enumerate(materials):
            if _needs_stand_in(material):
                _release(material, stand_in)
                materials[index] = stand_in
                used = True
    return used


def _cover_subdivided(one: bpy.types.Object, stand_in: bpy.types.Material) -> bool:
    """Since Blender 4.5 a subdivided mesh is another than ``data``, and out of reach: its object gets the materials."""
    used = not one.material_slots
    if used:
        one.active_material = stand_in
    for slot in one.material_slots:
        if _needs_stand_in(slot.material):
            slot.link, used = "OBJECT", True
            slot.material = stand_in
    return used


def _fill_slots(one: bpy.types.Object, stand_in: bpy.types.Material) -> bool:
    """Slots whose material belongs to the object, not to its data."""
    used = False
    for slot in one.material_slots:
        if slot.link == "OBJECT" and _needs_stand_in(slot.material):
            _release(slot.material, stand_in)
            slot.material = stand_in
            used = True
    return used


def _needs_stand_in(material: bpy.types.Material | None) -> bool:
    return material is None or not has_output(material)


def _release(material: bpy.types.Material | None, stand_in: bpy.types.Material) -> None:
    """Blender complains aloud when an evaluated material, which counts no users, loses one: give it one first."""
    if material is not None:
        stand_in[f"held {len(stand_in.keys())}"] = material
