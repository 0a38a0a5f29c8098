"""What the user's data says about one instance: names for the class, and the user's own words."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..core import vocabulary as vocabularies
from ..core.naming import ClassMatch, NameEvidence, classify
from .instances import Row

CLASS_PROPERTY = "seg_class"
"""Custom property of an object, collection or material: its class by name, or "none"."""
TEXT_PROPERTY = "seg_text"
"""Custom property of an object, collection or material: free words for the prompt."""


def class_of(one: bpy.types.Object, vocabulary: str = "ade20k") -> ClassMatch:
    """What a capture would take an object for. Raises InvalidInput for an unknown vocabulary."""
    row = Row(one, None, (), (), (0.0, 0.0, 0.0), 0)
    return classify(EvidenceReader().evidence(row), vocabularies.load(vocabulary))


class EvidenceReader:
    """Reads evidence; remembers what collections lie in each other, which Blender answers slowly."""

    def __init__(self) -> None:
        self._parents: dict[bpy.types.Collection, list[bpy.types.Collection]] = {}
        for parent in bpy.data.collections:
            for child in parent.children:
                self._parents.setdefault(child, []).append(parent)
        self._collections: dict[bpy.types.Object, tuple[bpy.types.Collection, ...]] = {}

    def evidence(self, row: Row) -> NameEvidence:
        """The names around an instance and the classes that the user gave, strongest first."""
        collections = self._collections_of(row)
        return NameEvidence(
            object=row.object.name,
            data=row.object.data.name if row.object.data else "",
            parents=tuple(_parents(row.object)),
            collections=tuple(one.name for one in collections),
            materials=tuple(one.name for one in _materials(row.object)),
            instancer=row.instancer.name if row.instancer else "",
            explicit=tuple(self._given(row, CLASS_PROPERTY)),
        )

    def text(self, row: Row) -> str:
        """The user's free words for an instance, "" if there are none."""
        return next((text for _, text in self._given(row, TEXT_PROPERTY)), "")

    def _given(self, row: Row, name: str) -> Iterator[tuple[str, str]]:
        """(source, value) of a custom property: instancer, object, collections from the nearest up, materials."""
        sources: list[tuple[str, bpy.types.ID]] = []
        if row.instancer is not None:
            sources.append(("instancer property", row.instancer))
        sources.append(("object property", row.object))
        sources += [("collection property", one) for one in self._collections_of(row)]
        sources += [("material property", one) for one in _materials(row.object)]
        for source, owner in sources:
            value = owner.get(name)
            if isinstance(value, str) and value.strip():
                yield source, value.strip()

    def _collections_of(self, row: Row) -> tuple[bpy.types.Collection, ...]:
        own = self._around(row.object)
        above = self._around(row.instancer) if row.instancer is not None else ()
        return tuple(dict.fromkeys(own + above))

    def _around(self, one: bpy.types.Object) -> tuple[bpy.types.Collection, ...]:
        """The collections that an object is in, the nearest first, then theirs; without the scenes' own."""
        if one not in self._collections:
            found = [each for each in one.users_collection if not each.is_embedded_data]
            for each in found:  # grows as it goes
                found += [parent for parent in self._parents.get(each, ()) if parent not in found]
            self._collections[one] = tuple(found)
        return self._collections[one]


def _parents(one: bpy.types.Object) -> Iterator[str]:
    while one.parent is not None:
        one = one.parent
        yield one.name


def _materials(one: bpy.types.Object) -> list[bpy.types.Material]:
    return list(dict.fromkeys(slot.material for slot in one.material_slots if slot.material))
