"""The scene that a window shows, ready to be drawn as ids, kept up to date as somebody works in it."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ...core import vocabulary as vocabularies
from ...core.naming import ClassMatch
from ..evidence import CLASS_PROPERTY, TEXT_PROPERTY, EvidenceReader
from ..instances import Row, collect
from .canvas import Crowd
from .shapes import Shapes
from .stage import view_stage

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Thing:
    """One instance, by names: references would not survive an undo."""

    object: str
    """of the prototype where it is instanced"""
    instancer: str
    """"" for an object itself"""
    library: str
    match: ClassMatch

    def find(self) -> bpy.types.Object | None:
        """The object that is seen; None if it is gone."""
        return bpy.data.objects.get((self.object, self.library or None))

    def holder(self) -> bpy.types.Object | None:
        """The object whose visibility counts: itself, or its instancer; None if it is gone."""
        return bpy.data.objects.get(self.instancer) if self.instancer else self.find()

    def told_by(self, scene: bpy.types.Scene) -> bpy.types.Object | None:
        """The object of the scene that can say what this is. An instanced collection is one thing as a whole; what is
        scattered is what its prototype is, if that stands in the scene. None if it is gone."""
        instancer = scene.objects.get(self.instancer)
        if instancer is not None and instancer.instance_type == "COLLECTION":
            return instancer
        return scene.objects.get(self.object) or instancer


class LiveScene:
    """One view layer of one scene. ``update`` before each look; cheap while nothing changes."""

    def __init__(self, vocabulary: str = "ade20k") -> None:
        self.things: list[Thing] = []
        """``things[id - 1]`` is what an id stands for"""
        self.crowd = Crowd.of([])
        self.version = 0
        """rises with each change"""
        self._vocabulary = vocabularies.load(vocabulary)
        self._shapes = Shapes(normals=False)
        self._stale: set[_Key] = set()
        self._changed = True
        self._matches: dict[tuple[object, ...], ClassMatch] = {}

    def note(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Blender has evaluated something anew (for its handlers of that)."""
        self._changed = True
        for update in depsgraph.updates:
            if update.is_updated_geometry:
                self._stale.add(_key(update.id.original))
            elif not update.is_updated_transform:  # names, collections, properties
                self._matches.clear()

    def forget(self) -> None:
        """Nothing holds any more: after an undo."""
        self._shapes = Shapes(normals=False)
        self.forget_names()

    def forget_names(self) -> None:
        """What things are called, or are said to be, may have changed."""
        self._matches.clear()
        self._changed = True

    def update(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Take over what has changed since the last time."""
        if not self._changed:
            return
        rows = collect(depsgraph)
        self.crowd = view_stage(depsgraph, rows, self._shapes, self._is_stale).crowd
        self.things = self._name(rows)
        self._stale, self._changed = set(), False
        self.version += 1

    def crowd_in(self, space: bpy.types.SpaceView3D, depsgraph: bpy.types.Depsgraph) -> Crowd:
        """What one viewport shows: its local view, local collections and object types count.

        Args:
            depsgraph: the one of the last ``update``; on Blender 4.3 only evaluated objects know their local views.
        """
        if not any(viewport_state(space)):
            return self.crowd
        shown: dict[Thing, bool] = {}
        for thing in self.things:
            if thing not in shown:
                holder = thing.holder()
                shown[thing] = holder is not None and holder.evaluated_get(depsgraph).visible_in_viewport_get(space)
        seen = np.array([False, *(shown[thing] for thing in self.things)], bool)
        return self.crowd.only(seen[self.crowd.ids])

    def _is_stale(self, one: bpy.types.Object) -> bool:
        return bool(self._stale) and (
            _key(one) in self._stale or (one.data is not None and _key(one.data) in self._stale)
        )

    def _name(self, rows: list[Row]) -> list[Thing]:
        reader: EvidenceReader | None = None
        things = []
        for row in rows:
            instancer, name, library, _ = row.order
            owners = [one for one in (row.object, row.instancer) if one is not None]
            given = [one.get(key) for one in owners for key in (CLASS_PROPERTY, TEXT_PROPERTY)]
            key = (instancer, name, library, *given)
            if key not in self._matches:
                reader = reader or EvidenceReader()
                self._matches[key] = reader.match(row, self._vocabulary)
            things.append(Thing(name, instancer, library, self._matches[key]))
        return things


def _key(one: bpy.types.ID) -> _Key:
    return type(one).__name__, one.name, one.library.filepath if one.library else ""


def viewport_state(space: bpy.types.SpaceView3D) -> tuple[bool, ...]:
    """What makes one viewport show less than others; all False where nothing does."""
    kinds = ("mesh", "curve", "surf", "meta", "font")
    hidden = (not getattr(space, f"show_object_viewport_{kind}") for kind in kinds)
    return space.local_view is not None, space.use_local_collections, *hidden
