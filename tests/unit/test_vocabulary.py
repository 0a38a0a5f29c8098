import numpy as np
import pytest

from blender_segaddon.core.things import largest_thing
from blender_segaddon.core.vocabulary import available, load
from blender_segaddon.protocol.errors import InvalidInput

from .samples import maps


@pytest.mark.parametrize(("name", "size", "things"), [("ade20k", 150, 100), ("coco_panoptic", 133, 80)])
def test_sizes_and_palette(name, size, things):
    vocabulary = load(name)
    assert len(vocabulary) == size and sum(one.is_thing for one in vocabulary.classes) == things
    assert [one.id for one in vocabulary.classes] == list(range(size))
    assert vocabulary.palette.shape == (size, 3) and vocabulary.palette.dtype == np.uint8
    assert load(name) is vocabulary and name in available()


def test_colours_that_control_nets_were_trained_on():
    ade20k = load("ade20k")
    # Index 0 is wall: a copy of the palette that starts with black would shift every class by one.
    assert ade20k.lookup("wall").id == 0 and ade20k.lookup("wall").color == (120, 120, 120)
    assert ade20k.lookup("sky").color == (6, 230, 230)
    assert ade20k.lookup("flag").id == 149 and ade20k.lookup("flag").color == (92, 0, 255)


@pytest.mark.parametrize("written", ["sofa", "Couch", " COUCH ", "lounge"])
def test_lookup_by_name_and_synonym(written):
    assert load("ade20k").lookup(written).name == "sofa"


@pytest.mark.parametrize("written", ["traffic_light", "Traffic-Light", "traffic  light"])
def test_lookup_does_not_mind_separators(written):
    assert load("ade20k").lookup(written).name == "traffic light"


def test_names_win_over_synonyms():
    ade20k = load("ade20k")  # "stool" is also a synonym of toilet, "counter" of buffet
    assert [ade20k.lookup(name).name for name in ("stool", "counter", "screen", "ground")] == [
        "stool",
        "counter",
        "screen",
        "earth",
    ]


def test_every_name_is_found():
    for vocabulary in map(load, available()):
        assert [vocabulary.lookup(one.name).id for one in vocabulary.classes] == list(range(len(vocabulary)))


def test_unknown_names_say_what_was_meant():
    with pytest.raises(InvalidInput, match="'cabinet'"):
        load("ade20k").lookup("cabnet")
    with pytest.raises(InvalidInput, match="ade20k, coco_panoptic"):
        load("../ade20k")
    assert load("ade20k").find("qqqq") is None


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([("wall", 900), ("chair", 20), ("bed", 30)], "bed"),
        ([("road", 900), ("building", 500), ("car", 3)], "car"),
        ([("road", 900), ("building", 500), ("tree", 300), (None, 800)], "building"),
        ([("wall", 900), ("floor", 500), (None, 300)], None),
        ([("bed", 0), ("wall", 5)], None),
        ([], None),
    ],
)
def test_largest_thing(classes, expected):
    found = largest_thing(maps(*classes))
    assert (found and found.class_name) == expected


def test_largest_thing_of_coco():
    found = largest_thing(maps(("pavement-merged", 99), ("building-other-merged", 50), vocabulary="coco_panoptic"))
    assert found is not None and found.class_name == "building-other-merged"


def test_of_two_equal_things_the_first_is_taken():
    found = largest_thing(maps(("chair", 5), ("bed", 5)))
    assert found is not None and found.id == 1
