"""Blender in the middle of a job: another file, undo, the add-on disabled, the end of Blender. Nothing is lost."""

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
from blender_segaddon.flows.jobs import LeftBehind
from blender_segaddon.operators import running, server
from blender_segaddon.protocol.errors import InvalidInput

from .test_api import scene  # noqa: F401  # a fixture

SIZE = (320, 192)
"""Large enough for 16 pictures to take a while."""
REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif("SEGADDON_SERVER_PYTHON" not in os.environ, reason="SEGADDON_SERVER_PYTHON is not set")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A server of this test's own."""
    folder = tmp_path / "server"
    monkeypatch.setenv("SEGADDON_STATE_DIR", str(folder))
    api.configure(api.Connection(state_dir=folder, end_with_us=True))
    yield folder
    for one in api.unfinished():
        api.discard(one)
    api.leave_server()
    api.end_server()
    api.configure(api.DEFAULT_CONNECTION)


@pytest.fixture
def ready(scene, home):  # noqa: F811
    blender_segaddon.register()
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    yield scene
    blender_segaddon.unregister()


def _begin(scene) -> api.Job:  # noqa: F811
    """A job under way as the window's modal operator leaves it; it takes a while."""
    maps = api.capture(scene)
    job = api.generate("snow", maps=maps, seed=7, count=16, wait=False)
    timer = bpy.context.window_manager.event_timer_add(10.0)
    running.current = running.Running(job, "segaddon.generate", scene.name, timer)
    end = time.monotonic() + 20
    while not (job.event and job.event.steps) and time.monotonic() < end:
        time.sleep(0.01)
    assert not job.done()
    return job


def _expected(maps: api.SceneMaps):
    return api.generate("snow", maps=maps, seed=7)[0].pixels


def test_another_file_leaves_the_picture_to_the_server(ready, tmp_path):
    saved = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=saved)
    job = _begin(ready)
    name = ready.name
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert running.current is None
    with pytest.raises(LeftBehind, match="unfinished"):
        job.result(5)
    assert server.seen.unfinished == ()  # it belongs to another file
    (one,) = api.unfinished()
    assert (one.file, one.scene, one.prompt) == (saved, name, "snow")
    bpy.ops.wm.open_mainfile(filepath=saved)
    (shown,) = server.seen.unfinished
    assert bpy.ops.segaddon.collect(key=shown.key) == {"FINISHED"}
    picture = api.find_picture(bpy.data.scenes[name].segaddon.picture)
    assert (picture.pixels == _expected(picture.maps)).all()
    assert {"House", "Car"} <= {one.object for one in picture.maps.instances}
    assert api.project(picture).kind == "projection"
    assert api.unfinished() == []
    assert server.seen.unfinished == ()


def test_the_addon_disabled_in_the_middle(ready):
    job = _begin(ready)
    blender_segaddon.unregister()
    assert job.done()
    assert not [one for one in threading.enumerate() if one.name.startswith("segaddon")]
    blender_segaddon.register()
    (one,) = api.unfinished()
    assert one.id
    heard: list[object] = []
    api.handlers.generated.append(heard.append)
    pictures = api.resume(one.id)
    assert heard == [pictures]
    assert len(pictures) == 16
    assert (pictures[0].pixels == _expected(pictures[0].maps)).all()


def test_undo_in_the_middle(ready):
    bpy.ops.ed.undo_push(message="Before")
    maps = api.capture(ready)
    ready["mark"] = 1
    bpy.ops.ed.undo_push(message="After")
    job = api.generate("snow", maps=maps, seed=7, wait=False)
    bpy.ops.ed.undo()
    (picture,) = job.result(30)
    assert (picture.pixels == _expected(maps)).all()
    assert api.project(picture).kind == "projection"


def test_a_script_keeps_its_handle_through_another_file_and_the_addon(ready):
    maps = api.capture(ready)
    job = api.generate("snow", maps=maps, seed=7, wait=False)
    blender_segaddon.unregister()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_segaddon.register()
    (picture,) = job.result(30)
    assert (picture.pixels == _expected(maps)).all()
    assert tuple(picture.image.size) == SIZE


def test_a_picture_that_nobody_wants_any_more(ready):
    _begin(ready)
    running.stop()
    (one,) = api.unfinished()
    assert bpy.ops.segaddon.discard(key=one.key) == {"FINISHED"}
    assert api.unfinished() == []
    with pytest.raises(InvalidInput, match="unfinished"):
        api.resume(one.id)


def test_renders_on_the_gpu_alone_make_the_server_step_aside(scene):  # noqa: F811
    for engine, device, expected in (
        ("CYCLES", "CPU", False),
        ("CYCLES", "GPU", True),
        ("BLENDER_WORKBENCH", "CPU", True),
    ):
        scene.render.engine, scene.cycles.device = engine, device
        assert server.renders_on_gpu(scene) == expected


_OTHER_BLENDER = """
import os, sys, time
import bpy
from blender_segaddon import api
{then}
sys.stdout.flush()
os._exit(0)
"""
_SCENE = """
bpy.ops.wm.read_factory_settings()
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 320, 192
maps = api.capture(scene)
"""


def _blender(then: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _OTHER_BLENDER.format(then=then)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, **options)


def _said(program: subprocess.Popen[str], word: str) -> str:
    """What follows ``word`` on the first line of a program's output that begins with it."""
    assert program.stdout
    lines = []
    for line in program.stdout:
        lines.append(line)
        if line.startswith(word):
            return line.removeprefix(word).strip()
    raise AssertionError("".join(lines) + (program.stderr.read() if program.stderr else ""))


def test_two_blenders_share_one_server_and_its_worker(home):
    then = _SCENE + 'api.generate("snow", maps=maps)\ni = api.check_server()\nprint("PIDS", i.pid, i.worker_pid)\n'
    programs = [_blender(then + "sys.stdout.flush(); time.sleep(60)") for _ in range(2)]
    try:
        pids = {_said(program, "PIDS") for program in programs}
    finally:
        for program in programs:
            program.kill()
            program.communicate()
    assert len(pids) == 1


def test_a_blender_that_is_killed_leaves_its_picture_to_the_next(home, scene):  # noqa: F811
    then = _SCENE + 'job = api.generate("snow", maps=maps, seed=7, count=16, wait=False)\n'
    then += "while not (job.event and job.event.steps): time.sleep(0.01)\n"
    then += 'time.sleep(0.2)\nprint("GO", flush=True)\ntime.sleep(60)'
    program = _blender(then)
    try:
        _said(program, "GO")
    finally:
        program.kill()
        program.communicate()
    (one,) = api.unfinished()
    pictures = api.resume(one)
    assert len(pictures) == 16
    assert (pictures[0].pixels == _expected(pictures[0].maps)).all()
    assert {thing.object for thing in pictures[0].maps.instances} == {"Cube"}
