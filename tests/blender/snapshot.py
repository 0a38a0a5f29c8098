"""A full picture of the open file: every data-block, every property, recursively. Two of them tell what changed."""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import bpy
import numpy as np

# Not the user's data, or a different object at each access.
_SKIPPED_COLLECTIONS = {"window_managers", "screens", "workspaces"}
_SKIPPED = {"rna_type", "bl_rna", "id_data", "original", "depsgraph", "session_uid", "is_evaluated", "preview"}
_SKIPPED.add("uv_sculpt")  # in 4.2 its brush points nowhere: reading it crashes
# Elements in bulk: hashed through foreach_get instead of walked.
_BULK = {
    "vertices": (("co", 3), ("select", 1)),
    "edges": (("vertices", 2),),
    "loops": (("vertex_index", 1),),
    "polygons": (("loop_start", 1), ("material_index", 1), ("select", 1)),
}
_DERIVED = {"loop_triangles", "loop_triangle_polygons", "corner_normals", "vertex_normals", "polygon_normals"}


def take() -> dict[str, Any]:
    """Path of each property → its value, for everything in bpy.data, and what Blender's session holds besides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to read is not to use
        return _session() | _data()


def _data() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for collection in bpy.data.bl_rna.properties:
        if collection.type != "COLLECTION" or collection.identifier in _SKIPPED_COLLECTIONS:
            continue
        blocks = getattr(bpy.data, collection.identifier)
        found[collection.identifier] = sorted(_name(block) for block in blocks)
        for block in blocks:
            _struct(f"{collection.identifier}[{_name(block)}]", block, found, set())
    return found


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line for each property that differs, is new or gone; [] if nothing changed."""
    lines = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, "nothing"), after.get(path, "nothing")
        if old != new:
            lines.append(f"{path}: {old!r} -> {new!r}")
    return lines


def traces(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """As ``difference``; on 4.2 without user counts, since there ``scene.copy()`` leaks some (Blender's defect)."""
    lines = difference(before, after)
    return lines if bpy.app.version >= (4, 3) else [line for line in lines if ".users: " not in line]


def _session() -> dict[str, Any]:
    handlers = {
        f"handlers.{name}": [id(one) for one in getattr(bpy.app.handlers, name)]
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
    }
    layer = bpy.context.view_layer
    return handlers | {
        "mode": bpy.context.mode,
        "scene": bpy.context.scene.name,
        "view_layer": layer.name,
        "active": layer.objects.active.name if layer.objects.active else "",
        "selected": sorted(one.name for one in layer.objects if one.select_get(view_layer=layer)),
        "hidden": sorted(one.name for one in layer.objects if one.hide_get(view_layer=layer)),
        "operators": len(bpy.context.window_manager.operators),
        "engines": sorted(one.__name__ for one in bpy.types.RenderEngine.__subclasses__() if one.is_registered),
        "dirty": bpy.data.is_dirty,
    }


def _name(block: bpy.types.ID) -> str:
    return f"{block.bl_rna.identifier}:{block.name}" + (f"@{block.library.name}" if block.library else "")


def _struct(path: str, struct: Any, found: dict[str, Any], seen: set[int]) -> None:
    """Walk one struct. ``seen``: addresses above, since some structs point back to their owner."""
    address = struct.as_pointer()
    if (address, type(struct)) in seen:
        return
    seen = seen | {(address, type(struct))}
    if hasattr(struct, "keys") and not isinstance(struct, bpy.types.bpy_prop_collection):
        _custom(path, struct, found)
    for prop in struct.bl_rna.properties:
        name = prop.identifier
        if name in _SKIPPED or name in _DERIVED:
            continue
        _property(f"{path}.{name}", struct, prop, found, seen)


def _property(path: str, struct: Any, prop: Any, found: dict[str, Any], seen: set[int]) -> None:
    try:
        value = getattr(struct, prop.identifier)
    except (AttributeError, RuntimeError, ValueError, UnicodeDecodeError):
        return  # not readable in this state
    if prop.type == "COLLECTION":
        _collection(path, struct, prop.identifier, value, found, seen)
    elif prop.type == "POINTER":
        if isinstance(value, bpy.types.ID) and not value.is_embedded_data:
            found[path] = _name(value)
        elif value is not None and hasattr(value, "bl_rna"):
            _struct(path, value, found, seen)
        else:
            found[path] = None
    else:
        found[path] = _plain(value)


def _collection(path: str, struct: Any, name: str, value: Any, found: dict[str, Any], seen: set[int]) -> None:
    found[f"{path}.length"] = len(value)
    if isinstance(struct, bpy.types.Mesh) and name in _BULK:
        for field, width in _BULK[name]:
            found[f"{path}.{field}"] = _hash(value, field, width)
        return
    if name == "data" and isinstance(struct, bpy.types.Attribute):
        field = next((one for one in ("value", "vector", "color") if len(value) and hasattr(value[0], one)), None)
        if field is not None:
            sample = getattr(value[0], field)
            if not isinstance(sample, (str, bytes)):
                found[f"{path}.{field}"] = _hash(value, field, len(sample) if hasattr(sample, "__len__") else 1)
        return
    if len(value) > 2000:
        return
    for index, one in enumerate(value):
        if one is None:
            found[f"{path}[{index}]"] = None
        elif isinstance(one, bpy.types.ID) and not one.is_embedded_data:
            found[f"{path}[{index}]"] = _name(one)
        else:
            _struct(f"{path}[{index}]", one, found, seen)


def _hash(elements: Any, field: str, width: int) -> str:
    flat = np.zeros(len(elements) * width, np.float32)
    elements.foreach_get(field, flat)
    return hashlib.sha1(flat.tobytes()).hexdigest()


def _custom(path: str, struct: Any, found: dict[str, Any]) -> None:
    try:
        items = list(struct.items())
    except TypeError:
        return  # this type has no custom properties
    for name, value in items:
        plain = _without_empty(value.to_dict()) if hasattr(value, "to_dict") else _plain(value)
        if plain != {}:  # reading a property group of an add-on makes an empty one
            found[f"{path}[{name!r}]"] = plain


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return _plain(value)
    pruned = {name: _without_empty(one) for name, one in value.items()}
    return {name: one for name, one in pruned.items() if one != {}}


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, int, float, str, bytes, type(None))):
        return value
    if isinstance(value, bpy.types.ID):
        return _name(value)
    if isinstance(value, set):
        return sorted(value)
    return repr(np.array(value).tolist()) if hasattr(value, "__len__") else repr(value)
