"""How much of what lies behind a surface shows through it: a network of values beside a material's shaders.

Shaders hold no value that another node could read, so the share of light that goes straight through is computed once
more from the same factors: Transparent BSDF lets its colour's luminance through, Principled BSDF 1 - Alpha, Mix Shader
mixes, Add Shader adds (transparent + emission is a glow that hides nothing), every other shader lets nothing through
(glass and holdouts are surfaces). Node groups get further sockets that carry it in and out.
"""

from __future__ import annotations

import bpy

from ..core.marks import PICTURE_MARK

Value = float | bpy.types.NodeSocket
"""A number, or the socket that gives it."""

_LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Rec. 709, as Cycles turns colours into numbers"""

SCRIPT, _PORTAL = "ShaderNodeScript", "ShaderNodeBsdfRayPortal"
_UNKNOWN = {
    SCRIPT: "An OSL script, which maps do not run: what it hides or moves is not known",
    _PORTAL: "A ray portal is a surface in the maps; where it leads is not followed",
}


class Transparency:
    """Of all materials of one render. Evaluated node groups, which materials share, are extended once."""

    def __init__(self) -> None:
        self.material = ""
        """name of the one that is being looked at"""
        self.unknown: dict[str, str] = {}
        """name of a material or node group → what is in it that maps do not know"""
        self._known: dict[int, Value] = {}
        """by address of a shader output; trees only grow while this lives, so that no address is used twice"""
        self._outputs: dict[tuple[int, str], float | str] = {}
        """by group and identifier of a shader output: its number, or the identifier of the output that tells it"""
        self._inputs: dict[int, dict[str, str]] = {}
        """by group: identifier of a shader input → of the input that brings its transparency"""

    def of(self, tree: bpy.types.NodeTree, shader: bpy.types.NodeSocket) -> Value:
        """Of what feeds an input of a node of ``tree``: 0 opaque .. 1 not there; 0 where nothing feeds it."""
        source = source_of(shader)
        if source is None:
            return 0.0
        address = source.as_pointer()
        if address not in self._known:
            self._known[address] = self._of_output(tree, source)
        return self._known[address]

    def _of_output(self, tree: bpy.types.NodeTree, source: bpy.types.NodeSocket) -> Value:
        node, value = source.node, 0.0
        match node.bl_idname:
            case "ShaderNodeBsdfPrincipled":
                value = _difference(tree, 1.0, _value(node.inputs["Alpha"]))
            case "ShaderNodeBsdfTransparent":
                value = _value(node.inputs["Color"])
            case "ShaderNodeMixShader":
                value = _mixed(tree, _value(node.inputs[0]), *(self.of(tree, one) for one in node.inputs[1:3]))
            case "ShaderNodeAddShader":
                value = _sum(tree, *(self.of(tree, one) for one in node.inputs))
            case "ShaderNodeGroup":
                value = self._of_group(tree, node, source.identifier)
            case "NodeGroupInput":
                value = _socket(node.outputs, self._brought_in(tree, source.identifier))
            case _:
                self._note(tree, node)
        return value

    def _of_group(self, tree: bpy.types.NodeTree, node: bpy.types.Node, output: str) -> Value:
        if node.node_tree is None:
            return 0.0
        if PICTURE_MARK in node:  # a picture on the surface changes its colour alone
            return self.of(tree, node.inputs["Surface"])
        told = self._inside(node.node_tree, output)
        if isinstance(told, float):
            return told
        twin = _twin(tree, node)  # only a new node has the sockets that its group got meanwhile
        for shader, value in self._inputs.get(node.node_tree.as_pointer(), {}).items():
            feed(tree, self.of(tree, _socket(node.inputs, shader)), _socket(twin.inputs, value))
        return _socket(twin.outputs, told)

    def _inside(self, group: bpy.types.NodeTree, output: str) -> float | str:
        key = (group.as_pointer(), output)
        if key not in self._outputs:
            ends = [one for one in group.nodes if one.bl_idname == "NodeGroupOutput" and one.is_active_output]
            value = self.of(group, _socket(ends[0].inputs, output)) if ends else 0.0
            if not isinstance(value, float):
                added = group.interface.new_socket("Transparency", in_out="OUTPUT", socket_type="NodeSocketFloat")
                feed(group, value, _socket(ends[0].inputs, added.identifier))
                value = added.identifier
            self._outputs[key] = value
        return self._outputs[key]

    def _brought_in(self, group: bpy.types.NodeTree, shader: str) -> str:
        inputs = self._inputs.setdefault(group.as_pointer(), {})
        if shader not in inputs:
            added = group.interface.new_socket("Transparency", in_out="INPUT", socket_type="NodeSocketFloat")
            inputs[shader] = added.identifier
        return inputs[shader]

    def look_for_scripts(self, tree: bpy.types.NodeTree) -> None:
        """Note scripts anywhere in the tree of a material, also where they give numbers."""
        for node in tree.nodes:
            if node.bl_idname == SCRIPT:
                self._note(tree, node)

    def _note(self, tree: bpy.types.NodeTree, node: bpy.types.Node) -> None:
        reason = _UNKNOWN.get(node.bl_idname)
        if reason is None and any(one.type == "SHADER" and one.is_linked for one in node.inputs):
            reason = f"A node {node.bl_label!r}, which maps do not know, counts as opaque"
        if reason is not None:
            self.unknown[self.material if tree.is_embedded_data else tree.name] = reason


def has_output(material: bpy.types.Material) -> bool:
    """Whether Cycles finds an output among its nodes; False without nodes, and for those of old engines."""
    if bpy.app.version < (5, 0) and not material.use_nodes:  # what nodes it has do not count
        return False
    return material.node_tree is not None and material.node_tree.get_output_node("CYCLES") is not None


def source_of(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
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


def math_node(tree: bpy.types.NodeTree, operation: str, first: Value, second: Value) -> bpy.types.NodeSocket:
    """The output of a new Math node."""
    node = tree.nodes.new("ShaderNodeMath")
    node.operation = operation
    for socket, value in zip(node.inputs, (first, second), strict=False):
        feed(tree, value, socket)
    return node.outputs[0]


def _sum(tree: bpy.types.NodeTree, first: Value, second: Value) -> Value:
    if isinstance(first, float) and isinstance(second, float):
        return first + second
    return math_node(tree, "ADD", first, second)


def _difference(tree: bpy.types.NodeTree, first: float, second: Value) -> Value:
    return first - second if isinstance(second, float) else math_node(tree, "SUBTRACT", first, second)


def _mixed(tree: bpy.types.NodeTree, factor: Value, first: Value, second: Value) -> Value:
    if isinstance(first, float) and isinstance(second, float):
        if first == second:
            return first
        if isinstance(factor, float):
            return first + (second - first) * min(max(factor, 0.0), 1.0)
    if isinstance(factor, float) and not 0.0 < factor < 1.0:
        return second if factor >= 1.0 else first
    node = tree.nodes.new("ShaderNodeMix")  # clamps the factor, as Mix Shader does
    for socket, value in zip((node.inputs[0], node.inputs[2], node.inputs[3]), (factor, first, second), strict=True):
        feed(tree, value, socket)
    return node.outputs[0]


def _value(socket: bpy.types.NodeSocket) -> Value:
    source = source_of(socket)
    if source is not None:
        return source
    value = socket.default_value
    if isinstance(value, (int, float)):
        return float(value)
    return float(sum(share * part for share, part in zip(_LUMINANCE, value[:3], strict=True)))


def _twin(tree: bpy.types.NodeTree, node: bpy.types.Node) -> bpy.types.Node:
    """Another node of the same group that is fed as ``node`` is."""
    twin = tree.nodes.new("ShaderNodeGroup")
    twin.node_tree = node.node_tree
    for old in node.inputs:
        new = next((one for one in twin.inputs if one.identifier == old.identifier), None)
        if new is None or old.type == "SHADER":
            continue
        source = source_of(old)
        if source is not None:
            tree.links.new(source, new)
        elif hasattr(new, "default_value"):
            new.default_value = old.default_value
    return twin


def feed(tree: bpy.types.NodeTree, value: Value, socket: bpy.types.NodeSocket) -> None:
    """Give an input a number, or link it."""
    if isinstance(value, (int, float)):
        socket.default_value = value
    else:
        tree.links.new(value, socket)


def _socket(sockets: bpy.types.bpy_prop_collection, identifier: str) -> bpy.types.NodeSocket:
    return next(one for one in sockets if one.identifier == identifier)
