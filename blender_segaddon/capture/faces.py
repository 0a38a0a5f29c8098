"""Classes of single faces, for scenes that are one mesh: a whole number on each face, and names for the numbers.

The mesh has an integer attribute ``seg_class`` on its faces; 1 is the first of the names in its custom property
``seg_classes`` ("road, sidewalk, grass"), 2 the second, 0 none. Any tool of Blender's can write both: the Spreadsheet,
Set Attribute in edit mode, Store Named Attribute in geometry nodes (then the names may stand on the object instead).
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..protocol.errors import InvalidInput

FACE_ATTRIBUTE = "seg_class"
"""Integer attribute of faces"""
FACE_CLASSES = "seg_classes"
"""Custom property of a mesh or an object: names of the attribute's values from 1 up, separated by commas"""


def face_classes(one: bpy.types.Object) -> tuple[str, ...]:
    """The names of the values 1, 2, … of an object's faces; () where it has none."""
    for owner in (one, one.data):
        names = owner.get(FACE_CLASSES) if owner is not None else None
        if isinstance(names, str) and names.strip():
            return tuple(name.strip() for name in names.split(","))
    return ()


def set_face_class(one: bpy.types.Object, name: str | None, faces: Sequence[int] | None = None) -> int:
    """Give faces of a mesh a class; all objects that share the mesh get it.

    Args:
        name: a class by name (checked when the maps are made), None or "" to take the faces' class away.
        faces: indices; None: the selected faces, in edit mode or not.

    Returns:
        How many faces were given it.

    Raises:
        InvalidInput: no mesh, a linked one, no such face, nothing selected, a name with a comma.
    """
    mesh, name = _writable(one), (name or "").strip()
    if "," in name:
        raise InvalidInput(f"The class {name!r} holds a comma", "Give one class")
    editing = one.mode == "EDIT"
    if editing:
        one.update_from_editmode()
    chosen = _selected(mesh) if faces is None else _checked(faces, len(mesh.polygons))
    names = [*face_classes(one)]
    if name and name not in names:
        names.append(name)
        (one if FACE_CLASSES in one else mesh)[FACE_CLASSES] = ", ".join(names)
    value = names.index(name) + 1 if name else 0
    if editing:
        _write_edited(mesh, chosen, value)
    else:
        _write(mesh, chosen, value)
    return len(chosen)


def _writable(one: bpy.types.Object) -> bpy.types.Mesh:
    if one.type != "MESH":
        raise InvalidInput(f"{one.name!r} is no mesh", "Choose a mesh object, or give the whole object a class")
    if one.data.library is not None:
        raise InvalidInput(f"The mesh of {one.name!r} is linked", "Make it local, or give its materials classes")
    return one.data


def _selected(mesh: bpy.types.Mesh) -> np.ndarray:
    chosen = np.zeros(len(mesh.polygons), bool)
    mesh.polygons.foreach_get("select", chosen)
    if not chosen.any():
        raise InvalidInput("No face is selected", "Select faces in edit mode, or name them")
    return np.flatnonzero(chosen)


def _checked(faces: Sequence[int], count: int) -> np.ndarray:
    chosen = np.unique(np.asarray(faces, np.int64))
    if len(chosen) and not (chosen[0] >= 0 and chosen[-1] < count):
        raise InvalidInput(f"The mesh has the faces 0 to {count - 1}", "Leave out others")
    return chosen


def _write(mesh: bpy.types.Mesh, chosen: np.ndarray, value: int) -> None:
    attribute = mesh.attributes.get(FACE_ATTRIBUTE)
    if attribute is not None and (attribute.domain, attribute.data_type) != ("FACE", "INT"):
        raise InvalidInput(f"The mesh has an attribute {FACE_ATTRIBUTE} of another kind", "Remove or rename it")
    attribute = attribute or mesh.attributes.new(FACE_ATTRIBUTE, "INT", "FACE")
    values = np.zeros(len(mesh.polygons), np.int32)
    attribute.data.foreach_get("value", values)
    values[chosen] = value
    attribute.data.foreach_set("value", values)
    mesh.update()


def _write_edited(mesh: bpy.types.Mesh, chosen: np.ndarray, value: int) -> None:
    import bmesh  # only there once bpy is imported

    form = bmesh.from_edit_mesh(mesh)
    layer = form.faces.layers.int.get(FACE_ATTRIBUTE) or form.faces.layers.int.new(FACE_ATTRIBUTE)
    form.faces.ensure_lookup_table()
    for index in chosen.tolist():
        form.faces[index][layer] = value
    bmesh.update_edit_mesh(mesh, loop_triangles=False, destructive=False)
