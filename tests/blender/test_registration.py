"""The buttons in a real Blender (in background, so operators run as scripts run them)."""

from __future__ import annotations

import bpy
import pytest

import blender_segaddon
from blender_segaddon import api

from .test_api import SIZE, scene  # noqa: F401  # a fixture


@pytest.fixture
def enabled():
    blender_segaddon.register()
    yield
    blender_segaddon.unregister()


@pytest.fixture
def ready(scene, enabled):  # noqa: F811
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    return scene


def _traces() -> tuple[object, ...]:
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    handlers = {name: len(value) for name, value in lists.items() if isinstance(value, list)}
    classes = {name for name in dir(bpy.types) if "segaddon" in name.lower()}
    keymaps = bpy.context.window_manager.keyconfigs.addon
    return handlers, classes, hasattr(bpy.types.Scene, "segaddon"), len(keymaps.keymaps) if keymaps else 0


def test_enable_and_disable_twice_leaves_nothing():
    before = _traces()
    for _ in range(2):
        blender_segaddon.register()
        assert _traces() != before
        blender_segaddon.unregister()
        assert _traces() == before


def test_buttons_do_the_main_job(ready):
    settings = ready.segaddon
    assert bpy.ops.segaddon.capture() == {"FINISHED"}
    assert bpy.ops.segaddon.generate(prompt="sunset") == {"FINISHED"}
    first = settings.picture
    assert tuple(first.size) == SIZE
    assert bpy.ops.segaddon.project() == {"FINISHED"}
    assert bpy.ops.segaddon.backdrop() == {"FINISHED"}
    bpy.context.view_layer.objects.active = bpy.data.objects["Car"]
    assert bpy.ops.segaddon.retouch_object(prompt="red brick") == {"FINISHED"}
    assert settings.picture != first
    for placement in api.placements(ready):
        assert bpy.ops.segaddon.remove_placement(name=placement.name) == {"FINISHED"}
    assert api.placements(ready) == []


def test_class_by_button(ready):
    bpy.ops.object.select_all(action="DESELECT")
    bpy.data.objects["House"].select_set(True)
    assert bpy.ops.segaddon.set_class(class_name="tree") == {"FINISHED"}
    house = next(one for one in api.capture(ready).instances if one.object == "House")
    assert (house.class_name, house.class_source) == ("tree", "object property")
    with pytest.raises(RuntimeError, match="spaceship"):
        bpy.ops.segaddon.set_class(class_name="spaceship")


def test_error_is_reported_not_raised_from_deep(ready):
    ready.camera = None
    with pytest.raises(RuntimeError, match="camera"):
        bpy.ops.segaddon.generate()
    assert bpy.ops.segaddon.add_camera() == {"FINISHED"}
    assert ready.camera is not None
