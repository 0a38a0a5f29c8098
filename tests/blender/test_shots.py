"""Shots: cameras with the words and the seed that belong to them. Views themselves are in scripts/lib/gui_first.py."""

from __future__ import annotations

import bpy
import pytest

import blender_segaddon
from blender_segaddon import api

from .test_api import SIZE, scene  # noqa: F401  # a fixture


@pytest.fixture
def ready(scene):  # noqa: F811
    blender_segaddon.register()
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    yield scene
    blender_segaddon.unregister()


def add(of: bpy.types.Scene, name: str, prompt: str) -> bpy.types.Object:
    camera = of.camera.copy()
    camera.name = name
    of.collection.objects.link(camera)
    shot = of.segaddon_shots.add()
    shot.name, shot.camera, shot.prompt, shot.seed = name, camera, prompt, 5
    return camera


def test_a_shot_has_words_and_a_seed_of_its_own(ready):
    first, second = add(ready, "Wide", "noon"), add(ready, "Close", "night")
    assert bpy.ops.segaddon.use_shot(index=0) == {"FINISHED"}
    assert (ready.camera, ready.segaddon.prompt, ready.segaddon.seed) == (first, "noon", 5)
    ready.segaddon.prompt = "noon, snow"
    bpy.ops.segaddon.use_shot(index=1)
    assert (ready.camera, ready.segaddon.prompt) == (second, "night")
    bpy.ops.segaddon.use_shot(index=0)
    assert ready.segaddon.prompt == "noon, snow"


def test_a_shot_keeps_the_seed_of_its_picture(ready):
    add(ready, "Wide", "noon")
    bpy.ops.segaddon.use_shot(index=0)
    ready.segaddon.random_seed = True
    bpy.ops.segaddon.generate()
    assert ready.segaddon_shots[0].seed == ready.segaddon.seed != 5
    ready.camera = next(one for one in ready.objects if one.type == "CAMERA" and one.name == "Camera")
    kept = ready.segaddon_shots[0].seed
    bpy.ops.segaddon.generate()
    assert ready.segaddon_shots[0].seed == kept  # another camera's picture


def test_what_is_painted_under_a_mask_is_not_the_picture_of_a_shot(ready):
    add(ready, "Wide", "noon")
    bpy.ops.segaddon.use_shot(index=0)
    bpy.ops.segaddon.generate()
    kept = ready.segaddon_shots[0].seed
    picture = api.find_picture(ready.segaddon.picture)
    api.inpaint(picture, picture.maps.instance_map > 0, "gold", seed=kept + 1)
    assert ready.segaddon_shots[0].seed == kept


def test_a_shot_whose_camera_is_gone_says_so(ready):
    bpy.data.objects.remove(add(ready, "Wide", "noon"))
    with pytest.raises(RuntimeError, match="camera of this shot is gone"):
        bpy.ops.segaddon.use_shot(index=0)
    assert bpy.ops.segaddon.remove_shot(index=0) == {"FINISHED"}
    assert len(ready.segaddon_shots) == 0
    assert not bpy.ops.segaddon.shot_from_view.poll()
