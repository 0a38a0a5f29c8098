"""The node group by which materials write what they are. One for all, so that little is changed in each of them.

Passes carry Object Info (Random, Location x, Location y), Object Index, the normal, the number of the material and the
class of the face.
"""

from __future__ import annotations

import bpy

from .faces import FACE_ATTRIBUTE
from .transparency import Value, feed, math_node

KEY_PASS = "segaddon_key"
INDEX_PASS = "segaddon_index"
NORMAL_PASS = "segaddon_normal"
MATERIAL_PASS = "segaddon_material"
FACE_PASS = "segaddon_face"
PASSES = {
    KEY_PASS: "COLOR",
    INDEX_PASS: "VALUE",
    NORMAL_PASS: "COLOR",
    MATERIAL_PASS: "VALUE",
    FACE_PASS: "VALUE",
}
"""What every material writes: name → type of the AOV"""

Socket = bpy.types.NodeSocket


def build_writer() -> bpy.types.NodeTree:
    """A new group with the inputs Transparency (there up to one half) and Material (its number), output Surface."""
    tree = bpy.data.node_groups.new("SegAddon writer", "ShaderNodeTree")
    for name in ("Transparency", "Material"):
        tree.interface.new_socket(name, in_out="INPUT", socket_type="NodeSocketFloat")
    tree.interface.new_socket("Surface", in_out="OUTPUT", socket_type="NodeSocketShader")
    _Writer(tree).write()
    return tree


def use_writer(
    material: bpy.types.Material,
    output: bpy.types.Node,
    writer: bpy.types.NodeTree,
    transparency: Value = 0.0,
    number: float = 0.0,
) -> None:
    """Let the writer feed the surface of a material's output."""
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = writer
    feed(tree, transparency, node.inputs[0])
    feed(tree, number, node.inputs[1])
    tree.links.new(node.outputs[0], output.inputs["Surface"])
    material.cycles.emission_sampling = "NONE"  # else every triangle becomes a lamp: 7 times slower


class _Writer:
    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree
        self.source, self.target = self._new("NodeGroupInput"), self._new("NodeGroupOutput")

    def write(self) -> None:
        see_through = self._math("GREATER_THAN", self.source.outputs[0], 0.5)
        mix = self._new("ShaderNodeMixShader")
        self._link(see_through, mix.inputs[0])
        self._link(self._new("ShaderNodeEmission").outputs[0], mix.inputs[1])
        self._link(self._new("ShaderNodeBsdfTransparent").outputs[0], mix.inputs[2])
        self._link(mix.outputs[0], self.target.inputs[0])
        self._write_passes(self._math("SUBTRACT", 1.0, see_through))

    def _write_passes(self, opaque: Socket) -> None:
        """``opaque``: 1 or 0. Passes add up along a ray, so what is seen through must write 0."""
        for name, socket in (
            (KEY_PASS, self._key()),
            (INDEX_PASS, self._new("ShaderNodeObjectInfo").outputs["Object Index"]),
            (NORMAL_PASS, self._normal()),
            (MATERIAL_PASS, self.source.outputs[1]),
            (FACE_PASS, self._face()),
        ):
            aov = self._new("ShaderNodeOutputAOV")
            aov.aov_name = name
            if PASSES[name] == "VALUE":
                self._link(self._math("MULTIPLY", socket, opaque), aov.inputs["Value"])
            else:
                self._link(self._scaled(socket, opaque), aov.inputs["Color"])

    def _key(self) -> Socket:
        info = self._new("ShaderNodeObjectInfo")
        split, key = self._new("ShaderNodeSeparateXYZ"), self._new("ShaderNodeCombineXYZ")
        self._link(info.outputs["Location"], split.inputs[0])
        self._link(info.outputs["Random"], key.inputs[0])
        self._link(split.outputs[0], key.inputs[1])
        self._link(split.outputs[1], key.inputs[2])
        return key.outputs[0]

    def _normal(self) -> Socket:
        """The smooth normal, on the side of the face that is seen (imported ones may point into the thing)."""
        geometry, dot = self._new("ShaderNodeNewGeometry"), self._new("ShaderNodeVectorMath")
        dot.operation = "DOT_PRODUCT"
        self._link(geometry.outputs["Normal"], dot.inputs[0])
        self._link(geometry.outputs["True Normal"], dot.inputs[1])
        behind = self._math("LESS_THAN", dot.outputs["Value"], 0.0)
        side = self._math("SUBTRACT", 1.0, self._math("MULTIPLY", behind, 2.0))
        return self._scaled(geometry.outputs["Normal"], side)

    def _face(self) -> Socket:
        node = self._new("ShaderNodeAttribute")
        node.attribute_name = FACE_ATTRIBUTE
        return node.outputs["Fac"]

    def _math(self, operation: str, first: Socket | float, second: Socket | float) -> Socket:
        return math_node(self.tree, operation, first, second)

    def _scaled(self, vector: Socket, factor: Socket) -> Socket:
        scale = self._new("ShaderNodeVectorMath")
        scale.operation = "SCALE"
        self._link(vector, scale.inputs[0])
        self._link(factor, scale.inputs["Scale"])
        return scale.outputs[0]

    def _new(self, kind: str) -> bpy.types.Node:
        return self.tree.nodes.new(kind)

    def _link(self, start: Socket, end: Socket) -> None:
        self.tree.links.new(start, end)
