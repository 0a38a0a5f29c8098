"""How what is projected is lit: by itself, by itself but for the shadows that fall on it, or as any surface."""

import bpy
import numpy as np
import pytest

from blender_segaddon import capture, texturing
from blender_segaddon.protocol.errors import InvalidInput, SceneError

from .cast import cast_maps
from .little import SIZE, gentle_picture, little_scene, psnr
from .snapshot import take, traces

SAMPLES = 32


@pytest.fixture
def scene() -> bpy.types.Scene:
    made = little_scene()
    made.view_settings.view_transform = "Standard"
    sun = bpy.data.objects["Sun"]
    sun.rotation_euler, sun.data.energy, sun.data.angle = (-0.7, 0, 0), 3.0, 0.0
    bpy.context.view_layer.update()
    return made


def put(scene, lighting, **options):
    maps = cast_maps(scene, SIZE)
    linear = texturing.to_scene_linear(gentle_picture(), scene)
    placed = texturing.project(scene, linear.pixels, maps)
    camera = capture.stored_camera(maps.camera)
    try:
        return maps, texturing.set_lighting(scene, placed, lighting, camera, samples=SAMPLES, **options)
    finally:
        capture.remove_camera(camera)


def shown(scene) -> np.ndarray:
    return texturing.render_view(scene, size=SIZE, samples=SAMPLES)[..., :3]


def cube(scene, place) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=place)
    bpy.context.view_layer.update()
    return bpy.context.object


def test_a_cube_casts_a_shadow_on_the_picture_and_changes_nothing_else(scene):
    maps, placed = put(scene, "shadows")
    assert placed.lighting == "shadows"
    assert texturing.placements(scene) == [placed]
    seen = maps.instance_map > 0
    before = shown(scene)
    assert psnr(before, gentle_picture(), seen) >= 35
    cube(scene, (-0.6, -2.6, 0.5))
    new = cast_maps(scene, SIZE)
    is_cube = new.instance_map == next(one.id for one in new.instances if one.object == "Cube")
    after = shown(scene)
    darker = seen & ~is_cube & (after.astype(int).sum(axis=-1) < 0.6 * before.astype(int).sum(axis=-1))
    assert darker.sum() > 40
    rows, columns = np.nonzero(darker | is_cube)
    away = seen.copy()  # what stands right beside the cube has light from its faces
    away[max(rows.min() - 8, 0) : rows.max() + 9, max(columns.min() - 8, 0) : columns.max() + 9] = False
    assert psnr(after, gentle_picture(), away) >= 35


def test_real_objects_of_the_capture_cast_shadows_too(scene):
    cube(scene, (-0.6, -2.6, 0.5))
    _, _ = put(scene, "shadows", real=["Cube"])
    with_cube = shown(scene)
    bpy.data.objects["Cube"].hide_render = True
    assert psnr(with_cube, shown(scene), np.ones(SIZE[::-1], bool)) < 30


def test_it_can_be_changed_and_leaves_no_trace(scene):
    texturing.render_view(scene, size=(8, 8))
    before = take()
    maps, placed = put(scene, "shadows")
    camera = capture.stored_camera(maps.camera)
    for lighting in ("lit", "unlit", "shadows", "unlit"):
        placed = texturing.set_lighting(scene, placed, lighting, camera, samples=4)
        assert placed.lighting == lighting
    capture.remove_camera(camera)
    assert psnr(texturing.render_view(scene, size=SIZE), gentle_picture(), maps.instance_map > 0) >= 60
    texturing.remove(placed)
    assert traces(before, take()) == []


def test_what_is_lit_follows_the_lamp(scene):
    maps, _ = put(scene, "lit")
    seen = maps.instance_map > 0
    bright = shown(scene)[seen].mean()
    bpy.data.objects["Sun"].data.energy = 0.0
    assert shown(scene)[seen].mean() < 0.2 * bright


def test_bad_input_is_said(scene):
    with pytest.raises(InvalidInput, match="moon"):
        put(scene, "moon")


def test_without_any_light_there_is_nothing_to_measure(scene):
    bpy.data.objects["Sun"].data.energy = 0.0
    with pytest.raises(SceneError, match="light"):
        put(scene, "shadows")
