"""A prompt out of the legend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blender_segaddon.core.prompting import compose

from .samples import maps


def prompt(*things: str | tuple[str | None, str] | None, vocabulary: str = "ade20k") -> str:
    """Composed of things, each a class or (class, text); the first covers most of the picture."""
    pairs = [one if isinstance(one, tuple) else (one, "") for one in things]
    made = maps(*((name, 40 - at) for at, (name, _text) in enumerate(pairs)), vocabulary=vocabulary)
    told = zip(made.instances, pairs, strict=True)
    return compose(replace(made, instances=tuple(replace(one, text=text) for one, (_name, text) in told)))


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        (
            ["road", "house", "house", "tree", "tree", ("car", "red"), "sky"],
            "a street with a red car, houses and trees",
        ),
        (["wall", "floor", "bed", "windowpane", "lamp", "lamp"], "a bedroom with lamps, a bed and a window"),
        (["wall", "floor", "ceiling"], "a room"),
        (["sand", "sea", "palm", "person", "person"], "a beach with people, the sea and a palm tree"),
        (["mountain", "grass", "tree", "tree"], "a mountain landscape with trees and grass"),
        ([(None, "spaceship, rusty")], "a spaceship, rusty"),
        ([(None, "a crashed spaceship"), "sand"], "a beach with a crashed spaceship"),
        (["grass", ("tree", "in autumn colours")], "a landscape with a tree in autumn colours"),
        ([("car", "an old red car"), "road"], "a street with an old red car"),
        ([("house", "old"), ("house", "old"), "road"], "a street with old houses"),
        ([None], ""),
    ],
)
def test_what_is_said(things, expected):
    assert prompt(*things) == expected


def test_other_vocabularies_say_the_same():
    assert prompt("road", "car", "tree-merged", vocabulary="coco_panoptic") == "a street with a car and a tree"


def test_at_most_eight_things_and_nothing_that_is_hardly_seen():
    assert (
        prompt(
            "road", *["bench", "tree", "car", "bus", "van", "dog" if False else "flag", "box", "bag", "boat", "pot"]
        ).count(",")
        == 6
    )
    assert compose(maps(("road", 40), ("car", 0))) == "a street"
