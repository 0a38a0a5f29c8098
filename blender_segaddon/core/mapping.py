"""From one vocabulary to another: which class is which, and maps told in the classes of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .maps import NO_CLASS, Instance, Part, SceneMaps
from .naming import NameEvidence, classify, read_name
from .vocabulary import Vocabulary, VocabularyClass, load
from .words import class_from_ade20k


@dataclass(frozen=True, eq=False)
class Mapping:
    """Classes of one vocabulary as those of another."""

    source: Vocabulary
    target: Vocabulary
    table: np.ndarray
    """uint16, read-only, ``NO_CLASS`` + 1 long: index in ``source`` → index in ``target``, ``NO_CLASS`` where no class
    of ``target`` fits; ``NO_CLASS`` stays"""

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Names of the classes of ``source`` that none of ``target`` fits."""
        return tuple(one.name for one in self.source.classes if self.table[one.id] == NO_CLASS)

    def to_dict(self) -> dict[str, str | None]:
        """Names of ``source`` → names of ``target``, None for the unmapped."""
        found = ((one.name, int(self.table[one.id])) for one in self.source.classes)
        return {name: None if id == NO_CLASS else self.target.classes[id].name for name, id in found}


def mapping(source: str, target: str) -> Mapping:
    """How two vocabularies correspond: by names and synonyms, by the table between ADE20K and COCO, by what the words
    of a name mean. Cached. Raises InvalidInput for an unknown vocabulary.
    """
    return _mapping(load(source), load(target))


@lru_cache(maxsize=16)
def _mapping(source: Vocabulary, target: Vocabulary) -> Mapping:
    table = np.full(NO_CLASS + 1, NO_CLASS, np.uint16)
    for one in source.classes:
        table[one.id] = one.id if source is target else _translated(one, source, target)
    table.setflags(write=False)
    return Mapping(source, target, table)


def _translated(one: VocabularyClass, source: Vocabulary, target: Vocabulary) -> int:
    names = (one.name, *one.synonyms)
    found = next((known for name in names if (known := target.find(name)) is not None), None)
    if found is not None:
        return found.id
    ade20k = load("ade20k")
    pivot = one if source is ade20k else next((known for name in names if (known := ade20k.find(name))), None)
    if pivot is None:
        read = read_name(one.name, ade20k)
        pivot = ade20k.classes[read.meaning.class_id] if read and read.meaning.class_id != NO_CLASS else None
    over_ade20k = NO_CLASS if pivot is None else class_from_ade20k(pivot.name, target)
    if over_ade20k != NO_CLASS:
        return over_ade20k
    read = read_name(one.name, target)
    return NO_CLASS if read is None else read.meaning.class_id


def in_vocabulary(maps: SceneMaps, name: str) -> SceneMaps:
    """The same maps in the classes of another vocabulary: class map, legend and background.

    Where no class of it fits, the names of the object decide; else there is none, and ``class_source`` says so.

    Raises:
        InvalidInput: an unknown vocabulary.
    """
    to = mapping(maps.vocabulary, name)
    if to.source is to.target:
        return maps
    instances = tuple(_retold(one, to) for one in maps.instances)
    by_class = [int(to.table[one.class_id]) for one in maps.instances]
    changed = {one.id: one.class_id for one, id in zip(instances, by_class, strict=True) if one.class_id != id}
    class_map = to.table[maps.class_map]
    for id, class_id in changed.items():
        class_map[(maps.instance_map == id) & (maps.class_map == maps.instances[id - 1].class_id)] = class_id
    background = to.to_dict().get(maps.background) or ""
    return replace(maps, instances=instances, class_map=class_map, vocabulary=to.target.name, background=background)


def _retold(one: Instance, to: Mapping) -> Instance:
    parts = tuple(_retold_part(part, to) for part in one.parts)
    return replace(_retold_whole(one, to), parts=parts)


def _retold_part(one: Part, to: Mapping) -> Part:
    id = NO_CLASS if one.class_id == NO_CLASS else int(to.table[one.class_id])
    return replace(one, class_id=id, class_name=None if id == NO_CLASS else to.target.classes[id].name)


def _retold_whole(one: Instance, to: Mapping) -> Instance:
    if one.class_id == NO_CLASS:
        return one
    id = int(to.table[one.class_id])
    if id != NO_CLASS:
        return replace(one, class_id=id, class_name=to.target.classes[id].name)
    match = classify(NameEvidence(object=one.object, instancer=one.instancer), to.target)
    if match.class_name is not None:
        return replace(
            one,
            class_id=match.class_id,
            class_name=match.class_name,
            class_source=match.source,
            class_score=match.score,
        )
    source = f"{to.target.title} has no {one.class_name!r}"
    return replace(one, class_id=NO_CLASS, class_name=None, class_source=source, class_score=0.0)
