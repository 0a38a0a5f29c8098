"""What cannot be placed is said in one line with a way out, and leaves the scene as it was."""

from __future__ import annotations

import logging

import bpy
import numpy as np
import pytest

from blender_segaddon import api, texturing
from blender_segaddon.flows.picture import Picture, Recipe
from blender_segaddon.protocol.errors import InvalidInput, SceneError, SegAddonError, StorageError

from .little import SIZE, gentle_picture, little_scene, psnr
from .snapshot import take, traces


@pytest.fixture
def scene() -> bpy.types.Scene:
    made = little_scene()
    made.view_settings.view_transform = "Standard"
    return made


@pytest.fixture
def picture(scene) -> Picture:
    return Picture(gentle_picture(), Recipe(api.capture(scene, size=SIZE)))


PLACES = [api.project, api.backdrop, api.image_plane]


def refused(call, error: type[SegAddonError], said: str) -> None:
    before = take()
    with pytest.raises(error, match=said) as caught:
        call()
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert traces(before, take()) == []


def test_no_camera(scene, picture):
    api.project(picture)
    bpy.data.objects.remove(scene.camera)
    for call in (api.capture, api.next_view, api.suggest_cameras, api.coverage, lambda: api.reference(picture)):
        refused(call, SceneError, "no camera")
    refused(lambda: api.update(api.placements()[0]), SceneError, "Camera 'Camera' is gone")
    for place in PLACES:  # the picture knows its own
        assert place(picture) in api.placements()


@pytest.mark.parametrize("place", PLACES)
def test_a_picture_of_another_size_than_its_capture(picture, place):
    wrong = Picture(gentle_picture((40, 30)), picture.recipe)
    refused(lambda: place(wrong), InvalidInput, "30 × 40 × 3, the capture 64 × 96 × 3")


@pytest.mark.parametrize("place", PLACES)
def test_a_picture_that_is_of_no_scene(scene, place):
    refused(lambda: place(gentle_picture()), InvalidInput, "not made from a scene")
    gone = Picture(gentle_picture(), Recipe(api.capture(scene, size=SIZE)))
    scene.name = "Another"
    refused(lambda: place(gone), SceneError, "is gone")


def test_objects_without_uv_layers_or_faces(scene):
    """They are no trouble for a projection; a bake makes UV layers, but no faces."""
    points = bpy.data.meshes.new("Points")
    points.from_pydata([(0, 0, 0), (1, 0, 0)], [(0, 1)], [])
    scene.collection.objects.link(bpy.data.objects.new("Points", points))
    for mesh in bpy.data.meshes:
        while mesh.uv_layers:
            mesh.uv_layers.remove(mesh.uv_layers[0])
    bpy.context.view_layer.update()
    maps = api.capture(scene, size=SIZE)
    assert "Points" not in api.project(Picture(gentle_picture(), Recipe(maps))).skipped
    assert psnr(texturing.render_view(scene, size=SIZE), gentle_picture(), maps.instance_map > 0) >= 60
    refused(lambda: api.bake(["Points"]), InvalidInput, "'Points' has no faces")
    refused(lambda: api.project(Picture(gentle_picture(), Recipe(maps)), objects=["Points"]), InvalidInput, "Points")
    assert api.bake(["Ground"], budget=20_000)


def test_folders_that_cannot_be_written(picture):
    api.project(picture)
    refused(lambda: api.apply_bake(["Ground"], budget=20_000, folder="/proc/textures"), StorageError, "/proc/textures")
    assert len(api.placements()) == 1


def test_a_file_that_may_only_be_read(scene, picture, tmp_path):
    """Nothing is written until people save, under another name."""
    path = tmp_path / "mine.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    path.chmod(0o444)
    before = path.read_bytes()
    placed = api.project(picture, scene=bpy.context.scene)
    api.bake(["Ground"], budget=20_000)
    api.remove_placement(placed)
    assert path.read_bytes() == before


def test_linked_objects_take_a_picture_by_a_local_copy_and_no_bake(scene, picture, tmp_path):
    path = str(tmp_path / "library.blend")
    bpy.data.libraries.write(path, {bpy.data.objects["Left"]})
    bpy.data.objects.remove(bpy.data.objects["Left"])
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = ["Left"]
    scene.collection.objects.link(wanted.objects[0])
    bpy.context.view_layer.update()
    maps = api.capture(scene, size=SIZE)
    linked = wanted.objects[0]
    refused(lambda: api.bake([linked.name], scene=scene), InvalidInput, "(?i)no picture|linked")
    placed = api.project(Picture(gentle_picture(), Recipe(maps)))
    assert linked.library is not None
    api.remove_placement(placed)
    assert scene.objects["Left"] == linked


def test_a_camera_that_was_moved_since_the_capture_is_said(scene, picture, caplog):
    scene.camera.location.x += 1.0
    bpy.context.view_layer.update()
    with caplog.at_level(logging.WARNING):
        api.project(picture)
    assert "camera is another than at the capture" in caplog.text
    assert "Use Stored Camera" in caplog.text
    assert np.allclose(np.array(api.use_camera_of(picture).matrix_world), picture.maps.camera.matrix_world, atol=1e-5)
