import errno
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_segaddon.core import atomic, files, png
from blender_segaddon.core.atomic import write_json
from blender_segaddon.protocol.errors import InvalidInput, StorageError

from .samples import maps

SHAPES = [((5, 7), np.uint8), ((5, 7, 3), np.uint8), ((1, 1, 3), np.uint8), ((5, 7, 4), np.uint8), ((5, 7), np.uint16)]


@pytest.mark.parametrize(("shape", "dtype"), SHAPES)
def test_png_is_read_back_by_another_library(tmp_path, shape, dtype):
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    png.write_png(tmp_path / "a.png", image, {"generator": "preview", "prompt": "Häfen – 港"})
    with Image.open(tmp_path / "a.png") as read:
        assert np.array_equal(np.asarray(read).astype(dtype), image)
        assert read.text == {"generator": "preview", "prompt": "Häfen – 港"}


def test_png_takes_views_that_are_not_contiguous():
    image = np.random.default_rng(0).integers(0, 256, (6, 9, 4)).astype(np.uint8)
    with Image.open(io.BytesIO(png.encode_png(image[::-1, ::2, :3]))) as read:
        assert np.array_equal(np.asarray(read), image[::-1, ::2, :3])


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), np.zeros((4, 4, 3), np.uint16)],
)
def test_png_refuses_other_arrays(image):
    with pytest.raises(InvalidInput, match="as PNG"):
        png.encode_png(image)


@pytest.mark.parametrize("keyword", ["", "x" * 80, "港"])
def test_png_refuses_keywords_that_readers_reject(keyword):
    with pytest.raises(InvalidInput, match="keyword"):
        png.encode_png(np.zeros((1, 1), np.uint8), {keyword: "text"})


def test_maps_round_trip(tmp_path):
    before = maps(("chair", 3), (None, 4), ("road", 5))
    files.save_maps(before, tmp_path / "new" / "folder")
    after = files.load_maps(tmp_path / "new" / "folder")
    for name in ("instance_map", "class_map", "depth", "normal"):
        one, other = getattr(before, name), getattr(after, name)
        assert one.dtype == other.dtype and np.array_equal(one, other)
    assert after.instances == before.instances and after.legend() == before.legend()
    assert after.camera.to_dict() == before.camera.to_dict()
    assert (after.frame, after.scene, after.vocabulary) == (12, "Scene", "ade20k")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "camera.json",
        "legend.json",
        "maps.npz",
    ]


def test_legend_says_what_the_issue_asks_for():
    legend = maps(("chair", 3)).legend()
    assert {"schema_version", "vocabulary", "unit_scale", "background", "instances"} <= legend.keys()
    wanted = {"id", "object", "matrix_world", "class", "class_id", "class_source", "text", "pixels", "bbox"}
    assert wanted <= legend["instances"][0].keys() and len(legend["instances"][0]["matrix_world"]) == 16


def test_names_that_are_no_utf8_are_kept(tmp_path):
    """Old .blend files hold such names; Python has them as half characters."""
    some = maps(("car", 16), ("tree", 16))
    first, *rest = some.instances
    odd = replace(some, instances=(replace(first, object='Geb\udce4ude\n"日本"'), *rest))
    files.save_maps(odd, tmp_path)
    assert files.load_maps(tmp_path).instances == odd.instances


def test_map_images(tmp_path):
    files.save_maps_images(maps(("chair", 3), ("road", 5)), tmp_path)
    for name in ("semantic_map", "instance_map", "depth", "normal"):
        with Image.open(tmp_path / f"{name}.png") as read:
            assert read.size == (8, 6) and read.mode == "RGB"


def test_missing_and_damaged_maps_are_told_apart(tmp_path):
    with pytest.raises(InvalidInput, match="No maps in"):
        files.load_maps(tmp_path)
    files.save_maps(maps(("chair", 3)), tmp_path)
    whole = (tmp_path / "maps.npz").read_bytes()
    for broken in (b"", b"PK nonsense", whole[: len(whole) // 2]):
        (tmp_path / "maps.npz").write_bytes(broken)
        with pytest.raises(InvalidInput, match="damaged"):
            files.load_maps(tmp_path)
    (tmp_path / "maps.npz").write_bytes(whole)
    (tmp_path / "legend.json").write_text('{"schema_version": 99}')
    with pytest.raises(InvalidInput, match="schema 99"):
        files.load_maps(tmp_path)


def test_an_error_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.txt"
    atomic.write_atomic(target, b"old")
    with pytest.raises(ZeroDivisionError), atomic.atomic_file(target) as file:
        file.write(b"half of the new")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old" and [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="in the way"):
        files.save_maps(maps(("chair", 3)), tmp_path / "taken")


@pytest.mark.parametrize(
    ("number", "line"), [(errno.ENOSPC, "No space left"), (errno.EACCES, "May not write"), (errno.EIO, "Cannot write")]
)
def test_storage_errors_say_what_to_do(number, line):
    error = atomic.storage_error(Path("x.png"), OSError(number, os.strerror(number)))
    assert str(error).startswith(line) and error.hint and "\n" not in str(error)


SAVE_WITH_LITTLE_ROOM = """
import resource, sys
from tests.unit.samples import maps
from blender_segaddon.core.files import save_maps
from blender_segaddon.protocol.errors import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))
try:
    save_maps(maps(("chair", 3)), sys.argv[1])
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes, which Windows lacks")
def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path):
    # The file system refuses to write on in the middle of maps.npz, as a full disk does.
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SAVE_WITH_LITTLE_ROOM, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Cannot write") and done.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_json_keeps_names_that_are_no_unicode(tmp_path):
    names = ["Zaun", "дерево 🌲\n", "caf\udce9"]  # the last as Python reads a Latin-1 name out of an old file
    write_json(tmp_path / "names.json", names)
    assert json.loads((tmp_path / "names.json").read_bytes()) == names
