"""Several views from one session, and pictures that are rendered in bands: the same as one render each."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_segaddon.capture import capture, capture_views, cycles
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, SceneError

from . import scenes, snapshot

SIZE = (96, 54)


def same(one, other):
    assert one.instances == other.instances
    for name in ("instance_map", "class_map", "depth", "normal"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.camera.to_dict() == other.camera.to_dict()


@pytest.fixture
def scene():
    """Everything, with what makes Blender evaluate objects again: a holdout, a catcher, things without material."""
    scene = scenes.everything()
    bpy.data.objects["Floor"].is_shadow_catcher = True
    bpy.data.objects["Text"].is_holdout = True
    return scene


def test_bands_are_the_whole_picture(scene, monkeypatch):
    whole = capture(scene, size=SIZE)
    monkeypatch.setattr(cycles, "_ONE_BAND", 0)
    for first in (1, 7, 20):
        monkeypatch.setattr(cycles, "_FIRST_BAND", first * SIZE[0])
        monkeypatch.setattr(cycles, "_BAND_LIMIT", first * SIZE[0])
        same(capture(scene, size=SIZE), whole)


@pytest.mark.parametrize("height", [5, 33, 4096, 9999, 16384])
def test_bands_follow_each_other_without_gaps(height):
    found = list(cycles.bands((700, height)))
    assert [top for top, _ in found] == [0, *np.cumsum([lines for _, lines in found])[:-1]]
    assert sum(lines for _, lines in found) == height


def test_views_are_those_of_captures(scene):
    camera = scene.camera
    aside = scenes.camera(at=(6, -9, 4), towards=(0, 0, 0.5), lens=28)
    flat = scenes.camera(at=(0, -12, 3), towards=(0, 0, 0.5), type="ORTHO", ortho_scale=9.0)
    scene.camera = camera
    place = Matrix.Translation((1, 0.5, 1)) @ camera.matrix_world
    bpy.context.view_layer.update()
    before = snapshot.take()
    maps = capture_views(scene, [camera, aside, place, flat, camera], size=SIZE)
    assert snapshot.traces(before, snapshot.take()) == []
    same(maps[0], capture(scene, camera=camera, size=SIZE))
    same(maps[1], capture(scene, camera=aside, size=SIZE))
    same(maps[3], capture(scene, camera=flat, size=SIZE))
    same(maps[4], maps[0])
    camera.matrix_world = place
    same(maps[2], capture(scene, camera=camera, size=SIZE))


@pytest.mark.parametrize("flag", ["is_holdout", "is_shadow_catcher"])
def test_flags_do_not_make_blender_evaluate_again(flag, monkeypatch):
    """To set one alone has Blender sort all view layers, from the thread of the render; every light is a catcher's."""
    scene = scenes.empty()
    shown = scenes.add("Cube", scenes.mesh())
    shown.data.materials.append(scenes.material("Paint"))
    setattr(shown, flag, True)
    assert scenes.add("Sun", bpy.data.lights.new("Sun", "SUN")).is_shadow_catcher
    scene.camera = scenes.camera(at=(0, -9, 4), towards=(0, 0, 0))
    rendered, visit = [], cycles.Session.visit
    monkeypatch.setattr(cycles.Session, "visit", lambda *given: rendered.append(visit(*given)) or rendered[-1])
    maps = capture_views(scene, [scene.camera, scene.camera], size=SIZE)
    assert [one.object for one in maps[1].instances] == [shown.name]
    assert rendered == [True, True]  # once for each view


def test_views_see_what_happened_between_two_calls(scene):
    camera = scene.camera
    capture_views(scene, [camera, camera], size=SIZE)
    data = bpy.data.objects["No material"].data
    flat = np.zeros(len(data.vertices) * 3, np.float32)
    data.vertices.foreach_get("co", flat)
    data.vertices.foreach_set("co", flat * 2)  # nobody tells Blender
    maps = capture_views(scene, [camera, camera], size=SIZE)
    same(maps[0], maps[1])
    same(maps[0], capture(scene, size=SIZE))


def test_no_views_and_bad_ones(scene):
    assert capture_views(scene, [], size=SIZE) == []
    before = snapshot.take()
    with pytest.raises(SceneError, match="is no camera"):
        capture_views(scene, [scene.camera, bpy.data.objects["Floor"]], size=SIZE)
    with pytest.raises(InvalidInput, match="4×4"):
        capture_views(scene, [scene.camera, (1, 2, 3)], size=SIZE)
    with pytest.raises(Cancelled):
        capture_views(scene, [scene.camera] * 3, size=SIZE, cancelled=iter([False] * 6 + [True] * 9).__next__)
    assert snapshot.traces(before, snapshot.take()) == []
