"""The installer's buttons: offline, cancelled, the add-on switched off meanwhile, preferences that cannot be kept."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import bpy
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.client.installing import Step
from blender_segaddon.operators import setup
from blender_segaddon.protocol.errors import InstallError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def enabled():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_segaddon.register()
    yield
    if hasattr(bpy.types.Scene, "segaddon"):
        blender_segaddon.unregister()


@pytest.fixture
def online():
    system = bpy.context.preferences.system
    system.use_online_access = True
    yield
    system.use_online_access = False


def waiting(tmp_path: Path) -> api.Task:
    """Something that would take a minute."""
    step = Step("Waiting", (sys.executable, "-c", "import time; print('on', flush=True); time.sleep(60)"))
    task = api.Task("The test", lambda: [step], tmp_path / "log.txt")
    while not (tmp_path / "log.txt").exists() or "on" not in (tmp_path / "log.txt").read_text().split():
        time.sleep(0.01)
    return task


def test_the_first_picture_is_shown_over_the_view(enabled):
    bpy.ops.wm.read_factory_settings()
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = 96, 64
    assert not bpy.ops.segaddon.show_in_view.poll()
    bpy.ops.segaddon.generate()
    assert bpy.ops.segaddon.show_in_view() == {"FINISHED"}
    (shown,) = bpy.context.scene.camera.data.background_images
    assert (shown.image, shown.alpha) == (bpy.context.scene.segaddon.picture, 1.0)
    (placed,) = api.placements()
    api.show_placement(placed, False)
    assert bpy.ops.segaddon.show_in_view() == {"FINISHED"}
    assert api.placements() == [placed], "shown again, no second one over it"


def test_offline_nothing_is_downloaded_and_it_says_what_to_switch_on(enabled):
    assert not bpy.app.online_access
    for download in (api.install_server, lambda: api.pull_model("sd15-seg")):
        with pytest.raises(InstallError, match="Allow Online Access"):
            download()
    assert not bpy.ops.segaddon.install_server.poll()
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.segaddon.pull_model(name="sd15-seg")


def test_a_copy_without_the_server_offers_no_installation(enabled, online):
    assert not api.carries_server()  # the repository itself; the zip has it
    with pytest.raises(RuntimeError, match="install it from its zip"):
        bpy.ops.segaddon.install_server()
    with pytest.raises(InstallError, match="from its zip"):
        api.install_server()


def test_one_at_a_time_and_cancel(enabled, online, tmp_path):
    setup.begin(waiting(tmp_path), lambda: pytest.fail("it did not end well"))
    assert setup._tick() is not None
    assert not bpy.ops.segaddon.pull_model.poll()
    assert bpy.ops.segaddon.cancel_setup() == {"FINISHED"}
    assert setup.state.task.wait(10)
    assert setup._tick() is None
    assert (setup.state.outcome, setup.state.failed) == ("The test was cancelled", False)
    assert not bpy.ops.segaddon.cancel_setup.poll()


def test_it_ends_with_the_addon(enabled, tmp_path):
    task = waiting(tmp_path)
    setup.begin(task, lambda: None)
    blender_segaddon.unregister()
    assert task.done() and setup.state.task is None
    assert not bpy.app.timers.is_registered(setup._tick)
    names = [one.name for one in threading.enumerate()]
    assert not [name for name in names if name in ("segaddon install", "segaddon look")]


def test_what_has_ended_well_is_told_and_followed(enabled, tmp_path):
    done: list[str] = []
    quick = api.Task("The test", lambda: [Step("Quick", (sys.executable, "-c", "pass"))], tmp_path / "log.txt")
    setup.begin(quick, lambda: done.append("then"))
    quick.wait(20)
    setup._tick()
    assert (done, setup.state.outcome, setup.state.failed) == (["then"], "The test is done", False)


def test_preferences_that_cannot_be_written_spoil_nothing(tmp_path):
    """Blender's settings folder is a file: nothing can be saved there, pictures are made all the same."""
    (tmp_path / "user").mkdir()
    (tmp_path / "user/config").write_text("no folder")
    script = """
import os, sys, bpy, blender_segaddon
blender_segaddon.register()
try:
    bpy.ops.wm.save_userpref()
except RuntimeError as error:
    print("refused:", error)
bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 96, 64
print(bpy.ops.segaddon.generate(prompt="sunset"), bpy.context.scene.segaddon.picture.size[:])
blender_segaddon.unregister()
sys.stdout.flush()
os._exit(0)
"""
    variables = os.environ | {"PYTHONPATH": str(ROOT), "BLENDER_USER_RESOURCES": str(tmp_path / "user")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "{'FINISHED'} (96, 64)" in done.stdout
    assert (tmp_path / "user/config").read_text() == "no folder"
