"""What the buttons have under way when the add-on or the file goes away under it."""

from __future__ import annotations

from typing import get_args

import bpy
import pytest

import blender_segaddon
from blender_segaddon import api, capture
from blender_segaddon.operators import running
from blender_segaddon.protocol.errors import SegAddonError

from .little import SIZE, little_scene

NEEDED = ("progress", "message", "done", "cancel", "let_go", "wait", "result")
"""What ``operators.running`` asks of a job."""


@pytest.fixture
def enabled():
    scene = little_scene()
    blender_segaddon.register()
    yield scene
    if hasattr(bpy.types.Scene, "segaddon"):
        blender_segaddon.unregister()


@pytest.mark.parametrize("kind", get_args(running.Job))
def test_every_kind_of_job_can_be_followed_and_let_go(kind):
    assert [name for name in NEEDED if not hasattr(kind, name)] == []


def test_the_addon_goes_while_the_first_of_two_jobs_is_under_way(enabled):
    maps, begun = api.capture(enabled, size=SIZE), []
    first = api.generate("autumn", maps=maps, seed=1, wait=False)
    first.holds_scene = lambda: False  # as a capture says that has rendered
    job = capture.Sequel(first, begun.append)
    timer = bpy.context.window_manager.event_timer_add(10.0)
    running.current = running.Running(job, "segaddon.generate", enabled.name, timer)
    blender_segaddon.unregister()
    assert running.current is None
    assert not hasattr(bpy.types.Scene, "segaddon")
    assert job.done()
    assert begun == []
    try:
        job.result()
    except SegAddonError as error:
        assert error.code in ("cancelled", "left_behind")  # else it was quicker
