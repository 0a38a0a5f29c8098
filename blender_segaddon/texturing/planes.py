"""The objects of pictures that stand on a plane of their own."""

from __future__ import annotations

import bpy

PLANE = "seg_plane"
"""On such an object: the node group of its placement."""


def of(group: bpy.types.NodeTree) -> list[bpy.types.Object]:
    """The objects that show a placement's group."""
    return [one for one in bpy.data.objects if one.get(PLANE) == group]


def remove(group: bpy.types.NodeTree) -> None:
    """Remove the objects that show a placement's group, with what was made for them."""
    for one in of(group):
        mesh, materials = one.data, list(one.data.materials)
        bpy.data.objects.remove(one)
        if mesh.users == 0:
            bpy.data.meshes.remove(mesh)
        for material in [material for material in materials if material and material.users == 0]:
            bpy.data.materials.remove(material)
