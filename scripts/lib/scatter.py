"""A geometry-nodes scatter, built from Python. The same nodes serve Blender 4.2 to 5.0."""

from __future__ import annotations

import math

import bpy


def scatter(
    carrier: bpy.types.Object, ground: bpy.types.Object, kinds: bpy.types.Collection, density: float, seed: int
) -> bpy.types.NodesModifier:
    """Gives ``carrier`` a modifier that sets upright instances of the objects in ``kinds`` on the faces of ``ground``.

    Args:
        density: instances per square metre.
        seed: the same seed gives the same places, turns and sizes.
    """
    group = bpy.data.node_groups.new("Scatter", "GeometryNodeTree")
    group.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    nodes, links = group.nodes, group.links
    surface = nodes.new("GeometryNodeObjectInfo")
    surface.transform_space = "RELATIVE"
    surface.inputs["Object"].default_value = ground
    points = nodes.new("GeometryNodeDistributePointsOnFaces")
    points.inputs["Density"].default_value = density
    points.inputs["Seed"].default_value = seed
    upward = _upward(group)
    source = nodes.new("GeometryNodeCollectionInfo")
    source.inputs["Collection"].default_value = kinds
    source.inputs["Separate Children"].default_value = True
    source.inputs["Reset Children"].default_value = True
    instances = nodes.new("GeometryNodeInstanceOnPoints")
    instances.inputs["Pick Instance"].default_value = True
    output = nodes.new("NodeGroupOutput")
    links.new(surface.outputs["Geometry"], points.inputs["Mesh"])
    links.new(upward, points.inputs["Selection"])
    links.new(points.outputs["Points"], instances.inputs["Points"])
    links.new(source.outputs[0], instances.inputs["Instance"])
    links.new(_random(group, (0, 0, 0), (0, 0, 2 * math.pi), seed + 1), instances.inputs["Rotation"])
    links.new(_random(group, (0.8, 0.8, 0.8), (0.8, 0.8, 1.25), seed + 2), instances.inputs["Scale"])
    links.new(instances.outputs["Instances"], output.inputs[0])
    for place, node in enumerate(nodes):
        node.location = (200 * place, 0)
    modifier = carrier.modifiers.new("Scatter", "NODES")
    modifier.node_group = group
    return modifier


def _random(
    group: bpy.types.GeometryNodeTree,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    seed: int,
) -> bpy.types.NodeSocket:
    """A random vector per point between two corners."""
    node = group.nodes.new("FunctionNodeRandomValue")
    node.data_type = "FLOAT_VECTOR"
    # The node keeps a pair of Min and Max sockets for each data type; the vectors come first.
    node.inputs[0].default_value = low
    node.inputs[1].default_value = high
    node.inputs["Seed"].default_value = seed
    return node.outputs[0]


def _upward(group: bpy.types.GeometryNodeTree) -> bpy.types.NodeSocket:
    """True on faces that look up and lie above the water: nothing grows on the walls and the base of a mound."""
    nodes, links = group.nodes, group.links
    checks = []
    for kind, floor in (("GeometryNodeInputNormal", 0.5), ("GeometryNodeInputPosition", 0.6)):
        split = nodes.new("ShaderNodeSeparateXYZ")
        links.new(nodes.new(kind).outputs[0], split.inputs[0])
        above = nodes.new("ShaderNodeMath")
        above.operation = "GREATER_THAN"
        above.inputs[1].default_value = floor
        links.new(split.outputs["Z"], above.inputs[0])
        checks.append(above.outputs[0])
    both = nodes.new("ShaderNodeMath")
    both.operation = "MULTIPLY"
    for check, socket in zip(checks, both.inputs[:2], strict=True):
        links.new(check, socket)
    return both.outputs[0]
