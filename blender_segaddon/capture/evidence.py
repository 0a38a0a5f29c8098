"""What the user's data says about one instance: names and labels for the class, the user's own words, its box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import bpy
import numpy as np

from ..core import vocabulary as vocabularies
from ..core.naming import IFC, ClassMatch, NameEvidence, classify
from ..core.vocabulary import Vocabulary
from .instances import Row

CLASS_PROPERTY = "seg_class"
"""Custom property of an object, collection or material: its class by name, or "none"."""
TEXT_PROPERTY = "seg_text"
"""Custom property of an object, collection or material: free words for the prompt."""

Shown = tuple[bpy.types.Material, ...] | None
"""The materials that are seen of an instance; None: all that it has"""

_IFC_KEYS = ("ifcclass", "ifc_class", "ifcentity", "ifc_entity", "ifctype")
_IFC_TYPE_KEYS = ("predefinedtype", "predefined_type", "ifc_predefined_type", "ifcpredefinedtype")
_LABEL_KEYS = (
    *("class", "class_name", "classname", "object_class", "category", "category_name", "object_category"),
    *("semantic", "semantic_class", "semantic_label", "semantics", "label", "object_type"),
)
"""Custom properties, lower case, by which other programs say what a thing is; glTF extras become such."""


def class_of(one: bpy.types.Object, vocabulary: str = "ade20k") -> ClassMatch:
    """What a capture would take an object for. Raises InvalidInput for an unknown vocabulary."""
    return classes_of([one], vocabulary)[0]


def classes_of(objects: Iterable[bpy.types.Object], vocabulary: str = "ade20k") -> list[ClassMatch]:
    """``class_of`` for many objects at once. Raises InvalidInput for an unknown vocabulary."""
    reader, classes = EvidenceReader(), vocabularies.load(vocabulary)
    return [reader.match(Row(one, None, (), (), (0.0, 0.0, 0.0), 0), classes) for one in objects]


def text_of(one: bpy.types.Object) -> str:
    """The words for the prompt that a capture would give an object, "" for none."""
    return EvidenceReader().text(Row(one, None, (), (), (0.0, 0.0, 0.0), 0))


def is_around(row: Row, point: np.ndarray) -> bool:
    """Whether a world-space point lies inside the box of an instance. Flat things contain nothing."""
    corners = np.array(row.object.bound_box, np.float64)
    matrix = np.array(row.matrix_world, np.float64).reshape(4, 4)
    if abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
        return False
    local = np.linalg.solve(matrix, np.append(point, 1.0))[:3]
    return bool((corners.min(axis=0) < local).all() and (local < corners.max(axis=0)).all())


class EvidenceReader:
    """Reads evidence; remembers what collections lie in each other, which Blender answers slowly."""

    def __init__(self) -> None:
        self._parents: dict[bpy.types.Collection, list[bpy.types.Collection]] = {}
        for parent in bpy.data.collections:
            for child in parent.children:
                self._parents.setdefault(child, []).append(parent)
        self._collections: dict[bpy.types.Object, tuple[bpy.types.Collection, ...]] = {}
        self._matches: dict[tuple[object, ...], ClassMatch] = {}

    def match(self, row: Row, vocabulary: Vocabulary, shown: Shown = None) -> ClassMatch:
        """The class of an instance, or of what it shows of some materials; all that one object makes of another have
        the same. One vocabulary a reader."""
        key = row.object, row.instancer, shown
        if key not in self._matches:
            self._matches[key] = classify(self.evidence(row, shown), vocabulary)
        return self._matches[key]

    def evidence(self, row: Row, shown: Shown = None) -> NameEvidence:
        """The names around an instance and the classes that the user gave, strongest first."""
        collections = self._collections_of(row)
        return NameEvidence(
            object=row.object.name,
            data=row.object.data.name if row.object.data else "",
            parents=tuple(_parents(row.object)),
            collections=tuple(one.name for one in collections),
            materials=tuple(one.name for one in _shown(row, shown)),
            instancer=row.instancer.name if row.instancer else "",
            explicit=tuple(self._given(row, CLASS_PROPERTY, shown)),
            labels=tuple(self._labels(row, shown)),
        )

    def text(self, row: Row, shown: Shown = None) -> str:
        """The user's free words for an instance, "" if there are none."""
        return next((text for _, text in self._given(row, TEXT_PROPERTY, shown)), "")

    def _given(self, row: Row, name: str, shown: Shown) -> Iterator[tuple[str, str]]:
        """(source, value) of a custom property: instancer, object, collections from the nearest up, materials."""
        sources: list[tuple[str, bpy.types.ID]] = []
        if row.instancer is not None:
            sources.append(("instancer property", row.instancer))
        sources.append(("object property", row.object))
        sources += [("collection property", one) for one in self._collections_of(row)]
        sources += [("material property", one) for one in _shown(row, shown)]
        for source, owner in sources:
            value = owner.get(name)
            if isinstance(value, str) and value.strip():
                yield source, value.strip()

    def _labels(self, row: Row, shown: Shown) -> Iterator[tuple[str, str]]:
        """(source, label) by the user's words, asset libraries and other programs, the strongest source first."""
        if text := self.text(row, shown):
            yield "text", text
        owners = [one for one in (row.instancer, row.object, row.object.data) if one is not None]
        libraries = [one.instance_collection for one in owners if getattr(one, "instance_collection", None)]
        for one in (*owners, *libraries):
            if one.asset_data is not None:
                yield from (("asset tag", tag.name) for tag in one.asset_data.tags)
        for one in owners:
            yield from _properties(one)

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


def _properties(owner: bpy.types.ID) -> Iterator[tuple[str, str]]:
    values = {key.lower(): owner[key] for key in owner.keys()}  # noqa: SIM118  # an ID is no mapping
    texts = {key: value for key, value in values.items() if isinstance(value, str) and value.strip()}
    entity = next((texts[key] for key in _IFC_KEYS if key in texts), "")
    if entity:
        predefined = next((texts[key] for key in _IFC_TYPE_KEYS if key in texts), "")
        yield IFC, f"{entity}.{predefined}"
    yield from ((f"property '{key}'", texts[key]) for key in _LABEL_KEYS if key in texts)


def _parents(one: bpy.types.Object) -> Iterator[str]:
    while one.parent is not None:
        one = one.parent
        yield one.name


def _shown(row: Row, shown: Shown) -> list[bpy.types.Material]:
    return materials_of(row.object) if shown is None else list(shown)


def materials_of(one: bpy.types.Object) -> list[bpy.types.Material]:
    """The materials of an object's slots, each once."""
    return list(dict.fromkeys(slot.material for slot in one.material_slots if slot.material))
