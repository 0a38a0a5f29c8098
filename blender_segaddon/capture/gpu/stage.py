"""What of an evaluated scene is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy
import numpy as np

from ..instances import Row, world_matrices
from ..shaders import has_output, transparency_of
from ..transparency import Transparency, source_of
from .canvas import Crowd
from .shapes import Shape, Shapes

_UNSEEN = {"CURVES": "hair curves", "POINTCLOUD": "points"}
"""What Cycles renders and triangles do not show."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What is drawn; ids are indices in the rows plus 1."""

    crowd: Crowd
    notes: tuple[str, ...] = ()
    """one sentence for each kind of thing that a render shows and this does not, or not so"""


def render_stage(depsgraph: bpy.types.Depsgraph, rows: list[Row], shapes: Shapes) -> Stage:
    """What the camera of a render sees; what is held out hides what lies behind. Changes evaluated materials."""
    layer, surfaces, missing = depsgraph.view_layer, _Surfaces.measured(depsgraph), _Missing()

    def number(one: bpy.types.DepsgraphObjectInstance, row: int) -> int | None:
        if not one.show_self or not _camera_sees(one, layer):
            return None
        missing.note(one, surfaces)
        return 0 if _holder(one).holdout_get(view_layer=layer) else row + 1

    return Stage(
        _crowd(depsgraph, rows, number, lambda one: shapes.of(one.object.data, surfaces.hidden(one.object))),
        missing.notes(),
    )


def view_stage(
    depsgraph: bpy.types.Depsgraph, rows: list[Row], shapes: Shapes, is_stale: Callable[[bpy.types.Object], bool]
) -> Stage:
    """What a capture would show of what a viewport shows. Changes nothing, so cutouts and glass count as opaque.

    Args:
        is_stale: told an object (the user's own), whether its mesh was evaluated anew since ``shapes`` got it.
    """
    surfaces, hidden, seen = _Surfaces.plain(depsgraph), _hidden_in_renders(), set()

    def number(one: bpy.types.DepsgraphObjectInstance, row: int) -> int | None:
        shown = one.show_self and one.object.visible_camera and not {one.object.original, _holder(one)} & hidden
        return row + 1 if shown else None

    def shape(one: bpy.types.DepsgraphObjectInstance) -> Shape | None:
        mesh = one.object.data
        if one.object.mode == "EDIT" and not one.is_instance:  # its data still has the last state
            return shapes.of(one.object.to_mesh(), fresh=True)
        address = mesh.as_pointer()
        fresh = address not in seen and (is_stale(one.object.original) or is_stale(_holder(one)))
        seen.add(address)
        return shapes.of(mesh, surfaces.hidden(one.object), fresh)

    stage = Stage(_crowd(depsgraph, rows, number, shape))
    shapes.keep(seen)
    return stage


def _crowd(
    depsgraph: bpy.types.Depsgraph,
    rows: list[Row],
    number: Callable[[bpy.types.DepsgraphObjectInstance, int], int | None],
    shape: Callable[[bpy.types.DepsgraphObjectInstance], Shape | None],
) -> Crowd:
    places = {row.place: index for index, row in enumerate(rows)}
    matrices = world_matrices(depsgraph)
    things: list[tuple[Shape, np.ndarray, int]] = []
    for place, one in enumerate(depsgraph.object_instances):
        id = number(one, places[place]) if place in places else None
        if id is not None and isinstance(one.object.data, bpy.types.Mesh):
            found = shape(one)
            if found is not None:
                things.append((found, matrices[place], id))
    return Crowd.of(things)


class _Surfaces:
    """Which materials are not there to be seen."""

    def __init__(self, clear: set[bpy.types.Material], cut: set[bpy.types.Material]) -> None:
        self._clear, self.cut = clear, cut

    @classmethod
    def measured(cls, depsgraph: bpy.types.Depsgraph) -> _Surfaces:
        """As a capture has it: what lets more than half of the light through is not there."""
        found, values = Transparency(), {}
        for one in depsgraph.ids:
            if isinstance(one, bpy.types.Material):
                values[one] = transparency_of(one, found)
        clear = {one for one, value in values.items() if isinstance(value, float) and value > 0.5}
        return cls(clear, {one for one, value in values.items() if not isinstance(value, float)})

    @classmethod
    def plain(cls, depsgraph: bpy.types.Depsgraph) -> _Surfaces:
        """Without touching a node: what has a volume only is not there."""
        return cls({one for one in depsgraph.ids if isinstance(one, bpy.types.Material) and _is_volume(one)}, set())

    def hidden(self, one: bpy.types.Object) -> frozenset[int]:
        """The material slots of an evaluated object whose faces are not there."""
        if not self._clear:
            return frozenset()
        return frozenset(index for index, material in enumerate(materials_of(one)) if material in self._clear)


def materials_of(one: bpy.types.Object) -> list[bpy.types.Material | None]:
    """By slot, of an evaluated mesh object; those of the object itself win over those of its mesh."""
    materials = list(one.data.materials)
    for index, slot in enumerate(one.material_slots):
        if slot.link == "OBJECT" and index < len(materials):
            materials[index] = slot.material
    return materials


class _Missing:
    """Gathers what is not drawn as a render has it, one example of each kind."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._asked: set[int] = set()

    def note(self, one: bpy.types.DepsgraphObjectInstance, surfaces: _Surfaces) -> None:
        thing, data = one.object, one.object.data
        if thing.type in _UNSEEN:
            self._kinds.setdefault(_UNSEEN[thing.type], thing.name)
        if data is None or data.as_pointer() in self._asked:
            return
        self._asked.add(data.as_pointer())
        if any(
            system.settings.type == "HAIR" and system.settings.render_type == "PATH"
            for system in thing.particle_systems
        ):
            self._kinds.setdefault("hair particles", thing.name)
        if isinstance(data, bpy.types.Mesh) and surfaces.cut & set(materials_of(thing)):
            self._kinds.setdefault("cutouts", thing.name)

    def notes(self) -> tuple[str, ...]:
        return tuple(f"The gpu engine does not see {kind}, as on {name!r}" for kind, name in self._kinds.items())


def _is_volume(material: bpy.types.Material) -> bool:
    if not has_output(material):
        return False
    inputs = material.node_tree.get_output_node("CYCLES").inputs
    return source_of(inputs["Surface"]) is None and source_of(inputs["Volume"]) is not None


def _holder(one: bpy.types.DepsgraphObjectInstance) -> bpy.types.Object:
    """The object of the user's whose collections count."""
    return (one.parent if one.is_instance and one.parent else one.object).original


def _camera_sees(one: bpy.types.DepsgraphObjectInstance, layer: bpy.types.ViewLayer) -> bool:
    """As Cycles has it: the object, and what instances it."""
    holder = _holder(one)
    return one.object.visible_camera and holder.visible_camera and not holder.indirect_only_get(view_layer=layer)


def _hidden_in_renders() -> set[bpy.types.Object]:
    """Objects that are hidden in renders, themselves or by all collections that they are in."""
    closed = {one for one in bpy.data.collections if one.hide_render}
    closed |= {below for one in closed for below in one.children_recursive}
    inside = {thing for one in closed for thing in one.objects}
    return {one for one in bpy.data.objects if one.hide_render} | {
        one for one in inside if closed.issuperset(one.users_collection)
    }
