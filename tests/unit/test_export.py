import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_segaddon.core import export, files
from blender_segaddon.core.coverage import Coverage
from blender_segaddon.core.vocabulary import load
from blender_segaddon.protocol.errors import InvalidInput, StorageError

from .samples import maps


def test_every_format_writes_what_it_says(tmp_path):
    some = maps(("car", 16), ("tree", 16))
    paths = export.export_maps(some, tmp_path, tuple(export.FORMATS))
    assert all(one.stat().st_size for one in paths) and len(set(paths)) == len(paths)
    written = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert written == {str(one.relative_to(tmp_path)) for one in paths}
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    assert [one.name for one in paths if f"`{one.name}`" not in text and not one.name.startswith("0")] == []


def test_formats_are_named_in_the_error(tmp_path):
    with pytest.raises(InvalidInput, match="cryptomatte"):
        export.export_maps(maps(("car", 1)), tmp_path, ("npz", "obj"))
    assert list(tmp_path.iterdir()) == []


def test_one_format_needs_no_list(tmp_path):
    assert [one.name for one in export.export_maps(maps(("car", 1)), tmp_path, "exr")] == ["maps.exr"]


def test_id_pngs(tmp_path):
    some = maps(("car", 16), (None, 16), vocabulary="coco_panoptic")
    some = replace(some, background="", class_map=np.where(some.instance_map, some.class_map, 65535).astype(np.uint16))
    export.export_maps(some, tmp_path, ["id_png"])
    with Image.open(tmp_path / "instance_id.png") as ids, Image.open(tmp_path / "category_id.png") as categories:
        assert np.array_equal(np.asarray(ids).astype(np.uint32), some.instance_map)
        assert np.array_equal(np.asarray(categories), np.where(some.instance_map == 1, 3, 0))  # COCO's car is 3


def test_more_instances_than_16_bits_are_refused(tmp_path):
    one = maps(("car", 1))
    many = replace(one, instances=one.instances * 65536)
    with pytest.raises(InvalidInput, match="npz or exr"):
        export.export_maps(many, tmp_path, ["id_png"])


def test_semantic_png_has_the_exact_palette(tmp_path):
    some = maps(("car", 16), ("road", 16))
    export.export_maps(some, tmp_path, ["png"])
    with Image.open(tmp_path / "semantic_map.png") as image:
        assert np.array_equal(np.asarray(image), load("ade20k").palette[some.class_map])


def test_multilayer_exr_holds_the_maps(tmp_path):
    OpenEXR = pytest.importorskip("OpenEXR")
    some = maps(("car", 16), (None, 16))
    export.export_maps(some, tmp_path, ["exr"])
    file = OpenEXR.File(str(tmp_path / "maps.exr"), separate_channels=True)
    got = {name: one.pixels for name, one in file.channels().items()}
    assert got["instance.id"].dtype == np.uint32 and np.array_equal(got["instance.id"], some.instance_map)
    assert np.array_equal(got["class.id"], some.class_map) and np.array_equal(got["depth.Z"], some.depth)
    assert np.array_equal(np.stack([got[f"normal.{axis}"] for axis in "XYZ"], axis=-1), some.normal)
    assert json.loads(file.header()["segaddon/legend"]) == json.loads(json.dumps(some.legend()))
    assert json.loads(file.header()["segaddon/camera"]) == some.camera.to_dict()


def test_coverage_is_kept_with_the_maps(tmp_path):
    some = maps(("car", 16))
    weights = np.stack([np.full((6, 8), 0.75), np.full((6, 8), 0.25)], axis=-1).astype(np.float32)
    soft = replace(some, coverage=Coverage(np.ones((6, 8, 2), np.uint32), weights, 16))
    files.save_maps(soft, tmp_path)
    read = files.load_maps(tmp_path).coverage
    assert np.array_equal(read.ids, soft.coverage.ids) and np.array_equal(read.weights, weights) and read.samples == 16


@pytest.mark.parametrize("name", list(export.FORMATS))
def test_a_file_in_the_way_is_one_line(tmp_path, name):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="in the way"):
        export.export_maps(maps(("car", 1)), tmp_path / "taken", [name])


def test_all_formats_of_a_full_picture_take_no_time(tmp_path):
    """Measured: half a second at 1024×576 (scripts/bench_formats.py); the bound is for busy machines."""
    small = maps(("car", 1), ("tree", 1))
    scale = np.ones((96, 128))
    ids = np.kron(small.instance_map, scale).astype(np.uint32)
    normal = np.random.default_rng(0).normal(size=(576, 1024, 3)).astype(np.float32)
    depth = np.where(ids == 0, np.inf, 1 + normal[..., 0]).astype(np.float32)
    big = replace(
        small, instance_map=ids, class_map=np.kron(small.class_map, scale).astype(np.uint16), depth=depth, normal=normal
    )
    started = time.perf_counter()
    export.export_maps(big, tmp_path, tuple(export.FORMATS))
    assert time.perf_counter() - started < 5
