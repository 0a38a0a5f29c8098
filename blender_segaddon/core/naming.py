"""Object → class by what people called it. What no name tells has no class; nothing is guessed silently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .maps import NO_CLASS
from .vocabulary import Vocabulary
from .words import Match, lexicon, split


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


@dataclass(frozen=True)
class ClassMatch:
    """The class of an object, or that it has none, and why."""

    class_id: int
    """index in the vocabulary, or ``NO_CLASS``"""
    class_name: str | None
    source: str
    """"object name", "instancer name", "data name", "parent name", "collection name", "material name", "none", or
    what ``NameEvidence.explicit`` says; "unknown class 'x' (object property)" for one that the vocabulary lacks"""
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
_RANK_SCORE = {3: 1.0, 2: 0.9, 1: 0.5}
_AROUND = ("instancer name", "parent name", "collection name")


def classify(evidence: NameEvidence, vocabulary: Vocabulary) -> ClassMatch:
    """The class of an object: explicit first, else the best of what its names say; ``NO_MATCH`` where none says any.

    A name of the object itself that is known to fit no class ("Dumbbell") ends the search.
    """
    for source, name in evidence.explicit:
        return _explicit(source, name, vocabulary)
    best = NO_MATCH
    for source, match in _candidates(evidence, vocabulary.name):
        if match.meaning.class_id == NO_CLASS:
            if source == "object name":
                return NO_MATCH
            continue
        score = _TRUST[source] * _RANK_SCORE[match.meaning.rank]
        if score > best.score:
            found = vocabulary.classes[match.meaning.class_id]
            best = ClassMatch(found.id, found.name, source, round(score, 3))
    return best


def _explicit(source: str, name: str, vocabulary: Vocabulary) -> ClassMatch:
    found = vocabulary.find(name)
    if found is not None:
        return ClassMatch(found.id, found.name, source, 1.0)
    if name.strip().lower() == "none":
        return ClassMatch(NO_CLASS, None, source, 1.0)
    return ClassMatch(NO_CLASS, None, f"unknown class {name!r} ({source})", 0.0)


def _candidates(evidence: NameEvidence, vocabulary: str) -> Iterator[tuple[str, Match]]:
    """What each name says, names of the object itself first."""
    own = lexicon(vocabulary).says_nothing(split(evidence.object))
    sources = (
        ("object name", (evidence.object,)),
        ("instancer name", (evidence.instancer,)),
        ("data name", (evidence.data,)),
        ("parent name", evidence.parents),
        ("collection name", evidence.collections),
        ("material name", _agreeing(evidence.materials, vocabulary)),
    )
    for source, names in sources:
        for name in names:
            match = read_name(name, vocabulary)
            if match is None or (source == "material name" and match.meaning.rank == 1):
                continue
            # A mailbox in the collection "Street" stands there; it is no street.
            if own or source not in _AROUND or match.meaning.rank == 3:
                yield source, match


def _agreeing(materials: tuple[str, ...], vocabulary: str) -> tuple[str, ...]:
    """One material name if all that say something say the same, else none: a house of brick, grass and glass is none
    of them."""
    told = {match.meaning.class_id: name for name in materials if (match := read_name(name, vocabulary)) is not None}
    return tuple(told.values()) if len(told) == 1 else ()


@lru_cache(maxsize=8192)
def read_name(name: str, vocabulary: str) -> Match | None:
    """The word of a name that tells the class, None if none does; ``class_id`` is ``NO_CLASS`` for a known misfit.

    Things win over the places they stand at (wall_clock, ClockWall), then the last word wins (CoffeeTable,
    HouseWallB), except that what follows "with" or "of", and plurals added to a thing, are accessories
    (Wall_With_Door, armchair_pillows, road-straight-lightposts).
    """
    words, known = split(name), lexicon(vocabulary)
    matches = _without_accessories(known.find(words), [word in known.links for word in words])
    return max(matches, key=lambda one: (one.meaning.rank, one.start), default=None)


def _without_accessories(matches: list[Match], is_link: list[bool]) -> list[Match]:
    if len(matches) < 2:
        return matches
    first, kept = matches[0], matches[:1]
    for one in matches[1:]:
        if any(is_link[kept[-1].end : one.start]):
            break
        if one.plural and not first.plural and (first.meaning.rank == 3 or one.start > first.end):
            continue
        kept.append(one)
    return kept
