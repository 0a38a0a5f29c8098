"""The buttons for several views and textures, as background scripts press them."""

from __future__ import annotations

import bpy
import pytest

from blender_segaddon import api, registration

from .little import SIZE, camera, little_scene


@pytest.fixture
def scene():
    registration.register()
    try:
        scene = little_scene()
        scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *SIZE, 100
        camera(scene, "Side", (7, -4, 4), (0, 0, 0.5))
        yield scene
    finally:
        registration.unregister()


def test_from_the_first_picture_to_textures(scene):
    ops = bpy.ops.segaddon
    assert not ops.next_view.poll()
    assert not ops.apply_bake.poll()
    api.project(api.generate("autumn", maps=api.capture(scene), seed=1)[0])
    scene.camera = scene.objects["Side"]
    assert ops.show_coverage() == {"FINISHED"}
    assert tuple(bpy.data.images["Seg Coverage"].size) == SIZE
    assert ops.next_view() == {"FINISHED"}
    first, second = api.placements(scene)
    about = api.about_placement(second)
    assert (about.camera, about.prompt) == ("Side", "autumn")
    assert scene.segaddon.picture == about.image
    assert ops.show_placement(name=first.name) == {"FINISHED"}
    assert [one.shown for one in api.placements(scene)] == [False, True]
    ops.show_placement(name=first.name)
    assert ops.repaint_view(name=first.name) == {"FINISHED"}
    assert len(api.placements(scene)) == 2
    assert ops.send_to_image_editor(name=api.placements(scene)[0].name) == {"FINISHED"}
    before = len(bpy.data.cameras)
    assert ops.suggest_camera() == {"FINISHED"}
    assert scene.camera.name == "Seg View 1"
    assert len(bpy.data.cameras) == before + 1
    assert ops.apply_bake(side=256) == {"FINISHED"}
    assert api.placements(scene) == []
    assert bpy.data.objects["Ground"].active_material.name == "Seg Bake Ground"
    bpy.data.objects["Ground"].select_set(True)
    assert ops.remove_bake() == {"FINISHED"}
    assert bpy.data.objects["Ground"].active_material.name == "Grass"


def test_a_bake_that_is_cancelled_leaves_no_trace(scene):
    api.project(api.generate("autumn", maps=api.capture(scene), seed=1)[0])
    images = {one.name for one in bpy.data.images}
    job = api.start_bake(budget=40_000, scene=scene)
    assert not job.done()
    assert job.message == "Baking 1 of 6"
    job.cancel()
    with pytest.raises(api.SegAddonError, match="cancelled"):
        job.result()
    assert {one.name for one in bpy.data.images} == images
    assert not any(mesh.uv_layers for mesh in bpy.data.meshes)


def test_what_is_gone_is_said(scene):
    with pytest.raises(RuntimeError, match="not in this scene"):
        bpy.ops.segaddon.show_placement(name="Nobody")
