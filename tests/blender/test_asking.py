"""What people write of controls, LoRAs and regions, as a request has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blender_segaddon.core.maps import Instance
from blender_segaddon.flows import asking
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import Control, LoraUse, ModelOptions

from ..unit.preview_scenes import street


@pytest.fixture
def maps():
    found = street(32, 24)
    names = {1: ("Road", "road", 6), 2: ("Block", "building", 1), 3: ("Block.001", "building", 1)}
    return replace(
        found,
        instances=tuple(
            Instance(number, one, (), name, index, "", "old", 1, (0, 0, 1, 1))
            for number, (one, name, index) in names.items()
        ),
    )


def test_controls_as_numbers_or_themselves():
    told = asking.options(controls={"segmentation": 1, "depth": (0.5, 0.0, 0.6)})
    assert told.controls == (Control("segmentation", 1.0), Control("depth", 0.5, 0.0, 0.6))
    assert asking.options(controls=[Control("depth")]).controls == (Control("depth"),)
    assert asking.options() == ModelOptions()


def test_loras_by_name():
    assert asking.options(loras={"rust": 0.5}).loras == (LoraUse("rust", 0.5),)


@pytest.mark.parametrize(
    "wrong",
    [{"controls": {"edges": 1}}, {"controls": {"depth": "much"}}, {"controls": {"depth": ()}}, {"guidance": "7"}],
)
def test_wrong_kinds_are_said(wrong):
    with pytest.raises(InvalidInput):
        asking.options(**wrong)


def test_texts_of_classes_and_objects(maps):
    texts = [one.text for one in asking.with_texts(maps, {"building": "brick", "Block.001": "glass"}).instances]
    assert texts == ["old", "brick", "glass"]
    assert [one.text for one in maps.instances] == ["old"] * 3


@pytest.mark.parametrize(("name", "said"), [("bulding", "Did you mean"), ("tree", "sees no tree")])
def test_what_is_not_in_sight_is_said(maps, name, said):
    with pytest.raises(InvalidInput, match=said):
        asking.with_texts(maps, {name: "x"})
