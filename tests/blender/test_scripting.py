"""The scripting interface on the scene, templates, and functions of pipelines."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.protocol.errors import SceneError

from .test_api import SIZE, scene  # noqa: F401  # a fixture

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "blender_segaddon/templates").glob("*.py"))


@pytest.fixture
def enabled():
    blender_segaddon.register()
    yield
    blender_segaddon.unregister()


@pytest.fixture
def ready(scene, enabled):  # noqa: F811
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    return scene


def test_the_main_way_stands_on_the_scene(ready):
    picture = ready.seg.generate("sunset", seed=3)[0]
    assert picture.pixels.shape == (SIZE[1], SIZE[0], 3)
    placement = ready.seg.project(picture)
    assert ready.seg.placements() == [placement]
    job = ready.seg.generate("sunset", seed=3, wait=False)
    assert (job.result()[0].pixels == picture.pixels).all()


def test_it_works_on_its_scene_whatever_scene_is_active(ready):
    other = bpy.data.scenes.new("Other")
    bpy.context.window.scene = other
    assert ready.seg.generate(seed=1)[0].maps.scene == ready.name
    assert [one.object for one in ready.seg.capture().instances]
    with pytest.raises(SceneError):
        other.seg.capture()
    held = other.seg
    bpy.context.window.scene = ready
    bpy.data.scenes.remove(other)
    with pytest.raises(SceneError, match="'Other' any more"):
        held.capture()


def test_the_console_completes_names_and_shows_arguments(ready):
    package = "_bl_console_utils" if bpy.app.version >= (5, 0) else "bl_console_utils"  # what Blender's console asks
    complete_namespace = importlib.import_module(f"{package}.autocomplete.complete_namespace")
    complete_calltip = importlib.import_module(f"{package}.autocomplete.complete_calltip")
    names = complete_namespace.complete("C.scene.seg.gen", {"C": bpy.context})
    assert any("generate" in name for name in names)
    assert any("seg" in name for name in complete_namespace.complete("C.scene.se", {"C": bpy.context}))
    _, _, tip = complete_calltip.complete("C.scene.seg.generate(", 21, {"C": bpy.context})
    assert "prompt" in tip and "Make pictures that sit exactly on the scene" in tip


def test_bound_functions_hide_their_scene_and_keep_the_rest(ready):
    assert "scene" not in inspect.signature(ready.seg.project).parameters
    assert "lighting" in inspect.signature(ready.seg.project).parameters
    missing = [name for name in dir(ready.seg) if name not in api.__all__]
    assert missing == []
    assert "generate" in repr(ready.seg)
    assert ready.seg.capture(ready.camera, (32, 24)).width == 32, "by place, as the signature shows it"
    assert ready.seg.capture_views([ready.camera], (32, 24))[0].width == 32


def test_nothing_is_left_on_scenes_when_it_is_disabled():
    blender_segaddon.register()
    assert hasattr(bpy.types.Scene, "seg")
    api.handlers.generated.append(print)
    blender_segaddon.unregister()
    assert not hasattr(bpy.types.Scene, "seg")
    assert api.handlers.generated == []


def test_handlers_hear_of_buttons_and_scripts_and_spoil_nothing(ready):
    heard: list[object] = []

    def broken(_made):
        raise ValueError("of the pipeline")

    api.handlers.generated += [broken, heard.append]
    api.handlers.captured.append(lambda maps: heard.append((maps.width, maps.height)))
    assert bpy.ops.segaddon.generate(prompt="sunset") == {"FINISHED"}
    assert heard == [SIZE, [api.find_picture(ready.segaddon.picture)]]
    kept = bpy.app.handlers.persistent(lambda _made: None)
    api.handlers.generated.append(kept)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert kept in api.handlers.generated
    assert not {broken, heard.append} & set(api.handlers.generated)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_run_as_they_stand(ready, path, tmp_path, monkeypatch):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    monkeypatch.chdir(tmp_path)
    exec(compile(path.read_text(), str(path), "exec"), {"__name__": "__main__"})  # as the Text Editor does
    if path.stem == "every_camera":
        assert (tmp_path / "Camera.png").exists()
    if path.stem == "first_picture":
        assert len(api.placements(ready)) == 2


def test_operators_block_for_scripts_in_background(ready, tmp_path):
    """As a farm runs it: blender -b FILE --python-expr …; here in a Blender of its own, as a module."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    script = f"""
import json, os, sys, bpy, blender_segaddon
blender_segaddon.register()
bpy.ops.wm.open_mainfile(filepath={str(tmp_path / "shot.blend")!r})
assert bpy.ops.segaddon.generate(prompt="sunset") == {{"FINISHED"}}
made = bpy.context.scene.segaddon.picture
bpy.context.scene.seg.save(made, {str(tmp_path / "made.png")!r})
print(json.dumps(list(made.size)))
sys.stdout.flush()
os._exit(0)
"""
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == list(SIZE)
    assert (tmp_path / "made.png").stat().st_size > 1000
