"""The main job as a person runs it: a program with arguments, its files, and one clear line for what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SIZE = (480, 288)
MAPS = {"maps.npz", "legend.json", "camera.json", "semantic_map.png", "instance_map.png", "depth.png", "normal.png"}
MAPS |= {"instance_id.png", "category_id.png"}
PICTURES = {"generated.png", "projected.png", "side.png", "backdrop.png", "mask.png", "retouched.png", "sheet.png"}


def demo(*arguments: object, limit: dict[str, int] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the demo in a process of its own; ``limit``: resource limits of the process."""
    import resource

    def limited() -> None:
        for name, value in (limit or {}).items():
            resource.setrlimit(getattr(resource, name), (value, value))

    return subprocess.run(
        [sys.executable, "-P", "-m", "scripts.lib.demo", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=limited,
    )


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened)


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "out"
    done = demo("--out", folder, "--size", f"{SIZE[0]}x{SIZE[1]}", "--prompt", "snow")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def report(result) -> dict:
    return json.loads((result / "report.json").read_text())


def test_all_files_and_nothing_else(result):
    assert {path.name for path in result.iterdir()} == MAPS | PICTURES | {"report.json"}


def test_every_picture_has_the_asked_size(result):
    for name in PICTURES - {"sheet.png"}:
        assert picture(result / name).shape[:2] == SIZE[::-1], name


def test_figures_are_good_and_true(result, report):
    figures = report["figures"]
    maps = np.load(result / "maps.npz")
    things = maps["instance_map"] > 0
    error = (picture(result / "projected.png")[things].astype(float) - picture(result / "generated.png")[things]) ** 2
    told = figures["psnr_projected_all_colours_db"]
    assert error.mean() == pytest.approx(255**2 / 10 ** (told / 10), rel=0.01, abs=1e-6)
    assert figures["psnr_projected_db"] >= 45  # the street has Blender's default view, AgX
    assert figures["psnr_backdrop_db"] >= 45
    assert figures["side_agreement"]["share"] >= 0.98
    assert figures["instances"] == len(json.loads((result / "legend.json").read_text())["instances"])


def test_retouch_changes_one_thing_alone(result, report):
    mask = picture(result / "mask.png") == 255
    maps = np.load(result / "maps.npz")
    assert (mask == (maps["instance_map"] == report["retouch"]["id"])).all()
    before, after = picture(result / "generated.png"), picture(result / "retouched.png")
    assert (before[~mask] == after[~mask]).all()
    assert (before[mask] != after[mask]).any()


def test_maps_fit_together(result):
    maps = np.load(result / "maps.npz")
    legend = json.loads((result / "legend.json").read_text())
    assert {name: (maps[name].dtype.name, maps[name].shape) for name in maps} == {
        "instance_map": ("uint32", SIZE[::-1]),
        "class_map": ("uint16", SIZE[::-1]),
        "depth": ("float32", SIZE[::-1]),
        "normal": ("float32", (*SIZE[::-1], 3)),
    }
    assert ((maps["instance_map"] == 0) == np.isinf(maps["depth"])).all()
    for one in legend["instances"]:
        seen = maps["instance_map"] == one["id"]
        assert seen.sum() == one["pixels"]
        assert (maps["class_map"][seen] == one["class_id"]).all()


def test_results_that_are_there_are_replaced(result):
    (result / "mine.txt").write_text("keep")
    done = demo("--out", result, "--size", "80x48")
    assert done.returncode == 0, done.stderr
    assert picture(result / "generated.png").shape[:2] == (48, 80)
    assert (result / "mine.txt").read_text() == "keep"
    (result / "mine.txt").unlink()


@pytest.mark.parametrize("name", ["kenney_city/kenney_city.blend", "kaykit_furniture/gltf/couch.gltf"])
def test_real_scenes(scenes, tmp_path, name):
    done = demo("--scene", scenes / name, "--out", tmp_path, "--size", "256x144")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "report.json").read_text())["figures"]
    assert figures["psnr_projected_db"] >= 45
    assert figures["psnr_backdrop_db"] >= 45
    assert figures["side_agreement"]["share"] >= 0.98


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scene", "no/such.blend"], "no/such.blend"),
        (["--scene", __file__], "test_demo.py"),
        (["--size", "0x5"], "0x5"),
        (["--size", "3x64"], "Use 4 to 8192"),
        (["--size", "100000x100000"], "8192"),
        (["--size", "big"], "1024x576"),
        (["--generator", "dream"], "preview"),
        (["--camera", "Nobody"], "Nobody"),
        (["--seed", "-1"], "Seed"),
        (["--nonsense"], "--help"),
        (["--room", "--scene", "my.blend"], "two scenes"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, arguments, words):
    out = tmp_path / "out"
    done = demo("--out", out, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not out.exists()


def test_file_that_is_no_scene(tmp_path):
    (tmp_path / "broken.blend").write_bytes(b"BLENDER but not really")
    done = demo("--scene", tmp_path / "broken.blend", "--out", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "broken.blend" in done.stderr
    assert not (tmp_path / "out").exists()


def test_scene_without_a_visible_object(tmp_path):
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "empty.blend"))
    done = demo("--scene", tmp_path / "empty.blend", "--out", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "visible" in done.stderr
    assert not (tmp_path / "out").exists()


def test_out_is_a_file(tmp_path):
    (tmp_path / "out").write_text("mine")
    done = demo("--out", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert (tmp_path / "out").read_text() == "mine"


def test_disk_that_fills_up_leaves_no_half_written_file(tmp_path):
    """A limit on file sizes stands in for a full disk: writes fail in the middle in the same way (EFBIG for ENOSPC)."""
    done = demo("--out", tmp_path / "out", "--size", "640x360", limit={"RLIMIT_FSIZE": 2_000_000})
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_in_the_middle_of_a_render_ends_it_and_leaves_nothing(tmp_path, name):
    """Blender swallows what Python raises inside its renders: the demo must end all the same."""
    command = [sys.executable, "-P", "-m", "scripts.lib.demo", "--out", str(tmp_path / "new" / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        next(line for line in running.stdout if "generate picture" in line)
        time.sleep(0.7)  # it projects and renders now
        running.send_signal(getattr(signal, name))
        _, said = running.communicate(timeout=60)
    assert running.returncode == 128 + getattr(signal, name)
    assert said == "scripts/demo: cancelled, nothing was written\n"
    assert not (tmp_path / "new").exists()


def test_nobody_need_listen(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "scripts.lib.demo", "--out", str(tmp_path / "out"), "--size", "64x36"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "out" / "sheet.png").exists()
