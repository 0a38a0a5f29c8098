"""What is said of a capture before a picture is made of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.core.quality import REMEDIES, SEVERITIES, report
from blender_segaddon.core.stems import copy_stem, grouped, stem
from blender_segaddon.core.vocabulary import load
from blender_segaddon.protocol.errors import InvalidInput

from .samples import maps


def shown(*classes: str | None, size: int = 64, changes: dict[int, dict] | None = None) -> SceneMaps:
    """Maps of ``size``² pixels, cut into stripes of equal width, one an instance."""
    made = maps(*((name, size * size // len(classes)) for name in classes))
    ids = np.repeat(1 + np.arange(size) * len(classes) // size, size).reshape(size, size).T.astype(np.uint32)
    instances = list(made.instances)
    for id, change in (changes or {}).items():
        instances[id - 1] = replace(instances[id - 1], **change)
    table = np.array([65535, *(one.class_id for one in instances)], np.uint16)
    depth = (1.0 + np.arange(size * size) / 999).reshape(size, size).astype(np.float32)
    camera = replace(made.camera, width=size, height=size)
    normal = np.zeros((size, size, 3), np.float32)
    return SceneMaps(ids, table[ids], depth, normal, tuple(instances), camera)


def codes(made: SceneMaps, **options) -> list[str]:
    found = report(made, **options)
    for one in found.findings:
        assert one.severity in SEVERITIES and one.remedy in ("", *REMEDIES) and "\n" not in one.message
    return [one.code for one in found.findings]


def test_all_is_well():
    found = report(shown("house", "tree"))
    assert (found.findings, found.severity, found.summary()) == ((), "", "Ready for a picture")


def test_what_has_no_class():
    found = report(shown("house", None, None, "tree", changes={2: {"object": "Cube"}, 3: {"object": "Cube.001"}}))
    (finding,) = found.findings
    assert finding.message == "No class for 50 % of the picture: Cube ×2"
    assert (finding.severity, finding.objects, finding.remedy) == ("warning", ("Cube", "Cube.001"), "set_class")
    assert found.summary() == "1 warning: No class for 50 % of the picture: Cube ×2"


def test_words_are_enough_and_little_is_only_mentioned():
    assert codes(shown("house", None, changes={2: {"text": "spaceship"}})) == []
    (finding,) = report(shown(*["house"] * 31, None)).findings
    assert (finding.code, finding.severity) == ("unclassed", "info")


def test_a_class_that_is_none():
    (finding,) = report(
        shown("house", None, changes={2: {"class_source": "unknown class 'roaad' (object property)"}})
    ).findings
    assert finding.message == "'roaad' is no class of ade20k: Object 2"


def test_colours_that_the_model_cannot_tell_apart():
    assert codes(shown("road", "skyscraper")) == ["close_colours"]  # both 140, 140, 140
    assert codes(shown("house", "tree"), model_palette=np.full((150, 3), 7, np.uint8)) == ["close_colours"]
    assert codes(shown("road", "skyscraper"), model_palette=load("ade20k").palette + np.arange(150)[:, None]) == []
    assert codes(shown("road", *["house"] * 300, "skyscraper", size=602)) == []  # hardly seen


def test_what_is_too_small_for_the_model():
    tiny = {2: {"pixels": 63}}
    assert codes(shown("house", "tree", changes=tiny)) == ["too_small"]
    assert codes(shown("house", "tree", changes=tiny), latent_factor=4) == []
    (finding,) = report(shown("house", "tree", changes={2: {"pixels": 63, "text": "with a red swing"}})).findings
    assert (finding.severity, finding.objects) == ("warning", ("Object 2",))


def test_nothing_and_nothing_deep():
    flat = shown("house", "tree")
    assert codes(replace(flat, depth=np.full((64, 64), 3.0, np.float32))) == ["flat_depth"]
    empty = replace(flat, instance_map=np.zeros((64, 64), np.uint32), depth=np.full((64, 64), np.inf, np.float32))
    (finding,) = report(empty).findings
    assert (finding.code, finding.remedy) == ("empty", "frame_scene")


def test_the_camera_in_something():
    inside = {1: {"around_camera": True}}
    (finding,) = report(shown("car", "tree", changes=inside)).findings
    assert (finding.code, finding.severity, finding.remedy) == ("camera_inside", "error", "move_near_clip")
    seen = shown("car", "tree").instance_map == 1
    assert finding.value > float(shown("car", "tree").depth[seen].max())
    assert codes(shown("house", "tree", changes=inside)) == []  # one may stand in a house, a room, under a sky
    assert codes(shown("sky", "tree", changes=inside)) == []


def test_guesses_are_owned_up_to():
    (finding,) = report(shown("floor", "bed", changes={1: {"class_source": "geometry"}})).findings
    assert (finding.severity, finding.message) == ("info", "By their shape alone: Object 1 is floor")


@pytest.mark.parametrize(("palette", "factor"), [(np.zeros((3, 3)), 8), (np.zeros((150, 4)), 8), (None, 0)])
def test_what_cannot_be_asked(palette, factor):
    with pytest.raises(InvalidInput):
        report(shown("house"), model_palette=palette, latent_factor=factor)


def test_stems():
    assert copy_stem("House_03.001") == "House_03"
    assert [stem(name) for name in ("House_03.001", "Cube", "Cube.014", "chair (3)", "12", "Tree-7", "B2B")] == [
        *("House", "Cube", "Cube", "chair", "12", "Tree", "B2B")
    ]
    assert grouped(["A.1", "B", "A.2"]) == [("A", ("A.1", "A.2")), ("B", ("B",))]
