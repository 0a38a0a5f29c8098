"""A prompt out of the legend, for people who leave theirs empty: "a street with houses, trees and a red car"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .mapping import mapping
from .maps import NO_CLASS, Instance, SceneMaps
from .naming import read_name
from .vocabulary import load

_MOST = 8
"""things that are named; a prompt of more is not followed"""
_LEAST = 0.002
"""of the picture; smaller things are only named where the artist described them"""

_PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a bathroom", ("toilet", "bathtub", "shower")),
    ("a kitchen", ("stove", "oven", "refrigerator", "kitchen island", "dishwasher", "countertop")),
    ("a bedroom", ("bed",)),
    ("a living room", ("sofa", "fireplace", "coffee table", "armchair", "television receiver")),
    ("a library", ("bookcase",)),
    ("an office", ("swivel chair", "desk")),
    ("a dining room", ("table",)),
    ("a room", ("floor", "ceiling", "wall")),
)
"""What a room is called by what stands in it; the first that fits. Only indoors."""
_LANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("an airfield", ("runway", "airplane")),
    ("a harbour", ("pier", "ship")),
    ("a street", ("road", "sidewalk")),
    ("a beach", ("sand",)),
    ("a coast", ("sea",)),
    ("a lake", ("lake",)),
    ("a river", ("river", "waterfall")),
    ("a mountain landscape", ("mountain",)),
    ("a town", ("building", "house", "skyscraper", "tower")),
    ("a landscape", ("grass", "field", "hill", "earth", "tree", "land", "path", "water")),
)
_INDOORS = ("floor", "ceiling", "bed", "sofa", "bathtub", "toilet", "stove")
_SAID_OTHERWISE = {
    "windowpane": "window",
    "minibike": "motorcycle",
    "signboard": "sign",
    "ashcan": "trash can",
    "television receiver": "television",
    "crt screen": "screen",
    "plaything": "toy",
    "apparel": "clothes",
    "hovel": "hut",
    "earth": "bare earth",
    "swivel chair": "office chair",
    "streetlight": "street light",
    "glass": "drinking glass",
    "palm": "palm tree",
    "sea": "the sea",
    "bannister": "handrail",
}
_NEVER = ("wall", "floor", "ceiling", "sky", "base", "case", "trade name", "light")
"""Said by the place, or by no sensible words."""
_MASS = ("the sea", "grass", "water", "sand", "food", "clothes", "bare earth", "stairs")
_PLURALS = {"person": "people", "shelf": "shelves", "bench": "benches"}
_BEHIND = ("in", "with", "of", "made", "covered", "on", "like", "from", "full", "that", "which", "without")
"""A text that begins like this stands behind its noun ("a tree in autumn colours")."""


@dataclass(frozen=True)
class _Thing:
    noun: str
    text: str
    count: int
    pixels: int


def compose(maps: SceneMaps) -> str:
    """What the maps show, in one English phrase; the artist's own words for things stand in it as they are.

    "" where nothing is known of what is seen.
    """
    classes = _english_classes(maps)
    things = _things(maps, classes)
    visible = {name for one in maps.instances if (name := classes.get(one.class_id)) and one.pixels}
    place, saying = _place(visible)
    least = _LEAST * maps.instance_map.size
    listed = [one for one in things if one.noun not in saying and (one.text or one.pixels >= least)]
    listed = sorted(listed, key=lambda one: (not one.text, -one.pixels))[:_MOST]
    phrases = list(dict.fromkeys(_phrase(one) for one in listed))
    if not phrases:
        return place
    return f"{place} with {_joined(phrases)}" if place else _joined(phrases)


def _english_classes(maps: SceneMaps) -> dict[int, str]:
    """Class → its name in ADE20K, where the words of this module are at home; the vocabulary's own for the others."""
    names = mapping(maps.vocabulary, "ade20k").to_dict()
    return {one.id: names[one.name] or one.name for one in load(maps.vocabulary).classes}


def _things(maps: SceneMaps, classes: dict[int, str]) -> list[_Thing]:
    """What is seen, things of one class and one text together."""
    groups: dict[tuple[str, str], list[Instance]] = {}
    for one in maps.instances:
        name = classes.get(one.class_id, "") if one.class_id != NO_CLASS else ""
        if one.pixels and (one.text or (name and name not in _NEVER)):
            groups.setdefault((name, " ".join(one.text.split())), []).append(one)
    return [_Thing(name, text, len(group), sum(one.pixels for one in group)) for (name, text), group in groups.items()]


def _place(visible: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """(the place, the classes that it says already)."""
    seen = set(visible)
    inside = len(seen.intersection(_INDOORS)) >= 1 and not seen.intersection(("sky", "road", "building"))
    for place, telling in _PLACES if inside else _LANDS:
        if seen.intersection(telling):
            return place, () if inside else telling[:1]
    return "", ()


def _phrase(one: _Thing) -> str:
    noun = _SAID_OTHERWISE.get(one.noun, one.noun)
    if not one.text:
        return _counted(noun, one.count)
    if not noun or _says(one.text, one.noun):
        return one.text if one.count > 1 or _begins_with_article(one.text) else _with_article(one.text)
    if one.text.split()[0].lower() in _BEHIND:
        return f"{_counted(noun, one.count)} {one.text}"
    plural = _plural(noun) if one.count > 1 else noun
    return f"{one.text} {plural}" if one.count > 1 or noun in _MASS else _with_article(f"{one.text} {noun}")


def _says(text: str, class_name: str) -> bool:
    """Whether the words name the thing themselves ("spaceship, rusty", "an old red car")."""
    match = read_name(text, load("ade20k"))
    if match is None:
        return False
    found = match.meaning.class_id
    return match.meaning.rank > 1 and (found == NO_CLASS or load("ade20k").classes[found].name == class_name)


def _begins_with_article(text: str) -> bool:
    return text.split(maxsplit=1)[0].lower() in ("a", "an", "the", "some", "two", "three", "many", "several")


def _counted(noun: str, count: int) -> str:
    if noun in _MASS:
        return noun
    return _plural(noun) if count > 1 else _with_article(noun)


def _with_article(text: str) -> str:
    return f"{'an' if text[:1].lower() in 'aeiou' else 'a'} {text}"


def _plural(noun: str) -> str:
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"


def _joined(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
