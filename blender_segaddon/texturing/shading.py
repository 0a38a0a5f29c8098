"""How a projected surface is lit: the last nodes of a projection's group, which can be changed at any time."""

from __future__ import annotations

import bpy

from ..protocol.errors import InvalidInput
from .graph import Graph, Value

LIGHTINGS = ("unlit", "shadows", "lit")
"""unlit: cameras see the picture as it is; it lights and shades nothing. shadows: the same, but what stands between it
and the scene's lights darkens it. lit: the picture is the base colour of an ordinary surface."""
COLOUR = "Seg Colour"
"""The node that gives the picture's scene-linear colour."""
MIX = "Seg Mix"
"""The node that puts the picture on the surface."""
_RAYS = "Seg Rays"
"""The node that says which rays meet the picture."""
_SHADE = "Seg Shade"
"""What the names of the nodes made here begin with."""

LIGHT = "seg_light"
"""On the image of a projection that holds the picture's colours."""
_WHITEST = 0.95
"""No surface reflects more; lights in a picture would make a room glow."""
_ROUGHNESS = 0.7


def check(lighting: str) -> str:
    """``lighting`` if there is such a one, else InvalidInput."""
    if lighting not in LIGHTINGS:
        raise InvalidInput(f"Lighting '{lighting}' is unknown", f"Choose one of: {', '.join(LIGHTINGS)}")
    return lighting


def seen_by(graph: Graph) -> bpy.types.NodeSocket:
    """1 for rays that meet the picture: those of cameras, or all."""
    camera = graph.node("ShaderNodeLightPath").outputs["Is Camera Ray"]
    rays = graph.math("MAXIMUM", camera, 0.0)
    rays.node.name = _RAYS
    return rays


def set_shading(tree: bpy.types.NodeTree, lighting: str, light: bpy.types.Image | None = None) -> None:
    """Let the group of a projection show its colour in this way.

    Args:
        lighting: one of ``LIGHTINGS``, or "white": no picture, but the light that reaches a white surface.
        light: of "shadows": what the picture's colour is multiplied with, and in its alpha the part of the picture that
            shines by itself.
    """
    _clear(tree)
    graph, colour = Graph(tree), tree.nodes[COLOUR].outputs["Color"]
    tree.nodes[_RAYS].inputs[1].default_value = 1.0 if lighting == "lit" else 0.0
    if lighting == "shadows":
        shader = _catching(graph, colour, light)
    elif lighting == "white":
        shader = _node(graph, "ShaderNodeBsdfDiffuse").outputs[0]
        shader.node.inputs["Color"].default_value = (1, 1, 1, 1)
    else:
        shader = (_surface if lighting == "lit" else _emission)(graph, colour)
    graph.put(shader, tree.nodes[MIX].inputs[2])


def _clear(tree: bpy.types.NodeTree) -> None:
    """Remove the nodes that were made here, with what nobody else uses of what is in them."""
    groups = {one.node_tree for one in tree.nodes if one.name.startswith(_SHADE) and one.type == "GROUP"}
    for node in [one for one in tree.nodes if one.name.startswith(_SHADE)]:
        tree.nodes.remove(node)
    for group in [one for one in groups if one.users == 0]:
        images = {one.image for one in group.nodes if one.type == "TEX_IMAGE"}
        bpy.data.node_groups.remove(group)
        for image in [one for one in images if one and one.users == 0]:
            bpy.data.images.remove(image)


def _catching(graph: Graph, colour: bpy.types.NodeSocket, light: bpy.types.Image) -> bpy.types.NodeSocket:
    """The picture as a colour that the light makes the picture of, where there is light."""
    factor, rest = _looked_up(graph, light)
    return _sum(
        graph,
        _diffuse(graph, _scaled(graph, "MULTIPLY", colour, factor)),
        _emission(graph, _scaled(graph, "SCALE", colour, rest)),
    )


def _looked_up(graph: Graph, light: bpy.types.Image) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """(colour, alpha) of an image, from the same texels as the picture's colour: those of the same surface."""
    taps = [one for one in graph.tree.nodes if one.type == "GROUP" and "Share" in one.outputs]
    tree = taps[0].node_tree.copy()
    for node in [one for one in tree.nodes if one.type == "TEX_IMAGE" and LIGHT in one.image]:
        node.image = light
    sums: list[bpy.types.NodeSocket | None] = [None, None, None]
    for tap in taps:
        node = _node(graph, "ShaderNodeGroup")
        node.node_tree = tree
        for source, target in zip(tap.inputs, node.inputs, strict=True):
            graph.put(source.links[0].from_socket, target)
        colour, *numbers = node.outputs
        sums[0] = colour if sums[0] is None else _scaled(graph, "ADD", sums[0], colour)
        for index, number in enumerate(numbers, 1):
            sums[index] = number if sums[index] is None else _math(graph, "ADD", sums[index], number)
    colour, weight, alpha = sums
    part = _math(graph, "DIVIDE", 1.0, _math(graph, "MAXIMUM", weight, 1e-9))
    return _scaled(graph, "SCALE", colour, part), _math(graph, "MULTIPLY", alpha, part)


def _math(graph: Graph, operation: str, *values: Value) -> bpy.types.NodeSocket:
    socket = graph.math(operation, *values)
    socket.node.name = _SHADE
    return socket


def _scaled(graph: Graph, operation: str, vector: Value, other: Value) -> bpy.types.NodeSocket:
    socket = graph.scaled(vector, other) if operation == "SCALE" else graph.vector(operation, vector, other)
    socket.node.name = _SHADE
    return socket


def _node(graph: Graph, kind: str) -> bpy.types.Node:
    node = graph.node(kind)
    node.name = _SHADE
    return node


def _emission(graph: Graph, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    node = _node(graph, "ShaderNodeEmission")
    graph.put(colour, node.inputs["Color"])
    return node.outputs[0]


def _diffuse(graph: Graph, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    node = _node(graph, "ShaderNodeBsdfDiffuse")
    graph.put(colour, node.inputs["Color"])
    return node.outputs[0]


def _surface(graph: Graph, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    node, limit = _node(graph, "ShaderNodeBsdfPrincipled"), _node(graph, "ShaderNodeVectorMath")
    limit.operation = "MINIMUM"
    graph.put(colour, limit.inputs[0])
    limit.inputs[1].default_value = (_WHITEST,) * 3
    graph.put(limit.outputs[0], node.inputs["Base Color"])
    node.inputs["Roughness"].default_value = _ROUGHNESS
    return node.outputs[0]


def _sum(graph: Graph, *shaders: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    node = _node(graph, "ShaderNodeAddShader")
    for shader, socket in zip(shaders, node.inputs, strict=True):
        graph.put(shader, socket)
    return node.outputs[0]
