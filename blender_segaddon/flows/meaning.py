"""What the user says that things are: classes and free words, as custom properties that travel with the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import bpy

from ..capture.evidence import CLASS_PROPERTY, TEXT_PROPERTY, classes_of
from ..core import vocabulary as vocabularies
from ..core.stems import copy_stem, grouped
from ..protocol.errors import InvalidInput, SceneError

TARGETS = ("SELECTED", "COPIES", "COLLECTION", "MATERIAL")
"""On the objects; on them, their numbered copies and their linked duplicates; on their collections; on their
materials."""
_TELLING = ("MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "VOLUME", "POINTCLOUD", "GREASEPENCIL", "GPENCIL")
"""Types of objects that a picture can show; an empty that instances a collection can too."""
MAX_TEXT = 1000
"""letters; longer texts are no words for a region"""


@dataclass(frozen=True)
class Group:
    """Objects of one stem whose names tell no class."""

    stem: str
    objects: tuple[str, ...]
    """their names, in the order of the scene"""


def set_class(
    objects: Sequence[bpy.types.Object], class_name: str | None, to: str = "SELECTED", vocabulary: str = "ade20k"
) -> int:
    """Say what things are; None lets names decide again, "none" means no class. How many data-blocks were changed.

    Raises:
        InvalidInput: a class that the vocabulary lacks, an unknown target.
        SceneError: no object, none with such a target, or all of it is linked from another file.
    """
    if class_name is not None and class_name.strip().lower() != "none":
        class_name = vocabularies.load(vocabulary).lookup(class_name).name
    return _give(objects, CLASS_PROPERTY, class_name, to)


def set_text(objects: Sequence[bpy.types.Object], text: str, to: str = "SELECTED") -> int:
    """Describe things in free words for the prompt of their regions; "" takes the words away. Counts as ``set_class``.

    Raises: as ``set_class``; InvalidInput also for a text of more than ``MAX_TEXT`` letters.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"Words cannot be {text!r}", "Give a text")
    words = " ".join(text.split())
    if len(words) > MAX_TEXT:
        raise InvalidInput(f"A description of {len(words)} letters is too long", f"Use at most {MAX_TEXT}")
    return _give(objects, TEXT_PROPERTY, words or None, to)


def unclassed(scene: bpy.types.Scene, vocabulary: str = "ade20k") -> list[Group]:
    """The objects of a scene whose class nobody knows and nobody has described, grouped by the stem of their names,
    the largest group first. Raises InvalidInput for an unknown vocabulary.
    """
    shown = [one for one in scene.objects if one.type in _TELLING and not one.hide_render]
    silent = [
        one.name
        for one, match in zip(shown, classes_of(shown, vocabulary), strict=True)
        if match.class_name is None and match.source == "none" and not one.get(TEXT_PROPERTY)
    ]
    return [Group(stem, names) for stem, names in grouped(silent)]


def copies_of(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """The objects with all numbered copies (House.001) and linked duplicates of them in the file."""
    objects = list(objects)
    stems = {copy_stem(one.name) for one in objects}
    shared = {one.data for one in objects if one.data is not None}
    found = [one for one in bpy.data.objects if copy_stem(one.name) in stems or one.data in shared]
    return list(dict.fromkeys(objects + found))


def _give(objects: Sequence[bpy.types.Object], name: str, value: str | None, to: str) -> int:
    owners = _owners(list(objects), to)
    editable = [one for one in owners if one.library is None]
    if owners and not editable:
        raise SceneError(
            f"{owners[0].name!r} is linked from another file", "Make a library override of it, or say it in that file"
        )
    for one in editable:
        if value is None:
            if name in one:
                del one[name]
        else:
            one[name] = value
        one.update_tag()
    return len(editable)


def _owners(objects: list[bpy.types.Object], to: str) -> list[bpy.types.ID]:
    if to not in TARGETS:
        raise InvalidInput(f"Unknown target {to!r}", f"Choose one of: {', '.join(TARGETS)}")
    if not objects:
        raise SceneError("No object is selected", "Select the objects first")
    found: list[bpy.types.ID] = objects
    if to == "COPIES":
        found = copies_of(objects)
    elif to == "COLLECTION":
        found = [each for one in objects for each in one.users_collection if not each.is_embedded_data]
    elif to == "MATERIAL":
        found = [slot.material for one in objects for slot in one.material_slots if slot.material]
    if not found:
        raise SceneError(f"{objects[0].name!r} has no {to.lower()} of its own", "Choose another target")
    return list(dict.fromkeys(found))
