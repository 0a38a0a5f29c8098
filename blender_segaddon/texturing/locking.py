"""Pictures that go with objects that move later: the shader asks where the surface was when it was captured.

Each object remembers its place at the capture as custom properties, which reach the shader; a point's place in its
object then gives where it was. Meshes, modifiers and linked duplicates stay as they are. What deforms by bones or
shape keys takes the picture of its rest at the capture only as far as its points keep their places in the object.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..core.maps import Instance
from .graph import Graph, Value

NUMBER = "seg_lock"
"""On a projection's group: number of its properties."""
_COLUMNS = ("x", "y", "z", "place")


def free_number() -> int:
    """One that no group has."""
    taken = {group.get(NUMBER) for group in bpy.data.node_groups}
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def write(group: bpy.types.NodeTree, number: int, instances: Sequence[Instance]) -> None:
    """Let the local objects among the instances remember where they were; those that others make cannot."""
    group[NUMBER] = number
    for one in instances:
        found = bpy.data.objects.get(one.object)
        if one.instancer or found is None or found.library is not None:
            continue
        matrix = np.array(one.matrix_world).reshape(4, 4)
        for column, title in enumerate(_COLUMNS):
            found[_name(number, title)] = [float(value) for value in matrix[:3, column]]


def remove(group: bpy.types.NodeTree) -> None:
    """Take away what ``write`` wrote for a group."""
    number = group.get(NUMBER)
    if number is None:
        return
    for one in bpy.data.objects:
        for title in _COLUMNS:
            if one.library is None and _name(number, title) in one:
                del one[_name(number, title)]


def captured_place(graph: Graph, number: int | None) -> tuple[Value, Value]:
    """(position, true normal) of the shaded point in world space, as sockets; with a number: at the capture."""
    geometry = graph.node("ShaderNodeNewGeometry").outputs
    if number is None:
        return geometry["Position"], geometry["True Normal"]
    columns = [_attribute(graph, _name(number, title)) for title in _COLUMNS]
    known = graph.math("GREATER_THAN", graph.vector("LENGTH", columns[0]), 0.0)
    local = graph.node("ShaderNodeTexCoord").outputs["Object"]
    place = graph.vector("ADD", _turned(graph, columns[:3], local), columns[3])
    turn = graph.node("ShaderNodeVectorTransform", vector_type="NORMAL", convert_from="WORLD", convert_to="OBJECT")
    graph.put(geometry["True Normal"], turn.inputs[0])
    x, y, z = columns[:3]
    crossed = [graph.vector("CROSS_PRODUCT", *pair) for pair in ((y, z), (z, x), (x, y))]
    normal = _turned(graph, crossed, turn.outputs[0])
    return (
        _either(graph, known, geometry["Position"], place),
        _either(graph, known, geometry["True Normal"], normal),
    )


def _name(number: int, title: str) -> str:
    return f"seg_lock_{number}_{title}"


def _attribute(graph: Graph, name: str) -> bpy.types.NodeSocket:
    return graph.node("ShaderNodeAttribute", attribute_type="OBJECT", attribute_name=name).outputs["Vector"]


def _turned(graph: Graph, columns: Sequence[Value], vector: Value) -> bpy.types.NodeSocket:
    parts = [graph.scaled(column, part) for column, part in zip(columns, graph.split(vector), strict=True)]
    return graph.vector("ADD", graph.vector("ADD", parts[0], parts[1]), parts[2])


def _either(graph: Graph, known: Value, now: Value, then: Value) -> bpy.types.NodeSocket:
    return graph.vector("ADD", graph.scaled(now, graph.math("SUBTRACT", 1.0, known)), graph.scaled(then, known))
