"""Objects by the names that a capture gives them, and what Blender evaluates them to."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..core.maps import Instance


def evaluated(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    """The evaluated state of a scene."""
    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        return bpy.context.evaluated_depsgraph_get()


def make_local(scene: bpy.types.Scene, names: set[str]) -> None:
    pass


def keys(scene: bpy.types.Scene, instances: Sequence[Instance]) -> dict[int, float]:
    return {one.id: one.key[0] for one in instances}


def tidy() -> None:
    pass
