"""Cameras, moments, and what a view layer shows."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_segaddon.capture import capture

from . import exact, scenes

SIZE = (64, 36)


@pytest.fixture(autouse=True)
def scene():
    made = scenes.empty()
    scenes.add("Floor", scenes.mesh("plane", "Floor", 30), (0, 0, -1))
    scenes.add("Ball", scenes.mesh("ball", "Ball", 2), (-1, 0, 0))
    scenes.add("Cube", scenes.mesh("cube", "Cube", 1.5), (1.3, 0.4, 0), rotation_euler=(0.3, 0.2, 0.1))
    return made


def names(maps):
    return sorted(one.object for one in maps.instances)


def centre(maps, name):
    """Where the middle of what is seen of a thing lies, world space."""
    found = next(one.id for one in maps.instances if one.object == name)
    points = maps.camera.world_points(maps.depth)[maps.instance_map == found]
    return (points.min(axis=0) + points.max(axis=0)) / 2


@pytest.mark.parametrize(
    "lens",
    [
        {},
        {"lens": 200.0, "shift_x": 0.3, "shift_y": -0.4},
        {"lens_unit": "FOV", "angle": 2.6},
        {"sensor_fit": "VERTICAL", "sensor_height": 12.0},
        {"type": "ORTHO", "ortho_scale": 6.0, "shift_x": -0.2},
        {"type": "ORTHO", "ortho_scale": 0.02},
        {"clip_start": 7.5, "clip_end": 9.0},
        {"type": "ORTHO", "ortho_scale": 6.0, "clip_start": 7.9, "clip_end": 8.4},
    ],
    ids=["plain", "long and shifted", "very wide", "vertical", "ortho", "ortho, tiny", "clipped", "ortho, clipped"],
)
@pytest.mark.parametrize("size", [(64, 37), (31, 48)])
def test_lenses(scene, lens, size):
    scenes.camera(at=(0.2, -8, 2), towards=(-0.3, 0, 0), **lens)
    exact.check(scene, size)


def test_panorama(scene):
    scenes.add("Behind", scenes.mesh("cube", "Behind", 2), (0, -8, 0.3))
    scenes.add("Above", scenes.mesh("cube", "Above", 2), (0.2, -3, 5))
    camera = scenes.camera(at=(0.1, -3.3, 0.2), towards=(0.4, 0, 0.6), type="PANO")
    settings = camera.data if hasattr(camera.data, "panorama_type") else camera.data.cycles
    settings.panorama_type = "EQUIRECTANGULAR"
    maps = exact.check(scene, (80, 40))
    assert names(maps) == ["Above", "Ball", "Behind", "Cube", "Floor"]


@pytest.mark.parametrize("scale", [(2, 2, 2), (1, 3, 0.5), (-1, 1, 1)])
def test_scaled_and_mirrored_cameras(scene, scale):
    """The rays of a render do not know a camera's scale. A mirrored one shows what Blender shows: its rotation."""
    camera = scenes.camera(at=(0.2, -8, 2), towards=(-0.3, 0, 0))
    camera.scale = scale
    bpy.context.view_layer.update()
    if min(scale) > 0:
        exact.check(scene, SIZE)
        return
    maps = capture(scene, size=SIZE)
    points = maps.camera.world_points(maps.depth)[maps.instance_map > 0]
    ball, floor = np.linalg.norm(points - (-1, 0, 0), axis=1), points[:, 2]
    of = maps.instance_map[maps.instance_map > 0]
    for one in maps.instances:
        mine = of == one.id
        if one.object == "Ball":
            assert np.abs(ball[mine] - 1).max() < 0.05
        elif one.object == "Floor":
            assert np.abs(floor[mine] + 1).max() < 1e-3


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_worlds_of_any_size(scene, scale):
    for one in scene.objects:
        one.scale, one.location = one.scale * scale, one.location * scale
    scenes.camera(
        at=(0.2 * scale, -8 * scale, 2 * scale), towards=(0, 0, 0), clip_start=scale / 10, clip_end=scale * 100
    )
    exact.check(scene, SIZE)


def test_far_from_the_origin(scene):
    """At 1e5 units a float32 has 1/128 of a unit: ids stay told apart, depth is as exact as that."""
    for one in scene.objects:
        one.location.x += 1e5
        one.location.y -= 1e5
    twin = scenes.add("Twin", bpy.data.objects["Ball"].data, (1e5 - 1, -1e5, 1.5), scale=(0.5, 0.5, 0.5))
    assert twin
    scenes.camera(at=(1e5, -1e5 - 8, 2), towards=(1e5, -1e5, 0))
    maps = capture(scene, size=SIZE)
    assert names(maps) == ["Ball", "Cube", "Floor", "Twin"]
    floor = next(one.id for one in maps.instances if one.object == "Floor")
    points = maps.camera.world_points(maps.depth)[maps.instance_map == floor]
    assert np.abs(points[:, 2] + 1).max() < 0.05


def test_borders_and_percentage_do_not_cut(scene):
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = 128, 72, 50
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_y = 0.3, 0.6
    whole = exact.check(scene, SIZE)
    assert np.array_equal(capture(scene).instance_map, whole.instance_map)


def keyed(one, path, *values):
    for frame, value in values:
        setattr(one, path, value)
        one.keyframe_insert(path, frame=frame)
    for action in bpy.data.actions:
        for curve in _curves(action):
            for point in curve.keyframe_points:
                point.interpolation = "LINEAR"


def _curves(action):
    if hasattr(action, "fcurves"):
        return action.fcurves
    return [
        curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags for curve in bag.fcurves
    ]


@pytest.mark.parametrize(
    ("position", "shutter", "expected"),
    [(None, 0.5, 5.0), ("CENTER", 0.5, 5.0), ("START", 0.5, 5.25), ("END", 1.0, 4.5)],
)
def test_motion_blur_is_taken_at_the_shutter_s_middle(scene, position, shutter, expected):
    """A ball moves one unit a frame: the maps show it where the blurred render has its middle."""
    ball = bpy.data.objects["Ball"]
    keyed(ball, "location", (0, (-5, 0, 0)), (10, (5, 0, 0)))
    scenes.camera(at=(0, -20, 0), towards=(0, 0, 0), type="ORTHO", ortho_scale=12)
    scene.frame_set(5)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = position is not None, shutter
    if position:
        owner = scene.render if hasattr(scene.render, "motion_blur_position") else scene.cycles
        owner.motion_blur_position = position
    maps = capture(scene, size=(120, 40))
    assert centre(maps, "Ball")[0] == pytest.approx(expected - 5, abs=0.06)
    assert maps.frame == expected
    assert scene.frame_current == 5 and ball.location.x == pytest.approx(0)
    if position:
        assert blurred_middle(scene) == pytest.approx(expected - 5, abs=0.06)


def blurred_middle(scene) -> float:
    """World x of the middle of a motion-blurred render of the ball."""
    for name in ("Floor", "Cube"):
        bpy.data.objects[name].hide_render = True
    scene.render.engine, scene.cycles.samples, scene.render.film_transparent = "CYCLES", 16, True
    scene.cycles.device, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = "CPU", False, False
    scene.render.resolution_x, scene.render.resolution_y = 120, 40
    path = bpy.app.tempdir + "blurred.exr"
    if bpy.app.version >= (5, 0):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(path)
    alpha = np.array(image.pixels[:]).reshape(40, 120, 4)[..., 3].sum(axis=0)
    return float((alpha * (np.arange(120) + 0.5)).sum() / alpha.sum() / 10 - 6)


def test_another_scene_has_its_own_frame(scene):
    keyed(bpy.data.objects["Ball"], "location", (0, (-5, 0, 0)), (10, (5, 0, 0)))
    camera = scenes.camera(at=(0, -20, 0), towards=(0, 0, 0), type="ORTHO", ortho_scale=12)
    scene.frame_set(5)
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(bpy.data.objects["Ball"])
    other.camera = camera
    other.frame_current = 8
    maps = capture(other, size=(120, 40))
    assert maps.frame == 8
    assert centre(maps, "Ball")[0] == pytest.approx(3, abs=0.06)


def test_a_moving_subdivided_thing_in_several_bands(scene):
    """A picture that is rendered in several goes shows one moment, the asked one, in all of them."""
    ball = bpy.data.objects["Ball"]
    keyed(ball, "location", (0, (-5, 0, 0)), (10, (5, 0, 0)))
    ball.modifiers.new("Subdivision", "SUBSURF").render_levels = 1
    scenes.camera(at=(0, -20, 0), towards=(0, 0, 0), type="ORTHO", ortho_scale=12)
    scene.frame_set(5)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 1.0
    owner = scene.render if hasattr(scene.render, "motion_blur_position") else scene.cycles
    owner.motion_blur_position = "END"
    small, large = capture(scene, size=(96, 80)), capture(scene, size=(1056, 880))
    assert np.array_equal(large.instance_map[5::11, 5::11], small.instance_map)
    assert centre(large, "Ball")[0] == pytest.approx(-0.5, abs=0.02)
    assert large.inexact == ()


def test_frames_between_frames_and_driven_visibility(scene):
    cube, ball = bpy.data.objects["Cube"], bpy.data.objects["Ball"]
    keyed(cube, "location", (0, (-5, 0, 0)), (10, (5, 0, 0)))
    keyed(ball, "hide_render", (1, False), (7, True))
    scenes.camera(at=(0, -20, 0), towards=(0, 0, 0))
    scene.frame_set(3, subframe=0.25)
    first = capture(scene, size=SIZE)
    assert first.frame == 3.25
    assert "Ball" in names(first)
    assert centre(first, "Cube")[0] == pytest.approx(-5 + 3.25, abs=0.3)
    scene.frame_set(8)
    assert "Ball" not in names(capture(scene, size=SIZE))


def test_the_asked_camera_wins_over_camera_markers(scene):
    """Markers that switch cameras count for the render, not for a capture that asks for another camera."""
    first = scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    second = scenes.camera(at=(0, -3, 9), towards=(0, 0, 0))
    marker = scene.timeline_markers.new("Cut", frame=1)
    marker.camera = first
    scene.camera = second
    for camera in (second, first):
        maps = capture(scene, camera=camera, size=SIZE)
        assert np.allclose(maps.camera.matrix_world[:3, 3], camera.location)
        exact.check(scene, SIZE, camera=camera)


def layer(scene, name):
    made = bpy.data.collections.new(name)
    scene.collection.children.link(made)
    scenes.add(name, scenes.mesh(name=name), (0, -1, 0.5), made)
    return scene.view_layers[0].layer_collection.children[name]


def test_collections_that_a_view_layer_leaves_out(scene):
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    before = exact.check(scene, SIZE)
    layer(scene, "Excluded").exclude = True
    layer(scene, "Indirect").indirect_only = True
    layer(scene, "Hidden").collection.hide_render = True
    assert np.array_equal(capture(scene, size=SIZE).instance_map, before.instance_map)
    layer(scene, "Held out").holdout = True
    held = capture(scene, size=SIZE)
    assert names(held) == ["Ball", "Cube", "Floor"]
    assert (held.instance_map[before.instance_map > 0] == 0).any()


def test_view_layers_show_different_things(scene):
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    layer(scene, "Extra")
    other = scene.view_layers.new("Other")
    other.layer_collection.children["Extra"].exclude = True
    assert "Extra" in names(capture(scene, size=SIZE))
    assert "Extra" not in names(capture(scene, size=SIZE, view_layer=other))


def test_visibility_of_objects(scene):
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    before = exact.check(scene, SIZE)
    for name, setting in (("Not rendered", "hide_render"), ("For the mirror", "visible_camera")):
        one = scenes.add(name, scenes.mesh(name=name), (0, -2, 0.5))
        setattr(one, setting, setting == "hide_render")
    bpy.data.objects["Ball"].hide_viewport = False
    bpy.data.objects["Ball"].hide_set(True)  # the eye of the outliner is for the viewport alone
    assert np.array_equal(capture(scene, size=SIZE).instance_map, before.instance_map)
    bpy.data.objects["Cube"].is_holdout = bpy.data.objects["Floor"].is_shadow_catcher = True
    assert np.array_equal(capture(scene, size=SIZE).instance_map, before.instance_map)
    bpy.data.objects["Cube"].display_type = "BOUNDS"
    assert np.array_equal(capture(scene, size=SIZE).instance_map, before.instance_map)


def test_simplify_counts_as_in_the_render(scene):
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    cube = bpy.data.objects["Cube"]
    modifier = cube.modifiers.new("Subdivision", "SUBSURF")
    modifier.render_levels, modifier.levels = 3, 1
    scene.render.use_simplify, scene.render.simplify_subdivision_render = True, 1
    exact.check(scene, SIZE)  # the viewport's level is the simplified one


def test_linked_data_and_overrides(scene, tmp_path):
    path = str(tmp_path / "library.blend")
    source = bpy.data.collections.new("Kit")
    scenes.add("Part", scenes.mesh("ball", "Part"), (0, 0, 0), source)
    cut = scenes.add("Cut", scenes.mesh("plane", "Cut", 2), (0, 0, 1.2), source)
    cut.rotation_euler.x = math.pi / 2
    cut.data.materials.append(scenes.cutout_material())
    bpy.data.libraries.write(path, {source}, fake_user=True)
    made = scenes.empty()
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections, wanted.objects = ["Kit"], ["Part"]
    kit = wanted.collections[0]
    scenes.add("First kit", None, (-2, 0, 0), instance_type="COLLECTION", instance_collection=kit)
    made.collection.children.link(kit)
    with bpy.context.temp_override(scene=made):
        own = kit.objects["Part"].override_create()
    own.location = (2, 0, 0)
    made.collection.objects.link(own)
    scenes.camera(at=(0, -9, 2), towards=(0, 0, 0.5))

    def through(name, point):
        return name == "Cut" and point.x >= scenes.CUTOUT_EDGE

    maps = exact.check(made, SIZE, through)
    assert names(maps) == ["Cut", "Cut", "Part", "Part", "Part"]
    assert sorted(one.library != "" for one in maps.instances) == [False, True, True, True, True]


@pytest.mark.parametrize("name", ["Straße 木 🌲", "two\nlines", " ", "a" * 63, "100%", "{curly}", "C:\\path/to"])
def test_names_of_any_kind(scene, name):
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    bpy.data.objects["Ball"].name = name
    assert name in names(exact.check(scene, SIZE))


def test_matrices_that_no_location_rotation_scale_gives(scene):
    """A sheared child, as a rotated child of a stretched parent is."""
    parent = scenes.add("Stretched", None, (0, 0, 0), scale=(1, 1, 3))
    child = scenes.add("Sheared", scenes.mesh("cube", "Sheared", 1.2), (0, -1, 0.1), rotation_euler=(0.6, 0.5, 0))
    child.parent = parent
    child.matrix_parent_inverse = Matrix()
    scenes.camera(at=(0, -9, 2), towards=(0, 0, 0))
    assert "Sheared" in names(exact.check(scene, SIZE))
