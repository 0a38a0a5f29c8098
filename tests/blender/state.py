"""Everything in the .blend as plain values, for comparing before and after."""

from __future__ import annotations

import warnings

import bpy

_PASSING = {
    "rna_type",
    "session_uid",
    "users",
    "tag",
    "is_evaluated",
    "original",
    "bl_rna",
    "is_updated",
    "preview",
    "tool_settings",
    "display",
    "bake_settings",
}
_DEPTH = 2


_KINDS = (
    "scenes",
    "collections",
    "objects",
    "meshes",
    "materials",
    "worlds",
    "node_groups",
    "images",
    "cameras",
    "lights",
)


def state() -> dict[str, object]:
    """{kind/library/name: values} of the data-blocks that a picture on the scene could touch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # every property is read, those on their way out too
        return _state()


def _state() -> dict[str, object]:
    found = {}
    for kind in _KINDS:
        for block in getattr(bpy.data, kind):
            if block.name != "Render Result":
                found[f"{kind}/{block.library.name if block.library else ''}/{block.name}"] = _values(block, _DEPTH)
    return found


def differences(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Where two states differ, readable."""
    lines: list[str] = []
    _compare("", before, after, lines)
    return lines


def _values(thing: bpy.types.bpy_struct, depth: int) -> dict[str, object]:
    values: dict[str, object] = {}
    for prop in thing.bl_rna.properties:
        if prop.identifier not in _PASSING:
            value = _value(getattr(thing, prop.identifier, None), prop, depth)
            if value is not _value:
                values[prop.identifier] = value
    if isinstance(thing, bpy.types.ID):
        values["custom"] = {key: _custom(thing[key]) for key, _ in thing.items() if key != "cycles"}
    return values


def _custom(value: object) -> str:
    return str(value.to_dict() if hasattr(value, "to_dict") else value)


def _value(value: object, prop: bpy.types.Property, depth: int) -> object:
    if prop.type == "POINTER":
        return _pointer(value, depth)
    if prop.type == "COLLECTION":
        if depth <= 0 or len(value) > 5000:
            return _value
        return [one.name if isinstance(one, bpy.types.ID) else _values(one, depth - 2) for one in value if one]
    if getattr(prop, "is_array", False):
        return str([list(one) if hasattr(one, "__len__") else one for one in value])
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _pointer(value: object, depth: int) -> object:
    if isinstance(value, bpy.types.NodeTree) and value.is_embedded_data:
        return _tree(value)
    if value is None or isinstance(value, bpy.types.ID):
        return value and value.name
    return _values(value, depth - 1) if depth > 0 else _value


def _tree(tree: bpy.types.NodeTree) -> dict[str, object]:
    """Nodes by name, links as a sorted list: a link that was taken out and put back is the same link."""
    links = sorted(
        f"{one.from_node.name}.{one.from_socket.identifier} > {one.to_node.name}.{one.to_socket.identifier}"
        for one in tree.links
    )
    return {"links": links, "nodes": {node.name: _node(node) for node in tree.nodes}}


def _node(node: bpy.types.Node) -> dict[str, object]:
    inputs = {one.identifier: str(_plain(one)) for one in node.inputs if hasattr(one, "default_value")}
    return {"type": node.bl_idname, "location": tuple(node.location), "mute": node.mute, "inputs": inputs}


def _plain(socket: bpy.types.NodeSocket) -> object:
    value = socket.default_value
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value


def _compare(where: str, before: object, after: object, lines: list[str]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            if key not in before or key not in after:
                lines.append(f"{where}/{key}: {'new' if key in after else 'gone'}")
            else:
                _compare(f"{where}/{key}", before[key], after[key], lines)
    elif before != after:
        lines.append(f"{where}: {str(before)[:200]} -> {str(after)[:200]}")
