"""The open file before and after a capture, and after one that ends badly."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import (
    add_framing_camera,
    capture,
    cycles,
    evidence,
    framing,
    ids_engine,
    remove_camera,
    second_camera,
)
from blender_segaddon.protocol.errors import Cancelled, CaptureError, InvalidInput

from . import scenes, snapshot

SIZE = (32, 18)


@pytest.fixture
def scene():
    """Everything, in edit mode, with settings of all sorts that a capture has to set otherwise."""
    scene = scenes.everything()
    scene.frame_set(7, subframe=0.25)
    scene.render.resolution_percentage, scene.render.use_border, scene.render.use_motion_blur = 40, True, True
    scene.cycles.samples = 77
    scene.world = bpy.data.worlds.new("World")
    scene.view_layers[0].aovs.add().name = "Mine"
    scene.view_layers[0].material_override = scenes.material("Override")
    scene.camera.data.dof.use_dof = True
    scene["mine"] = {"list": [1, 2], "text": "words"}
    bpy.data.objects["Floor"].is_shadow_catcher = True
    bpy.data.objects["Text"].is_holdout = True
    bpy.data.objects["Pipe"].use_fake_user = True
    more = bpy.data.collections.new("More")
    scene.collection.children.link(more)
    more.objects.link(bpy.data.objects["Text"])
    if bpy.app.version < (5, 0):
        scene.use_nodes = True
    old = bpy.data.materials.new("Without nodes")
    bpy.data.objects["Duplicate -3"].data.materials.append(old)
    bpy.context.view_layer.objects.active = bpy.data.objects["Duplicate -3"]
    bpy.data.objects["Duplicate -3"].select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    return scene


def check_untouched(before):
    assert snapshot.difference(before, snapshot.take()) == []


def test_a_snapshot_notices_changes(scene):
    def change(path, action):
        before = snapshot.take()
        assert snapshot.difference(before, snapshot.take()) == []
        action()
        lines = snapshot.difference(before, snapshot.take())
        assert any(path in line for line in lines), lines

    bpy.ops.object.mode_set(mode="OBJECT")
    objects, materials = bpy.data.objects, bpy.data.materials
    change("cycles.samples", lambda: setattr(scene.cycles, "samples", 78))
    change("resolution_x", lambda: setattr(scene.render, "resolution_x", 3))
    change("location", lambda: setattr(objects["Floor"], "location", (1, 0, 0)))
    change("vertices", lambda: setattr(objects["Floor"].data.vertices[0], "co", (9, 9, 9)))
    change("material_index", lambda: setattr(objects["Floor"].data.polygons[0], "material_index", 1))
    change("default_value", lambda: setattr(materials["Floor"].node_tree.nodes[0].inputs[0], "default_value", (0,) * 4))
    change("links", materials["Floor"].node_tree.links.clear)
    change("seg", lambda: objects["Floor"].__setitem__("seg", "tree"))
    change("['mine']", lambda: scene["mine"].__setitem__("list", [1, 3]))
    change("selected", lambda: objects["Floor"].select_set(True))
    change("active", lambda: setattr(bpy.context.view_layer.objects, "active", objects["Floor"]))
    change("mode", lambda: bpy.ops.object.mode_set(mode="EDIT"))
    change("materials", lambda: bpy.data.materials.new("Orphan"))
    change("users", lambda: setattr(materials["Orphan"], "use_fake_user", True))
    change("images", lambda: bpy.data.images.new("Picture", 4, 4))
    change("frame_current", lambda: scene.frame_set(8))
    change("modifiers", lambda: setattr(objects["Field"].modifiers[0], "show_render", False))
    change("handlers.render_pre", lambda: bpy.app.handlers.render_pre.append(len))
    bpy.app.handlers.render_pre.clear()


def test_a_capture_leaves_no_trace(scene):
    before = snapshot.take()
    capture(scene, size=SIZE)
    check_untouched(before)
    capture(scene, size=SIZE)
    check_untouched(before)


class Injected(Exception):
    pass


@pytest.mark.parametrize(
    "module, name",
    [
        (cycles, "read_camera"),
        (cycles, "write_ids"),
        (cycles, "use_stand_in"),
        (cycles, "collect"),
        (cycles, "decode"),
        (evidence, "classify"),
        (ids_engine, "_read_passes"),
        (ids_engine, "driver"),
    ],
)
def test_an_exception_leaves_no_trace(scene, monkeypatch, module, name):
    def fail(*_, **__):
        raise Injected(name)

    before = snapshot.take()
    with monkeypatch.context() as patch:
        patch.setattr(module, name, fail)
        with pytest.raises((Injected, CaptureError)):
            capture(scene, size=SIZE)
    check_untouched(before)
    assert capture(scene, size=SIZE).instances


@pytest.mark.parametrize("step", range(4))
def test_a_cancel_leaves_no_trace(scene, step):
    before, asked = snapshot.take(), []

    def cancelled():
        asked.append(1)
        return len(asked) > step

    with pytest.raises(Cancelled):
        capture(scene, size=SIZE, cancelled=cancelled)
    assert len(asked) == step + 1
    check_untouched(before)


def test_bad_input_leaves_no_trace(scene):
    before = snapshot.take()
    with pytest.raises(InvalidInput):
        capture(scene, size=(0, 5))
    with pytest.raises(InvalidInput):
        capture(scene, background="no such thing")
    check_untouched(before)


def test_handlers_of_the_user_do_not_run(scene):
    ran = []
    names = ("render_init", "render_pre", "render_post", "render_complete", "frame_change_pre", "frame_change_post")

    def handler(*_):
        ran.append(1)

    for name in names:
        getattr(bpy.app.handlers, name).append(handler)
    capture(scene, size=SIZE)
    assert not ran
    assert all(getattr(bpy.app.handlers, name)[:] == [handler] for name in names)
    scene.frame_set(3)
    assert ran
    for name in names:
        getattr(bpy.app.handlers, name).remove(handler)


def test_the_user_s_render_result_stays(tmp_path):
    scene = scenes.everything()
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.resolution_x, scene.render.resolution_y = 24, 16
    bpy.ops.render.render()
    result = bpy.data.images["Render Result"]
    result.save_render(str(tmp_path / "before.png"), scene=scene)
    capture(scene, size=SIZE)
    assert bpy.data.images["Render Result"] == result
    result.save_render(str(tmp_path / "after.png"), scene=scene)
    assert (tmp_path / "before.png").read_bytes() == (tmp_path / "after.png").read_bytes()


def test_cameras_of_ours_go_without_a_trace(scene):
    before = snapshot.take()
    own = scene.camera
    maps = capture(scene, size=SIZE)
    side = second_camera(scene, own, maps)
    assert scene.camera == own
    remove_camera(side)
    check_untouched(before)
    framing_camera = add_framing_camera(scene)
    assert scene.camera == framing_camera
    remove_camera(framing_camera)
    scene.camera = own
    check_untouched(before)


def test_a_failed_framing_leaves_no_camera(scene, monkeypatch):
    before = snapshot.take()

    def fail(*_, **__):
        raise Injected

    monkeypatch.setattr(framing, "_count", fail)
    with pytest.raises(Injected):
        add_framing_camera(scene)
    check_untouched(before)


def test_a_scene_in_edit_mode_is_captured_as_it_is(scene):
    assert bpy.context.mode == "EDIT_MESH"
    maps = capture(scene, size=(96, 54))
    assert bpy.context.mode == "EDIT_MESH"
    names = {one.object for one in maps.instances}
    assert {"Floor", "Text", "Duplicate -3", "Duplicate -2"} <= names
    assert np.isfinite(maps.depth[maps.instance_map > 0]).all()
