"""Object → class by what people called it. What no name tells has no class; nothing is guessed silently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from . import ifc
from .maps import NO_CLASS
from .vocabulary import Vocabulary, VocabularyClass
from .words import Match, class_from_ade20k, lexicon, split

IFC = "IFC class"
"""Source of a label that is an entity of IFC, with its PredefinedType after a dot if it has one."""


@dataclass(frozen=True)
class NameEvidence:
    """All names around one object, as they stand in Blender."""

    object: str = ""
    data: str = ""
    """of its mesh, curve, …"""
    parents: tuple[str, ...] = ()
    """from the nearest up"""
    collections: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    instancer: str = ""
    explicit: tuple[tuple[str, str], ...] = ()
    """(source, class name) that the user gave, the first counts: (("object property", "road"),).
    The class name "none" means that it shall have none."""
    labels: tuple[tuple[str, str], ...] = ()
    """(source, label) that other programs or an asset library gave, strongest source first: (("asset tag", "chair"),
    (``IFC``, "IfcSlab.ROOF"))."""


@dataclass(frozen=True)
class ClassMatch:
    """The class of an object, or that it has none, and why."""

    class_id: int
    """index in the vocabulary, or ``NO_CLASS``"""
    class_name: str | None
    source: str
    """"object name", "instancer name", "data name", "parent name", "collection name", "material name", "geometry",
    "none", or what ``NameEvidence.explicit`` and ``labels`` say; without a class: the source that says that no class
    fits, or "unknown class 'x' (object property)" for one that the vocabulary lacks"""
    score: float
    """0 .. 1; 1 for explicit and plain names, 0 for none"""


NO_MATCH = ClassMatch(NO_CLASS, None, "none", 0.0)

# How far a name of this source tells what the object itself is.
_TRUST = {
    "object name": 1.0,
    "instancer name": 0.95,
    "data name": 0.8,
    "parent name": 0.7,
    "collection name": 0.6,
    "material name": 0.4,
}
_LABEL_TRUST = 0.95
_RANK_SCORE = {3: 1.0, 2: 0.9, 1: 0.5}
_AROUND = ("instancer name", "parent name", "collection name")

_SEGMENTS = re.compile(r"\s[-–|]\s|[:,(|]")
"""Between what a thing is and its sort: "Table - Oak", "Railing:900mm Pipe", "Basic Wall (outer)"."""


def classify(evidence: NameEvidence, vocabulary: Vocabulary) -> ClassMatch:
    """The class of an object: explicit first, then labels of other programs, else the best of what its names say.

    ``NO_MATCH`` where nothing says any; a name of the object itself that is known to fit no class ("Dumbbell") ends
    the search.
    """
    for source, name in evidence.explicit:
        return _explicit(source, name, vocabulary)
    return _labelled(evidence, vocabulary) or _named(evidence, vocabulary)


def _explicit(source: str, name: str, vocabulary: Vocabulary) -> ClassMatch:
    found = vocabulary.find(name)
    if found is None and vocabulary.name != "ade20k":  # set for one vocabulary, captured with another
        found = _class(class_from_ade20k(name, vocabulary), vocabulary)
    if found is not None:
        return ClassMatch(found.id, found.name, source, 1.0)
    if name.strip().lower() == "none":
        return ClassMatch(NO_CLASS, None, source, 1.0)
    return ClassMatch(NO_CLASS, None, f"unknown class {name!r} ({source})", 0.0)


def _labelled(evidence: NameEvidence, vocabulary: Vocabulary) -> ClassMatch | None:
    """What the first label that says something says; labels of one source must agree. None where none does."""
    sources = dict.fromkeys(source for source, _ in evidence.labels)
    for source in (*sources, IFC):
        texts = [text for named, text in evidence.labels if named == source]
        if source == IFC:
            texts = texts or [ifc.parse(evidence.object)[0]]
        told = {one for text in texts if (one := _read_label(source, text, vocabulary)) is not None}
        if len(told) == 1:
            found = _class(told.pop(), vocabulary)
            return ClassMatch(NO_CLASS, None, source, 0.0) if found is None else _match(found, source, _LABEL_TRUST)
    return None


def _read_label(source: str, text: str, vocabulary: Vocabulary) -> int | None:
    """Index of a class, ``NO_CLASS`` for what is known to fit none, None for what says nothing."""
    if source == IFC:
        entity, _, predefined = text.partition(".")
        name = ifc.class_name(entity, predefined)
        return None if name is None else class_from_ade20k(name, vocabulary)
    found = vocabulary.find(text)
    if found is not None:
        return found.id
    match = read_name(text, vocabulary)
    return None if match is None or match.meaning.rank == 1 else match.meaning.class_id


def _named(evidence: NameEvidence, vocabulary: Vocabulary) -> ClassMatch:
    best = NO_MATCH
    for source, match in _candidates(evidence, vocabulary):
        found = _class(match.meaning.class_id, vocabulary)
        if found is None:
            if source == "object name" and match.meaning.rank > 1:
                return ClassMatch(NO_CLASS, None, source, 0.0)
            continue
        score = _TRUST[source] * _RANK_SCORE[match.meaning.rank]
        if score > best.score:
            best = _match(found, source, score)
    return best


def _match(found: VocabularyClass, source: str, score: float) -> ClassMatch:
    return ClassMatch(found.id, found.name, source, round(score, 3))


def _class(class_id: int, vocabulary: Vocabulary) -> VocabularyClass | None:
    return None if class_id == NO_CLASS else vocabulary.classes[class_id]


def _candidates(evidence: NameEvidence, vocabulary: Vocabulary) -> Iterator[tuple[str, Match]]:
    """What each name says, names of the object itself first."""
    own = ifc.parse(evidence.object)[1]
    silent = lexicon(vocabulary).says_nothing(split(own))
    sources = (
        ("object name", (own,)),
        ("instancer name", _things_only((evidence.instancer,))),
        ("data name", (ifc.parse(evidence.data)[1],)),
        ("parent name", _things_only(evidence.parents)),
        ("collection name", _things_only(evidence.collections)),
        ("material name", _agreeing(evidence.materials, vocabulary)),
    )
    for source, names in sources:
        for name in names:
            match = read_name(name, vocabulary)
            if match is None or (source == "material name" and match.meaning.rank == 1):
                continue
            # A mailbox in the collection "Street" stands there; it is no street.
            if silent or source not in _AROUND or match.meaning.rank == 3:
                yield source, match


def _things_only(names: tuple[str, ...]) -> tuple[str, ...]:
    """Without the building and the storey of a building model, in which everything stands."""
    return tuple(ifc.parse(name)[1] for name in names if not ifc.is_spatial(name))


def _agreeing(materials: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    """One material name if all that say something say the same, else none: a house of brick, grass and glass is none
    of them."""
    told = {match.meaning.class_id: name for name in materials if (match := read_name(name, vocabulary)) is not None}
    return tuple(told.values()) if len(told) == 1 else ()


@lru_cache(maxsize=8192)
def read_name(name: str, vocabulary: Vocabulary) -> Match | None:
    """The word of a name that tells the class, None if none does; ``class_id`` is ``NO_CLASS`` for a known misfit.

    Things win over the places they stand at (wall_clock, ClockWall); then what comes before a separator (Railing:Pipe);
    then the last word (CoffeeTable, HouseWallB), in Romance languages the first (Chaise_bureau), except that what
    follows "with" or "of", and plurals added to a thing, are accessories (Wall_With_Door, armchair_pillows,
    road-straight-lightposts).
    """
    told: list[Match] = []
    for part in _SEGMENTS.split(name):
        match = _read_segment(part, vocabulary, bool(told))
        told += [] if match is None else [match]
    return max(told, key=lambda one: one.meaning.rank, default=None)  # of several the first


def _read_segment(text: str, vocabulary: Vocabulary, is_detail: bool) -> Match | None:
    words, known = split(text.replace("w/", "with ")), lexicon(vocabulary)
    links = [word in known.links for word in words]
    if is_detail and any(links):  # "Table - Dining w/ Chairs"
        words = words[: links.index(True)]
    matches = _without_accessories(known.find(words), links)
    rank = max((one.meaning.rank for one in matches), default=0)
    top = [one for one in matches if one.meaning.rank == rank]
    if not top:
        return None
    found = top[0] if top[0].leads else top[-1]
    stands_before = any(len(word) > 3 and not known.knows(word) for word in words[found.end :])
    return None if found.meaning.kind == "venue" and stands_before else found


def _without_accessories(matches: list[Match], is_link: list[bool]) -> list[Match]:
    if len(matches) < 2:
        return matches
    first, kept = matches[0], matches[:1]
    for one in matches[1:]:
        if any(is_link[kept[-1].end : one.start]):
            break
        after_thing = any(before.meaning.rank == 3 for before in kept)
        if one.meaning.kind == "sort" and after_thing:
            continue
        is_accessory = one.plural and not first.plural and one.meaning.rank == 3
        if is_accessory and (after_thing or one.start > first.end):
            continue
        kept.append(one)
    return kept
