"""Which object of a scene a person would most likely want to retouch."""

from __future__ import annotations

from .maps import NO_CLASS, Instance, SceneMaps
from .vocabulary import Vocabulary, load


def largest_thing(maps: SceneMaps) -> Instance | None:
    """The visible instance with most pixels that is a thing; failing that a structure (building, tree, bridge …).

    Never a surface (wall, floor, sky, ground, road and the like), never an instance without a class.
    None when there is none. Ties go to the lower id.
    """
    vocabulary = load(maps.vocabulary)
    known = [one for one in maps.instances if one.class_id != NO_CLASS and one.pixels > 0]
    things = [one for one in known if _rank(one, vocabulary) == 2]
    structures = [one for one in known if _rank(one, vocabulary) == 1]
    return max(things or structures, key=lambda one: (one.pixels, -one.id), default=None)


def _rank(instance: Instance, vocabulary: Vocabulary) -> int:
    """2 = thing, 1 = structure, 0 = surface."""
    found = vocabulary.classes[instance.class_id]
    return 0 if found.is_surface else 2 if found.is_thing else 1
