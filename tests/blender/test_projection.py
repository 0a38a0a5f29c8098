"""A picture on the objects: the same from its camera, in its place from another."""

import bpy
import mathutils
import numpy as np
import pytest

from blender_segaddon import capture
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.texturing.colour import to_scene_linear
from blender_segaddon.texturing.placement import placements, remove
from blender_segaddon.texturing.projection import project
from blender_segaddon.texturing.render import render_view

from .cast import cast_maps
from .little import SIZE, camera, gentle_picture, little_scene, psnr
from .snapshot import take, traces
from .truth import neighbourhood, side_view


@pytest.fixture
def scene() -> bpy.types.Scene:
    return little_scene()


def put(scene, picture=None, **options):
    picture = gentle_picture() if picture is None else picture
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(picture, scene)
    return maps, linear, project(scene, linear.pixels, maps, **options)


@pytest.mark.parametrize("view", ["Standard", "Filmic", "AgX"])
def test_the_camera_sees_the_picture(scene, view):
    scene.view_settings.view_transform = view
    maps, linear, placed = put(scene)
    seen = (maps.instance_map > 0) & linear.reachable
    assert seen.mean() > 0.5
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), seen) >= 60
    assert placed.skipped == ()


@pytest.mark.parametrize("kind", ["ortho", "shift", "long"])
def test_other_cameras(scene, kind):
    data = scene.camera.data
    if kind == "ortho":
        data.type, data.ortho_scale = "ORTHO", 8
    data.shift_x, data.shift_y = (0, 0) if kind == "long" else (0.2, -0.1)
    data.lens = 120 if kind == "long" else 50
    maps, linear, _ = put(scene)
    seen = (maps.instance_map > 0) & linear.reachable
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), settled(scene, seen)) >= 60


def test_panoramic_camera(scene):
    scene.render.engine = "CYCLES"
    data = scene.camera.data
    data.type = "PANO"
    owner = data if hasattr(data, "panorama_type") else data.cycles
    owner.panorama_type = "EQUIRECTANGULAR"
    maps, linear, _ = put(scene)
    seen = (maps.instance_map > 0) & linear.reachable
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), seen) >= 45


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_from_the_side(scene, kind):
    scene.view_settings.view_transform = "Standard"
    if kind == "ORTHO":
        scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 9
    side = camera(scene, "Side", (7, -4, 4), (0, 0, 0.5))
    plain = render_view(scene, camera=side, size=SIZE)[..., :3].astype(int)
    maps, _, placed = put(scene)
    truth = side_view(scene, maps.camera, side, SIZE)
    shown = render_view(scene, camera=side, size=SIZE)[..., :3].astype(int)
    low, high = neighbourhood(gentle_picture(), truth.pixels)
    right = ((shown >= low - 2) & (shown <= high + 2)).all(axis=-1)
    assert truth.visible.mean() > 0.3
    assert right[truth.visible].mean() >= 0.99
    hidden = _inner(truth.hit & ~truth.visible)
    assert hidden.sum() > 100
    kept = np.abs(shown - plain).max(axis=-1) <= 2
    assert kept[hidden].mean() >= 0.99
    remove(placed)
    assert np.abs(render_view(scene, camera=side, size=SIZE)[..., :3].astype(int) - plain).max() <= 2


def test_renamed_objects_keep_their_picture(scene):
    scene.view_settings.view_transform = "Standard"
    maps, _, first = put(scene)
    for name in ("Ground", "Left", "Slot", "Bare"):
        bpy.data.objects[name].name = f"{name} 家"
    bpy.data.objects["Right"].name = "Left"  # a name that another had
    bpy.context.view_layer.update()
    objects = [one.id for one in maps.instances if not one.instancer]
    seen = np.isin(maps.instance_map, objects)
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), seen) >= 60
    again, _, _ = put(scene, 255 - gentle_picture())
    assert psnr(render_view(scene, size=SIZE), 255 - gentle_picture(), again.instance_map > 0) >= 60
    remove(first)
    assert psnr(render_view(scene, size=SIZE), 255 - gentle_picture(), again.instance_map > 0) >= 60


def test_only_the_chosen_objects(scene):
    plain = render_view(scene, size=SIZE)[..., :3].astype(int)
    maps, _, _ = put(scene, objects=["Left"])
    changed = np.abs(render_view(scene, size=SIZE)[..., :3].astype(int) - plain).max(axis=-1) > 2
    left = maps.instance_map == next(one.id for one in maps.instances if one.object == "Left")
    assert changed[left].mean() > 0.95
    # the ground around it catches neither light nor colour; its twin shares the mesh and the material
    assert changed[~left].mean() < 0.01


def test_holes_stay_holes(scene):
    """A cutout before a wall: through the hole the wall's part of the picture is seen."""
    material = bpy.data.materials["Red"]
    tree = material.node_tree
    checker = tree.nodes.new("ShaderNodeTexChecker")
    tree.links.new(checker.outputs["Fac"], tree.nodes["Principled BSDF"].inputs["Alpha"])
    side = camera(scene, "Side", (4.5, -6.8, 5), (0, 0, 0.5))
    plain = render_view(scene, camera=side, size=SIZE, transparent=True)
    put(scene)
    shown = render_view(scene, camera=side, size=SIZE, transparent=True)
    assert (plain[..., 3] == shown[..., 3]).all()


def test_a_surface_without_shader_takes_a_picture_and_a_volume_does_not(scene):
    grass, red = (bpy.data.materials[name].node_tree for name in ("Grass", "Red"))
    for tree in (grass, red):
        surface = tree.get_output_node("CYCLES").inputs["Surface"]
        tree.links.remove(surface.links[0])
    volume = red.nodes.new("ShaderNodeVolumeAbsorption")
    red.links.new(volume.outputs[0], red.get_output_node("CYCLES").inputs["Volume"])
    maps, linear, placed = put(scene)
    ground = maps.instance_map == next(one.id for one in maps.instances if one.object == "Ground")
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), ground & linear.reachable) >= 45
    assert "Left" in placed.skipped
    assert "Ground" not in placed.skipped
    remove(placed)
    assert not grass.get_output_node("CYCLES").inputs["Surface"].is_linked


def test_two_pictures_one_after_the_other(scene):
    scene.view_settings.view_transform = "Standard"
    maps, _, first = put(scene)
    second_picture = 255 - gentle_picture()
    _, _, second = put(scene, second_picture, objects=["Ground"])
    ground = maps.instance_map == next(one.id for one in maps.instances if one.object == "Ground")
    shown = render_view(scene, size=SIZE)
    assert psnr(shown, second_picture, ground) >= 60
    assert psnr(shown, gentle_picture(), (maps.instance_map > 0) & ~ground) >= 60
    remove(second)
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), maps.instance_map > 0) >= 60
    assert [one.name for one in placements(scene)] == [first.name]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"lighting": "moon"}, "moon"), ({"objects": ["Nobody"]}, "Nobody"), ({"picture": gentle_picture((8, 8))}, "8")],
)
def test_bad_input_is_said(scene, options, said):
    with pytest.raises(InvalidInput, match=said):
        put(scene, **options)
    assert placements(scene) == []


def settled(scene, seen: np.ndarray) -> np.ndarray:
    """Without at most two pixels that an edge goes through so exactly that ray caster and renderer disagree."""
    error = np.abs(render_view(scene, size=SIZE)[..., :3].astype(int) - gentle_picture()).max(axis=-1)
    off = seen & (error > 8)
    return seen & ~off if off.sum() <= 2 else seen


def _inner(mask: np.ndarray) -> np.ndarray:
    """Without the border of two pixels, where a picture of another grid cannot be sharp."""
    out = mask.copy()
    for axis in (0, 1):
        for by in (-2, -1, 1, 2):
            out &= np.roll(mask, by, axis)
    return out


def test_a_locked_picture_goes_with_what_moves(scene):
    scene.view_settings.view_transform = "Standard"
    before = take()
    maps, _, placed = put(scene, lock=True)
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), maps.instance_map > 0) >= 60
    one = bpy.data.objects["Nodeless"]
    turn = mathutils.Matrix.Translation((1.5, -1.0, 0.3)) @ mathutils.Matrix.Rotation(0.7, 4, "Z")
    one.matrix_world = turn @ one.matrix_world
    follower = scene.camera.copy()
    scene.collection.objects.link(follower)
    follower.matrix_world = turn @ scene.camera.matrix_world
    bpy.context.view_layer.update()
    mine = maps.instance_map == next(each.id for each in maps.instances if each.object == "Nodeless")
    now = cast_maps(scene, SIZE, follower)
    still = mine & (now.instance_map == next(each.id for each in now.instances if each.object == "Nodeless"))
    assert still.sum() > 100
    assert psnr(render_view(scene, camera=follower, size=SIZE), gentle_picture(), still) >= 45
    bpy.data.objects.remove(follower)
    one.matrix_world = turn.inverted() @ one.matrix_world
    remove(placed)
    assert [line for line in traces(before, take()) if "seg" in line.lower()] == []


def test_soft_borders_fade_into_what_was_there(scene):
    plain = render_view(scene, size=SIZE)[..., :3].astype(int)
    maps, linear, _ = put(scene, soft=8.0)
    shown = render_view(scene, size=SIZE)
    inner = np.zeros(SIZE[::-1], bool)
    inner[9:-9, 9:-9] = True
    assert psnr(shown, gentle_picture(), inner & (maps.instance_map > 0) & linear.reachable) >= 60
    border = maps.instance_map[-1] > 0
    off = np.abs(shown[-1, :, :3].astype(int) - plain[-1]).mean(axis=-1)[border]
    assert off.mean() < 0.3 * np.abs(gentle_picture()[-1].astype(int) - plain[-1]).mean(axis=-1)[border].mean()


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_outlines_keep_the_picture_where_it_was_seen(scene, kind):
    """Of what the camera did not see hardly anything is painted, of what it saw hardly anything is not."""
    scene.view_settings.view_transform = "Standard"
    scene.camera.data.type, scene.camera.data.ortho_scale = kind, 9
    side = camera(scene, "Side", (7, -4, 4), (0, 0, 0.5))
    maps = capture.add_outlines(capture.capture(scene, size=SIZE), scene)
    assert maps.outlines is not None
    shown = []
    for picture in (gentle_picture(), 255 - gentle_picture()):
        placed = project(scene, to_scene_linear(picture, scene).pixels, maps)
        shown.append(render_view(scene, camera=side, size=SIZE)[..., :3].astype(int))
        remove(placed)
    painted = np.abs(shown[0] - shown[1]).max(axis=-1) > 2
    truth = side_view(scene, maps.camera, side, SIZE)
    inside = ((truth.pixels >= 0.5) & (truth.pixels <= np.array(SIZE) - 0.5)).all(axis=-1)
    hidden = truth.hit & ~truth.visible & inside
    assert hidden.sum() > 300
    assert painted[hidden].mean() <= 0.01
    assert (~painted)[truth.visible].mean() <= 0.015
