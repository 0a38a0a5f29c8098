"""COCO data sets as pycocotools and a reader written from the format's description read them."""

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from blender_segaddon.core.coco import STUFF_START, write_coco
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.core.runs import ColumnRuns
from blender_segaddon.core.vocabulary import load
from blender_segaddon.protocol.errors import InvalidInput

from .samples import maps

# pycocotools' own, with numpy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLASSES = (("person", 1), ("car", 1), ("car", 1), (None, 1), ("wall", 1), ("wall", 1), ("tree", 1))


def street(seed=0, size=(37, 53), vocabulary="ade20k"):
    """Blobs of seven instances: three things (two of one class), one without a class, stuff (two of one class)."""
    names = [(None if one is None else WORDS[vocabulary].get(one, one), count) for one, count in CLASSES]
    some = maps(*names, vocabulary=vocabulary)
    rng, ids = np.random.default_rng(seed), np.zeros(size, np.uint32)
    y, x = np.mgrid[: size[0], : size[1]]
    for id in range(1, len(CLASSES) + 1):
        for _ in range(3):  # in several parts
            top, left = rng.integers(0, size[0]), rng.integers(0, size[1])
            ids[(y - top) ** 2 + (x - left) ** 2 < rng.integers(4, 60)] = id
    background = load(vocabulary).lookup(some.background).id
    table = np.array([background, *(one.class_id for one in some.instances)], np.uint16)
    camera = replace(some.camera, width=size[1], height=size[0])
    return replace(some, instance_map=ids, class_map=table[ids], camera=camera)


WORDS = {"ade20k": {}, "coco_panoptic": {"wall": "wall-other-merged", "tree": "tree-merged"}}


def panoptic(folder):
    """[(image, segment ids H×W, segments)]: from the description at cocodataset.org/#format-data alone."""
    data = json.loads((folder / "coco_panoptic.json").read_text())
    images = {one["id"]: one for one in data["images"]}
    found = []
    for annotation in data["annotations"]:
        with Image.open(folder / "coco_panoptic" / annotation["file_name"]) as file:
            assert file.mode == "RGB"
            rgb = np.asarray(file).astype(np.uint32)
        found.append((images[annotation["image_id"]], rgb @ [1, 256, 256**2], annotation["segments_info"]))
    return data, found


def coco_api(path):
    api = pytest.importorskip("pycocotools.coco")
    with contextlib.redirect_stdout(io.StringIO()):
        return api.COCO(str(path))


@pytest.mark.parametrize("vocabulary", ["ade20k", "coco_panoptic"])
def test_panoptic_segments_are_the_maps(tmp_path, vocabulary):
    some = street(vocabulary=vocabulary)
    write_coco([("shot.png", some)], tmp_path)
    data, [(image, ids, segments)] = panoptic(tmp_path)
    assert image | {"scene": "", "frame": 0} == {
        "id": 1, "file_name": "shot.png", "width": 53, "height": 37, "scene": "", "frame": 0
    }  # fmt: skip
    categories = {one["id"]: one for one in data["categories"]}
    assert {one["id"] for one in segments} == set(np.unique(ids).tolist()) - {0}
    assert np.array_equal(ids == 0, some.class_map == NO_CLASS)
    things, stuff = 0, []
    for one in segments:
        mask = ids == one["id"]
        category = categories[one["category_id"]]
        expected = load(vocabulary).lookup(category["name"]).id
        assert (some.class_map[mask] == expected).all() and one["iscrowd"] == 0
        assert one["area"] == mask.sum() and one["bbox"] == box_of(mask)
        if category["isthing"]:
            things += 1
            assert np.array_equal(mask, some.instance_map == one["id"])
        else:
            stuff.append(category["name"])
            assert np.array_equal(mask, some.class_map == expected)
    assert things == 3 and len(stuff) == len(set(stuff)) >= 2  # all stuff of a class is one segment


def box_of(mask):
    y, x = np.nonzero(mask)
    return [int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1]


@pytest.mark.parametrize("size", [(37, 53), (1, 9), (9, 1), (64, 64)])
def test_instances_are_read_back_by_pycocotools(tmp_path, size):
    some = street(2, size)
    write_coco([("", some)], tmp_path)
    data = coco_api(tmp_path / "coco_instances.json")
    annotations = data.loadAnns(data.getAnnIds(imgIds=1))
    shown = {one.id for one in some.instances if one.class_name and (some.instance_map == one.id).any()}
    assert {one["instance_id"] for one in annotations} == shown
    for one in annotations:
        mask = some.instance_map == one["instance_id"]
        assert np.array_equal(data.annToMask(one), mask)
        assert one["area"] == mask.sum() and one["bbox"] == box_of(mask)
        assert data.loadCats(one["category_id"])[0]["name"] == some.instance(one["instance_id"]).class_name


def test_run_lengths_are_those_of_the_coco_api():
    coder = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for density, size in ((0.5, (31, 17)), (0.02, (200, 300)), (0.98, (200, 300)), (0.0, (5, 5)), (1.0, (5, 5))):
        ids = (rng.random(size) < density).astype(np.uint32) * rng.integers(1, 3, size).astype(np.uint32)
        runs = ColumnRuns.of(ids)
        for id, text, area, box in zip(runs.ids, runs.coco_counts(), runs.areas, runs.boxes, strict=True):
            expected = coder.encode(np.asfortranarray(ids == id).astype(np.uint8))
            assert text == expected["counts"].decode()
            assert area == coder.area(expected) and (box[2:] - box[:2] == coder.toBbox(expected)[2:]).all()


def test_a_data_set_of_many_frames_has_ids_of_its_own(tmp_path):
    write_coco(((f"a{index}.png", street(index)) for index in range(3)), tmp_path)
    before = json.loads((tmp_path / "coco_instances.json").read_text())
    paths = write_coco([("b.png", street(9))], tmp_path, append=True)
    assert [one.name for one in paths] == ["000004.png", "coco_panoptic.json", "coco_instances.json"]
    found = panoptic(tmp_path)[1]
    assert [one["file_name"] for one, _ids, _segments in found] == ["a0.png", "a1.png", "a2.png", "b.png"]
    for index, (_image, ids, segments) in zip((0, 1, 2, 9), found, strict=True):
        assert {one["id"] for one in segments} == set(np.unique(ids).tolist()) - {0}
        assert np.array_equal(np.where(ids < STUFF_START, ids, 0) > 0, np.isin(street(index).instance_map, (1, 2, 3)))
    api = coco_api(tmp_path / "coco_instances.json")
    numbers = [one["id"] for one in api.dataset["annotations"]]
    assert numbers == list(range(1, len(numbers) + 1))  # unique, without a gap where it went on
    assert api.dataset["annotations"][: len(before["annotations"])] == before["annotations"]
    assert len(api.getImgIds()) == 4


def test_starting_anew_forgets_the_old(tmp_path):
    write_coco([("a.png", street()), ("b.png", street(1))], tmp_path)
    write_coco([("c.png", street())], tmp_path)
    assert [one["file_name"] for one in panoptic(tmp_path)[0]["images"]] == ["c.png"]


def test_what_cannot_go_together_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no maps"):
        write_coco([], tmp_path)
    with pytest.raises(InvalidInput, match="one vocabulary"):
        write_coco([("", street()), ("", street(vocabulary="coco_panoptic"))], tmp_path)
    write_coco([("", street())], tmp_path)
    with pytest.raises(InvalidInput, match="other classes"):
        write_coco([("", street(vocabulary="coco_panoptic"))], tmp_path, append=True)
    (tmp_path / "coco_instances.json").write_text("{")
    with pytest.raises(InvalidInput, match="damaged"):
        write_coco([("", street())], tmp_path, append=True)


def test_category_ids_are_the_published_ones():
    ade, coco = load("ade20k"), load("coco_panoptic")
    assert [one.category_id for one in ade.classes] == list(range(1, 151))
    known = {"person": 1, "toothbrush": 90, "banner": 92, "rug-merged": 200}
    assert {name: coco.lookup(name).category_id for name in known} == known
    assert len({one.category_id for one in coco.classes}) == 133


def test_names_that_are_no_unicode_make_readable_json(tmp_path):
    some = street()
    first, *rest = some.instances
    odd = replace(some, instances=(replace(first, object="Geb\udce4ude"), *rest))
    write_coco([("", odd)], tmp_path)
    assert coco_api(tmp_path / "coco_instances.json").dataset["annotations"][0]["object"] == "Geb\\udce4ude"


@pytest.mark.parametrize(("ids", "expected"), [((9, 4), [9, 4]), ((0, 1), [1, 2]), ((3, 3), [1, 2]), (("", 5), [1, 2])])
def test_category_ids_of_a_vocabulary_of_the_users_own(tmp_path, ids, expected):
    (tmp_path / "own.csv").write_text("id,name\n{},wall\n{},car\n".format(*ids))
    own = load(str(tmp_path / "own.csv"))
    assert [one.category_id for one in own.classes] == expected
    assert [row["id"] for row in own.to_rows()] == expected


def test_parts_of_an_instance_keep_their_own_classes(tmp_path):
    """A car whose lower half is road (stuff) and whose right half is a person (another thing)."""
    some = maps(("car", 48))
    ids, classes = np.ones((6, 8), np.uint32), np.full((6, 8), some.instances[0].class_id, np.uint16)
    road, person = (load("ade20k").lookup(name) for name in ("road", "person"))
    classes[3:], classes[:3, 4:] = road.id, person.id
    write_coco([("", replace(some, instance_map=ids, class_map=classes))], tmp_path)
    _data, [(_image, read, segments)] = panoptic(tmp_path)
    categories = {one["id"]: one["category_id"] for one in segments}
    assert np.array_equal(np.vectorize(categories.get)(read), classes + 1)  # ADE20K counts from 1
    assert categories == {1: classes[0, 0] + 1, 2: person.category_id, STUFF_START + road.category_id: road.category_id}
