"""What of an evaluated scene is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..instances import Row, world_matrices
from .canvas import Crowd
from .shapes import Shape, Shapes

_UNSEEN = {"CURVES": "hair curves", "POINTCLOUD": "point clouds"}
"""What Cycles renders and triangles do not show."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What is drawn; ids are indices in the rows plus 1."""

    crowd: Crowd
    notes: tuple[str, ...]
    """one sentence for each kind of thing that a render shows and this does not, or not so"""

    @classmethod
    def of_render(cls, depsgraph: bpy.types.Depsgraph, rows: list[Row], shapes: Shapes) -> Stage:
        """What the camera of a render sees: what is held out hides what lies behind."""
        numbers = {row.place: number for number, row in enumerate(rows, start=1)}
        matrices, layer = world_matrices(depsgraph), depsgraph.view_layer
        things: list[tuple[Shape, np.ndarray, int]] = []
        unseen: dict[str, str] = {}
        for place, one in enumerate(depsgraph.object_instances):
            if place not in numbers or not _camera_sees(one, layer):
                continue
            if one.object.type in _UNSEEN:
                unseen.setdefault(one.object.type, one.object.name)
            shape = shapes.of(one.object.data) if isinstance(one.object.data, bpy.types.Mesh) else None
            if shape is not None:
                things.append((shape, matrices[place], 0 if _holder(one).holdout_get(view_layer=layer) else numbers[place]))
        return cls(Crowd.of(things), tuple(f"The gpu engine draws no {_UNSEEN[kind]} ({name!r})" for kind, name in unseen.items()))


def _holder(one: bpy.types.DepsgraphObjectInstance) -> bpy.types.Object:
    """The object of the user's whose collections count."""
    return (one.parent if one.is_instance and one.parent else one.object).original


def _camera_sees(one: bpy.types.DepsgraphObjectInstance, layer: bpy.types.ViewLayer) -> bool:
    """As Cycles has it: the object, and what instances it."""
    if not one.show_self or not one.object.visible_camera:
        return False
    holder = _holder(one)
    return holder.visible_camera and not holder.indirect_only_get(view_layer=layer)
