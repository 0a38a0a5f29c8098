"""Makes evaluated materials write ids. Only copies that Blender threw together for one render are changed.

Each material becomes: an emission where it is opaque, transparent where its alpha is below one half, and in both
cases without bump, volume or light. Passes carry Object Info (Random, Location x, Location y), Object Index and the
normal.
"""

from __future__ import annotations

import bpy

from .scene_copy import INDEX_PASS, KEY_PASS, NORMAL_PASS

Alpha = float | bpy.types.NodeSocket
"""How opaque: a number 0..1, or the socket that gives it."""


def write_ids(material: bpy.types.Material) -> None:
    """Rebuild the output of an evaluated material; one without an output is left to ``use_stand_in``."""
    if not has_output(material):
        return
    tree = material.node_tree
    output = tree.get_output_node("CYCLES")
    alpha = _output_alpha(tree, output)
    for socket in output.inputs:
        keep = socket.identifier == "Displacement" and material.displacement_method != "BUMP"
        if not keep:
            for link in list(socket.links):
                tree.links.remove(link)
    if material.displacement_method == "BOTH":
        material.displacement_method = "DISPLACEMENT"
    material.cycles.emission_sampling = "NONE"  # else every triangle becomes a lamp: 7 times slower
    _Writer(tree, output).write(alpha)


class _Writer:
    def __init__(self, tree: bpy.types.NodeTree, output: bpy.types.Node) -> None:
        self.tree = tree
        self.surface = output.inputs["Surface"]

    def write(self, alpha: Alpha) -> None:
        if isinstance(alpha, float):
            if alpha >= 0.5:
                self._link(self._new("ShaderNodeEmission").outputs[0], self.surface)
                self._write_passes(None)
            else:
                self._link(self._new("ShaderNodeBsdfTransparent").outputs[0], self.surface)
            return
        see_through = self._math("LESS_THAN", alpha, 0.5)
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

    def _math(self, operation: str, first: Alpha, second: Alpha) -> bpy.types.NodeSocket:
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


def math_node(tree: bpy.types.NodeTree, operation: str, first: Alpha, second: Alpha) -> bpy.types.NodeSocket:
    """The output of a new Math node."""
    node = tree.nodes.new("ShaderNodeMath")
    node.operation = operation
    for socket, value in zip(node.inputs, (first, second), strict=False):
        if isinstance(value, float):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs[0]


def _output_alpha(tree: bpy.types.NodeTree, output: bpy.types.Node) -> Alpha:
    if _source(output.inputs["Surface"]) is None and _source(output.inputs["Volume"]) is not None:
        return 0.0  # smoke and fog are seen through
    return _alpha(tree, output.inputs["Surface"])


def _source(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """The output that feeds an input, through reroutes and muted nodes; None if there is none."""
    while True:
        link = next((one for one in socket.links if not one.is_muted and one.is_valid), None)
        if link is None:
            return None
        node, source = link.from_node, link.from_socket
        if node.bl_idname == "NodeReroute":
            socket = node.inputs[0]
        elif node.mute:
            inner = next((one for one in node.internal_links if one.to_socket == source), None)
            if inner is None:
                return None
            socket = inner.from_socket
        else:
            return source


def _alpha(tree: bpy.types.NodeTree, shader: bpy.types.NodeSocket) -> Alpha:
    """How opaque the shader is that feeds an input. Node groups count as opaque."""
    source = _source(shader)
    if source is None:
        return 1.0
    node = source.node
    if node.bl_idname == "ShaderNodeBsdfPrincipled":
        return _value(node.inputs["Alpha"])
    if node.bl_idname == "ShaderNodeBsdfTransparent":
        color = _value(node.inputs["Color"])
        return 1.0 - color if isinstance(color, float) else math_node(tree, "SUBTRACT", 1.0, color)
    if node.bl_idname == "ShaderNodeMixShader":
        return _mixed(tree, _value(node.inputs[0]), _alpha(tree, node.inputs[1]), _alpha(tree, node.inputs[2]))
    if node.bl_idname == "ShaderNodeAddShader":
        return _added(tree, _alpha(tree, node.inputs[0]), _alpha(tree, node.inputs[1]))
    return 1.0


def _value(socket: bpy.types.NodeSocket) -> Alpha:
    source = _source(socket)
    if source is not None:
        return source
    value = socket.default_value
    return float(value) if isinstance(value, (int, float)) else sum(value[:3]) / 3


def _mixed(tree: bpy.types.NodeTree, factor: Alpha, first: Alpha, second: Alpha) -> Alpha:
    if isinstance(first, float) and isinstance(second, float):
        if first == second:
            return first
        if isinstance(factor, float):
            share = min(max(factor, 0.0), 1.0)
            return first + (second - first) * share
    if isinstance(factor, float) and factor in (0.0, 1.0):
        return second if factor else first
    node = tree.nodes.new("ShaderNodeMix")  # clamps the factor, as Mix Shader does
    for socket, value in zip((node.inputs[0], node.inputs[2], node.inputs[3]), (factor, first, second), strict=True):
        if isinstance(value, float):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs[0]


def _added(tree: bpy.types.NodeTree, first: Alpha, second: Alpha) -> Alpha:
    """What two shaders let through adds up: alpha = a + b - 1."""
    if isinstance(first, float) and isinstance(second, float):
        return max(first + second - 1.0, 0.0)
    return math_node(tree, "SUBTRACT", math_node(tree, "ADD", first, second), 1.0)


def use_stand_in(depsgraph: bpy.types.Depsgraph, stand_in: bpy.types.Material) -> bool:
    """Put ``stand_in`` (evaluated) wherever evaluated geometry has no material, or one that could write nothing.

    Returns whether that was so anywhere: Blender then evaluates objects (not their geometry) again before it renders
    again.
    """
    done: set[int] = set()
    used = False
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


def _fill_slots(one: bpy.types.Object, stand_in: bpy.types.Material) -> bool:
    """Slots whose material belongs to the object, not to its data."""
    used = False
    for slot in one.material_slots:
        if slot.link == "OBJECT" and _needs_stand_in(slot.material):
            _release(slot.material, stand_in)
            slot.material = stand_in
            used = True
    return used


def has_output(material: bpy.types.Material) -> bool:
    """Whether Cycles finds an output among its nodes; False without nodes, and for those of old engines."""
    return material.node_tree is not None and material.node_tree.get_output_node("CYCLES") is not None


def _needs_stand_in(material: bpy.types.Material | None) -> bool:
    return material is None or not has_output(material)


def _release(material: bpy.types.Material | None, stand_in: bpy.types.Material) -> None:
    """Blender complains aloud when an evaluated material, which counts no users, loses one: give it one first."""
    if material is not None:
        stand_in[f"held {len(stand_in.keys())}"] = material
