"""Vocabularies of the user's own, and maps told in another vocabulary."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core import files, preview
from blender_segaddon.core.mapping import mapping
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.core.naming import NameEvidence, classify
from blender_segaddon.core.vocabulary import load
from blender_segaddon.core.wire import scene_from_wire, scene_to_wire
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.messages import GenerateRequest

from .samples import maps

CSV = "name,color,synonyms,isthing\nvehicle,#ff0000,car;truck,1\nhouse,0 255 0,,0\nspaceship,0 0 255,rocket,1\n"


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(CSV, encoding="utf-8")
    return str(path)


def test_a_csv_file_is_a_vocabulary(mine):
    vocabulary = load(mine)
    assert [one.name for one in vocabulary.classes] == ["vehicle", "house", "spaceship"]
    assert vocabulary.palette.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert vocabulary.title == "mine" and vocabulary.name == mine
    assert vocabulary.lookup("Truck").id == 0 and vocabulary.classes[0].is_thing and not vocabulary.classes[1].is_thing
    assert load(mine) is vocabulary


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps([{"name": "wall", "color": [1, 2, 3]}, {"name": "car", "color": [4, 5, 6]}])),
        (
            "a.json",
            json.dumps(
                {"categories": [{"id": 9, "name": "wall", "color": "#010203"}, {"name": "car", "color": "4 5 6"}]}
            ),
        ),
        ("a.csv", "\ufeffName,R,G,B\nwall,1,2,3\ncar,4,5,6\n"),
        ("a.csv", "name;r;g;b\r\nwall;1;2;3\r\ncar;4;5;6\r\n"),
        ("a.CSV", 'name,color\nwall,"1,2,3"\ncar,"4, 5, 6"\n'),
    ],
)
def test_the_ways_people_write_it(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    vocabulary = load(str(path))
    assert [one.name for one in vocabulary.classes] == ["wall", "car"]
    assert vocabulary.palette.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert [one.is_surface for one in vocabulary.classes] == [True, False]  # as in ADE20K
    assert [one.is_thing for one in vocabulary.classes] == [False, True]


def test_colours_are_found_where_there_are_none(tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("name\n" + "\n".join(f"class {n}" for n in range(5000)), encoding="utf-8")
    palette = load(str(path)).palette
    assert len(np.unique(palette, axis=0)) == 5000 and palette.any(axis=1).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name\nwall\nWall\n", "classes 1 and 2 have the same name"),
        ("name,color\nwall,#010101\ncar,#010101\n", "classes 1 and 2 have the same colour"),
        ("name,color\nwall,#01010\n", "colour '#01010'"),
        ("name,r,g,b\nwall,1,2,256\n", "colour"),
        ("name,color\nwall,red\n", "colour 'red'"),
        ("name,color\nwall,#010101\ncar,\n", "class 2 has no colour"),
        ("title\nwall\n", "class 1 has no name"),
        ('name\nwall\n""\n', "class 2 has no name"),
        ("name,isthing\nwall,perhaps\n", "isthing is 'perhaps'"),
        ("name\n", "0 classes"),
        ("", "0 classes"),
        ("name\n" + "\n".join(map(str, range(65535))), "65535 classes"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, says):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=says) as caught:
        load(str(path))
    assert caught.value.hint and "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"[1, 2", b"\xff\xfe\x00", b'{"name": 3}', b"[1, 2]", b"[" * 100_000])
def test_damaged_json_is_said(tmp_path, data):
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=r"bad\.json"):
        load(str(path))
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(str(tmp_path / "missing.csv"))


def test_a_changed_file_is_read_again(mine):
    import os
    from pathlib import Path

    before = load(mine)
    Path(mine).write_text("name\nonly\n", encoding="utf-8")
    os.utime(mine, (1, 1))
    assert len(load(mine)) == 1 and len(before) == 3


def test_names_fall_into_the_users_classes(mine):
    classes = load(mine)
    found = {
        name: classify(NameEvidence(name), classes).class_name for name in ("Auto_rot", "LKW", "Haus", "Rocket", "Tree")
    }
    assert found == {"Auto_rot": "vehicle", "LKW": "vehicle", "Haus": "house", "Rocket": "spaceship", "Tree": None}


@pytest.mark.parametrize(
    ("source", "target", "pairs"),
    [
        ("ade20k", "coco_panoptic", {"sofa": "couch", "streetlight": "light", "car": "car", "flag": "banner"}),
        (
            "coco_panoptic",
            "ade20k",
            {"couch": "sofa", "dog": "animal", "pavement-merged": "sidewalk", "zebra": "animal"},
        ),
        (
            "coco_panoptic",
            "ade20k",
            {"dining table": "table", "tree-merged": "tree", "wall-brick": "wall", "tie": None},
        ),
    ],
)
def test_classes_correspond(source, target, pairs):
    found = mapping(source, target)
    assert {name: found.to_dict()[name] for name in pairs} == pairs
    assert set(found.unmapped) == {name for name, other in found.to_dict().items() if other is None}


def test_most_classes_have_a_counterpart():
    assert len(mapping("ade20k", "coco_panoptic").unmapped) <= 60
    assert len(mapping("coco_panoptic", "ade20k").unmapped) <= 35
    assert mapping("ade20k", "ade20k").table[:150].tolist() == list(range(150))


def test_maps_in_another_vocabulary():
    ade = maps(("sofa", 5), ("escalator", 4), (None, 3))
    ade = replace(ade, instances=(*ade.instances[:1], replace(ade.instances[1], object="Bicycle"), ade.instances[2]))
    coco = ade.in_vocabulary("coco_panoptic")
    classes = load("coco_panoptic")
    assert [one.class_name for one in coco.instances] == ["couch", "bicycle", None]  # the second by its name
    for one in coco.instances:
        assert (coco.class_map[coco.instance_map == one.id] == one.class_id).all()
    assert (coco.class_map[coco.instance_map == 0] == classes.lookup("sky-other-merged").id).all()
    assert coco.background == "sky-other-merged" and coco.vocabulary == "coco_panoptic"
    assert ade.in_vocabulary("ade20k") is ade


def test_what_has_no_counterpart_is_none_and_says_so():
    (one,) = maps(("escalator", 4)).in_vocabulary("coco_panoptic").instances
    assert (one.class_id, one.class_name, one.class_source) == (NO_CLASS, None, "coco_panoptic has no 'escalator'")


def test_files_and_wire_carry_a_vocabulary_of_the_users_own(mine, tmp_path):
    own = replace(maps(("car", 5), ("house", 4), ("wall", 3)), vocabulary=mine, background="")
    ids = np.array([NO_CLASS, 0, 1, 2], np.uint16)
    named = [replace(one, class_id=i, class_name=load(mine).classes[i].name) for i, one in enumerate(own.instances)]
    own = replace(own, instances=tuple(named), class_map=ids[own.instance_map])
    files.save_maps(own, tmp_path / "maps")
    assert preview.run(maps=own, seed=1).shape == (6, 8, 3)
    writer = BodyWriter()
    scene = scene_to_wire(own, writer)
    assert scene.vocabulary == "ade20k"
    assert [(one.class_id, one.text) for one in scene.regions] == [(20, ""), (25, ""), (NO_CLASS, "spaceship")]


def test_no_file_of_this_machine_is_read_for_a_stranger(mine):
    writer = BodyWriter()
    scene = replace(scene_to_wire(maps(("car", 5)), writer), vocabulary=mine)
    received = read_body(b"".join(writer.finish(GenerateRequest("preview", scene=scene))))
    with pytest.raises(InvalidInput, match="Unknown vocabulary"):
        scene_from_wire(received.message(GenerateRequest).scene, received)
