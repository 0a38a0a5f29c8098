"""Objects of linked libraries: local copies that can show other materials, and the way back.

A library is never edited. Where a local collection or a local instancer leads to linked objects, local copies of the
objects (they share the linked data) and of the linked collections between take their places; every copy remembers what
it stands for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import bpy
import numpy as np

from ..core.maps import Instance
from . import surfaces

STANDS_FOR = "seg_stands_for"
"""On a local copy of a linked object or collection: the linked one."""


def evaluated(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    """The evaluated state of a scene."""
    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        return bpy.context.evaluated_depsgraph_get()


def make_local(scene: bpy.types.Scene, names: set[str]) -> None:
    """Put local copies in the places of the scene's linked objects, if one of ``names`` is linked.

    All at once: Blender derives an instance's random number from its place in the collection, so that a copy made later
    would take an earlier picture off its neighbours.
    """
    if any(one.library is not None for one in bpy.data.objects if one.name in names):
        _Localizer().collection(scene.collection)


def replaced() -> set[bpy.types.Object]:
    """The linked objects that local copies stand for."""
    return {one[STANDS_FOR] for one in bpy.data.objects if STANDS_FOR in one}


def name_of(one: bpy.types.Object) -> str:
    """The name that a capture made before the copies knew this object by."""
    return one[STANDS_FOR].name if STANDS_FOR in one else one.name


def keys(scene: bpy.types.Scene, instances: Sequence[Instance]) -> dict[int, float]:
    """Object Info Random by instance id, as a render gives it now; what is not found is left out.

    As captured, but for objects that have a key that lasts, and for what local copies have come in between: those are
    looked up by instancer, name and place.
    """
    found = _keys(scene, instances)
    lasting = {one.name: one[surfaces.KEY] for one in bpy.data.objects if surfaces.KEY in one and not one.library}
    for one in instances:
        if one.id in found and not one.instancer and not one.library:
            found[one.id] = lasting.get(one.object, found[one.id])
    return found


def _keys(scene: bpy.types.Scene, instances: Sequence[Instance]) -> dict[int, float]:
    if not any(STANDS_FOR in one for one in bpy.data.objects):
        return {one.id: one.key[0] for one in instances}
    rows = defaultdict(list)
    for row in evaluated(scene).object_instances:
        if row.is_instance and row.parent:
            where = (name_of(row.object.original), name_of(row.parent.original))
            number = np.float32(row.random_id & 0xFFFFFFFF) * np.float32(1 / 0xFFFFFFFF)
            rows[where].append((np.array(row.matrix_world).ravel(), float(number)))
    renamed = {one[STANDS_FOR].name for one in bpy.data.objects if STANDS_FOR in one and one.name != name_of(one)}
    found = {}
    for one in instances:
        if not one.instancer and one.object not in renamed:
            found[one.id] = one.key[0]
        elif near := _nearest(rows[one.object, one.instancer], one.matrix_world):
            found[one.id] = near
    return found


def tidy(groups: set[bpy.types.NodeTree]) -> None:
    """Put the linked objects back where no material shows one of ``groups`` any more."""
    if surfaces.painted(groups):
        return
    copies = [one for one in bpy.data.collections if STANDS_FOR in one]
    for copy in copies:
        for owner in _owners():
            if copy.name in owner.children and owner.children[copy.name] == copy:
                owner.children.unlink(copy)
                owner.children.link(copy[STANDS_FOR])
        for one in bpy.data.objects:
            if one.instance_collection == copy:
                one.instance_collection = copy[STANDS_FOR]
    for copy in copies:
        bpy.data.collections.remove(copy)
    for one in [one for one in bpy.data.objects if STANDS_FOR in one]:
        for owner in one.users_collection:
            owner.objects.link(one[STANDS_FOR])
        bpy.data.objects.remove(one)


class _Localizer:
    """Makes copies, each linked object and collection once."""

    def __init__(self) -> None:
        self.objects: dict[bpy.types.Object, bpy.types.Object] = {}
        self.collections: dict[bpy.types.Collection, bpy.types.Collection] = {}

    def collection(self, one: bpy.types.Collection) -> bpy.types.Collection:
        """The collection itself where it is local, with local contents; a local copy where it is linked."""
        if one not in self.collections:
            self.collections[one] = one if one.library is None else _copy_of_collection(one)
            self._fill(one, self.collections[one])
        return self.collections[one]

    def object(self, one: bpy.types.Object) -> bpy.types.Object:
        if one not in self.objects:
            self.objects[one] = copy = one if one.library is None else _copy_of_object(one)
            if one.instance_type == "COLLECTION" and one.instance_collection:
                inner = self.collection(one.instance_collection)
                if inner != one.instance_collection:
                    copy.instance_collection = inner
        return self.objects[one]

    def _fill(self, source: bpy.types.Collection, target: bpy.types.Collection) -> None:
        for kind, convert in (("objects", self.object), ("children", self.collection)):
            for one in list(getattr(source, kind)):
                local = convert(one)
                if source != target:
                    getattr(target, kind).link(local)
                elif local != one:
                    getattr(target, kind).link(local)
                    getattr(target, kind).unlink(one)


def _copy_of_object(one: bpy.types.Object) -> bpy.types.Object:
    copy = one.copy()
    copy.name = one.name  # names are free per library, and the render's random number hangs on the name
    copy[STANDS_FOR] = one
    return copy


def _copy_of_collection(one: bpy.types.Collection) -> bpy.types.Collection:
    copy = bpy.data.collections.new(one.name)
    copy.instance_offset = one.instance_offset
    copy.hide_render, copy.hide_viewport = one.hide_render, one.hide_viewport
    copy[STANDS_FOR] = one
    return copy


def _owners() -> list[bpy.types.Collection]:
    """Every local collection, those of scenes included."""
    scenes = [one.collection for one in bpy.data.scenes if one.library is None]
    return scenes + [one for one in bpy.data.collections if one.library is None]


def _nearest(rows: list[tuple[np.ndarray, float]], matrix: tuple[float, ...]) -> float | None:
    """The number of the row whose matrix is ``matrix``, to rounding."""
    wanted = np.array(matrix)
    tolerance = 1e-4 * max(1.0, float(np.abs(wanted).max()))
    best = min(rows, key=lambda row: float(np.abs(row[0] - wanted).max()), default=None)
    return best[1] if best and np.abs(best[0] - wanted).max() <= tolerance else None
