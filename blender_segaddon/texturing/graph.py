"""Writes node trees like formulas: every method adds one node and gives its output."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

Value = float | Sequence[float] | bpy.types.NodeSocket
"""A number, a vector or an output socket."""


class Graph:
    """A node tree that is being written."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree

    def node(self, kind: str, **properties: object) -> bpy.types.Node:
        """A new node; each is put to the right of the last one."""
        node = self.tree.nodes.new(kind)
        for name, value in properties.items():
            setattr(node, name, value)
        count = len(self.tree.nodes)
        node.location = ((count // 8) * 180, -(count % 8) * 180)
        return node

    def put(self, value: Value, socket: bpy.types.NodeSocket) -> None:
        """Link or set the value of an input."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        return self._apply("ShaderNodeMath", operation, values)

    def vector(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        """A vector operation; DOT_PRODUCT, LENGTH and DISTANCE give a number."""
        node = self._apply("ShaderNodeVectorMath", operation, values).node
        return node.outputs["Value"] if operation in ("DOT_PRODUCT", "LENGTH", "DISTANCE") else node.outputs["Vector"]

    def scaled(self, vector: Value, factor: Value) -> bpy.types.NodeSocket:
        node = self.node("ShaderNodeVectorMath", operation="SCALE")
        self.put(vector, node.inputs[0])
        self.put(factor, node.inputs["Scale"])
        return node.outputs["Vector"]

    def split(self, vector: Value) -> tuple[bpy.types.NodeSocket, ...]:
        node = self.node("ShaderNodeSeparateXYZ")
        self.put(vector, node.inputs[0])
        return tuple(node.outputs)

    def combine(self, x: Value, y: Value, z: Value = 0.0) -> bpy.types.NodeSocket:
        node = self.node("ShaderNodeCombineXYZ")
        for value, socket in zip((x, y, z), node.inputs, strict=True):
            self.put(value, socket)
        return node.outputs[0]

    def texel(self, image: bpy.types.Image, where: Value, interpolation: str = "Closest") -> bpy.types.Node:
        """An image node without filter; outside of the image all channels are 0."""
        node = self.node("ShaderNodeTexImage", image=image, interpolation=interpolation, extension="CLIP")
        self.put(where, node.inputs[0])
        return node

    def all_of(self, *values: Value) -> bpy.types.NodeSocket:
        """The product: 1 where every value is 1."""
        result = values[0]
        for value in values[1:]:
            result = self.math("MULTIPLY", result, value)
        return result

    def _apply(self, kind: str, operation: str, values: Sequence[Value]) -> bpy.types.NodeSocket:
        node = self.node(kind, operation=operation)
        for value, socket in zip(values, node.inputs, strict=False):
            self.put(value, socket)
        return node.outputs[0]


def new_group(name: str, inputs: Sequence[tuple[str, str]], outputs: Sequence[tuple[str, str]]) -> bpy.types.NodeTree:
    """An empty shader node group with these (name, socket type) and its two ends."""
    tree = bpy.data.node_groups.new(name, "ShaderNodeTree")
    for title, kind in inputs:
        tree.interface.new_socket(title, in_out="INPUT", socket_type=kind)
    for title, kind in outputs:
        tree.interface.new_socket(title, in_out="OUTPUT", socket_type=kind)
    tree.nodes.new("NodeGroupInput")
    tree.nodes.new("NodeGroupOutput").location = (2400, 0)
    return tree
