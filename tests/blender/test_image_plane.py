"""Pictures on a plane and as light all around; and cameras that were moved since."""

import logging

import bpy
import numpy as np
import pytest

from blender_segaddon import api, capture, texturing
from blender_segaddon.flows.picture import Picture, Recipe
from blender_segaddon.protocol.errors import InvalidInput

from .cast import cast_maps
from .little import SIZE, gentle_picture, little_scene, psnr
from .snapshot import take, traces


@pytest.fixture
def scene() -> bpy.types.Scene:
    made = little_scene()
    made.view_settings.view_transform = "Standard"
    made.render.resolution_x, made.render.resolution_y = SIZE
    return made


def light(scene) -> np.ndarray:
    return texturing.to_scene_linear(gentle_picture(), scene).pixels


def panoramic(scene) -> None:
    scene.render.engine = "CYCLES"
    data = scene.camera.data
    data.type = "PANO"
    (data if hasattr(data, "panorama_type") else data.cycles).panorama_type = "EQUIRECTANGULAR"


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_the_camera_sees_the_plane_behind_everything(scene, kind):
    data = scene.camera.data
    data.type, data.ortho_scale, data.shift_x, data.shift_y = kind, 18, 0.1, 0.15
    maps = cast_maps(scene, SIZE)
    texturing.render_view(scene, size=(8, 8))
    before = take()
    plain = texturing.render_view(scene, size=SIZE)[..., :3]
    placed = texturing.image_plane(scene, light(scene), maps)
    assert texturing.placements(scene) == [placed]
    shown, behind = texturing.render_view(scene, size=SIZE), maps.instance_map == 0
    assert behind.mean() > 0.1
    assert psnr(shown, gentle_picture(), behind) >= 50
    assert np.abs(shown[..., :3][~behind].astype(int) - plain[~behind]).max() <= 3
    texturing.remove(placed)
    assert traces(before, take()) == []


def test_a_near_plane_covers_everything(scene):
    maps = cast_maps(scene, SIZE)
    texturing.image_plane(scene, light(scene), maps, 0.5)
    assert psnr(texturing.render_view(scene, size=SIZE), gentle_picture(), maps.instance_map >= 0) >= 50


def test_planes_that_cannot_be(scene):
    with pytest.raises(InvalidInput, match="depth"):
        texturing.image_plane(scene, light(scene), cast_maps(scene, SIZE), -1.0)
    panoramic(scene)
    with pytest.raises(InvalidInput, match="panorama"):
        texturing.image_plane(scene, light(scene), cast_maps(scene, SIZE))
    assert texturing.placements(scene) == []


def test_a_panorama_as_world_lights_only_when_asked(scene):
    bpy.data.objects.remove(bpy.data.objects["Sun"])
    panoramic(scene)
    maps = cast_maps(scene, SIZE)
    bright = np.full((*SIZE[::-1], 3), 0.5, np.float32)
    means = []
    for lights in (False, True):
        placed = texturing.backdrop(scene, bright, maps, lights=lights)
        shown = texturing.render_view(scene, size=SIZE, samples=8)[..., :3]
        assert np.abs(shown[maps.instance_map == 0].astype(int) - 188).max() <= 1  # .5 as sRGB
        means.append(shown[maps.instance_map > 0].mean())
        texturing.remove(placed)
    assert means[0] < 1
    assert means[1] > 20


def test_a_camera_that_moved_is_said_and_can_be_had_back(scene, caplog):
    picture = Picture(gentle_picture(), Recipe(maps=cast_maps(scene, SIZE)))
    maps = picture.maps
    scene.camera.location.x += 1.0
    scene.camera.data.lens = 35
    bpy.context.view_layer.update()
    with caplog.at_level(logging.WARNING):
        api.project(picture, scene=scene)
    assert "Stored Camera" in caplog.text
    mine = scene.camera
    assert api.use_camera_of(picture, scene=scene) == scene.camera != mine
    assert api.use_camera_of(picture, scene=scene) == scene.camera
    bpy.context.view_layer.update()
    assert psnr(texturing.render_view(scene, size=SIZE), gentle_picture(), maps.instance_map > 0) >= 60


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO", "PANO"])
def test_a_stored_camera_sees_the_same(scene, kind):
    data = scene.camera.data
    if kind == "PANO":
        panoramic(scene)
    else:
        data.type, data.shift_x, data.shift_y, data.sensor_fit = kind, 0.2, -0.3, "VERTICAL"
    maps = cast_maps(scene, SIZE)
    scene.camera = camera = capture.stored_camera(maps.camera)
    scene.collection.objects.link(camera)
    bpy.context.view_layer.update()
    assert capture.is_seen_through(scene, maps.camera)
