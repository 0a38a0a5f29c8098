"""Makes evaluated materials write ids. Only copies that Blender threw together for one render are changed.

Each material becomes: an emission where it is opaque, transparent where its alpha is below one half, and in both
cases without bump, volume or light. Passes carry Object Info (Random, Location x, Location y), Object Index and the
normal.
"""

from __future__ import annotations

import bpy

from .scene_copy import INDEX_PASS, KEY_PASS, NORMAL_PASS
from .transparency import Transparency, Value, has_output, math_node, source_of


def write_ids(material: bpy.types.Material, transparency: Transparency) -> None:
    """Rebuild the output of an evaluated material; one without an output is left to ``use_stand_in``."""
    if not has_output(material):
        return
    tree = material.node_tree
    output = tree.get_output_node("CYCLES")
    through = _output_transparency(tree, output, transparency)
    for socket in output.inputs:
        keep = socket.identifier == "Displacement" and material.displacement_method != "BUMP"
        if not keep:
            for link in list(socket.links):
                tree.links.remove(link)
    if material.displacement_method == "BOTH":
        material.displacement_method = "DISPLACEMENT"
    material.cycles.emission_sampling = "NONE"  # else every triangle becomes a lamp: 7 times slower
    _Writer(tree, output).write(through)


class _Writer:
    def __init__(self, tree: bpy.types.NodeTree, output: bpy.types.Node) -> None:
        self.tree = tree
        self.surface = output.inputs["Surface"]

    def write(self, transparency: Value) -> None:
        if isinstance(transparency, float):
            if transparency <= 0.5:
                self._link(self._new("ShaderNodeEmission").outputs[0], self.surface)
                self._write_passes(None)
            else:
                self._link(self._new("ShaderNodeBsdfTransparent").outputs[0], self.surface)
            return
        see_through = self._math("GREATER_THAN", transparency, 0.5)
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
        ):
            aov = self._new("ShaderNodeOutputAOV")
            aov.aov_name = name
            if name == INDEX_PASS:
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


def _output_transparency(tree: bpy.types.NodeTree, output: bpy.types.Node, transparency: Transparency) -> Value:
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
