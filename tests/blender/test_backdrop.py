"""A picture behind the scene."""

import bpy
import numpy as np
import pytest

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.texturing.backdrop import backdrop
from blender_segaddon.texturing.colour import to_scene_linear
from blender_segaddon.texturing.placement import remove, show
from blender_segaddon.texturing.render import render_view

from .cast import cast_maps
from .little import SIZE, gentle_picture, little_scene, psnr
from .snapshot import take, traces


@pytest.mark.parametrize("view", ["Standard", "Filmic", "AgX"])
@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_the_camera_sees_the_picture_behind(view, kind):
    scene = little_scene()
    scene.view_settings.view_transform = view
    scene.camera.data.type, scene.camera.data.ortho_scale, scene.camera.data.shift_y = kind, 20, 0.2
    scene.render.film_transparent = True
    plain = render_view(scene, size=SIZE)
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene)
    placed = backdrop(scene, linear.pixels, maps)
    shown, behind = render_view(scene, size=SIZE), maps.instance_map == 0
    assert behind.mean() > 0.1
    assert psnr(shown, gentle_picture(), behind & linear.reachable) >= 60
    assert np.abs(shown[~behind].astype(int) - plain[~behind]).max() <= 3
    assert not scene.render.film_transparent
    remove(placed)
    assert scene.render.film_transparent
    assert scene.world is None


def test_another_scene_with_the_same_world_sees_nothing_of_it():
    scene = little_scene()
    scene.world = world = bpy.data.worlds.new("Shared")
    if bpy.app.version < (5, 0):
        world.use_nodes = True
    other = bpy.data.scenes.new("Other")
    other.world = world
    nodes = len(world.node_tree.nodes)
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene)
    placed = backdrop(scene, linear.pixels, maps)
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), maps.instance_map == 0) >= 60
    assert len(other.world.node_tree.nodes) == nodes
    remove(placed)
    assert scene.world == other.world == world


def test_the_old_world_goes_on_lighting():
    scene = little_scene()
    bpy.data.objects.remove(bpy.data.objects["Sun"])
    world = bpy.data.worlds.new("Bright")
    if bpy.app.version < (5, 0):
        world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 3
    scene.world = world
    maps = cast_maps(scene, SIZE)
    objects = maps.instance_map > 0
    before = render_view(scene, size=SIZE, samples=16)[objects].mean()
    black = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    placed = backdrop(scene, black, maps)
    assert scene.world == world
    assert render_view(scene, size=SIZE, samples=16)[objects].mean() == pytest.approx(before, rel=0.02)
    assert render_view(scene, size=SIZE)[~objects][:, :3].max() == 0
    remove(placed)
    assert len(world.node_tree.nodes) == 2


def test_only_the_foreground_stays_before_it():
    scene = little_scene()
    maps = cast_maps(scene, SIZE)
    render_view(bpy.context.scene, size=(8, 8))  # the first one makes Blender's own Render Result
    before = take()
    depths = {one.object: np.median(maps.depth[maps.instance_map == one.id]) for one in maps.instances}
    hero = min(depths, key=depths.__getitem__)  # the nearest: nothing stands before it
    linear = to_scene_linear(gentle_picture(), scene)
    placed = backdrop(scene, linear.pixels, maps, foreground=[hero])
    shown = render_view(scene, size=SIZE)
    real = np.isin(maps.instance_map, [one.id for one in maps.instances if one.object == hero])
    assert 0 < real.sum() < (maps.instance_map > 0).sum()
    assert psnr(shown, gentle_picture(), ~real & linear.reachable) >= 55
    assert psnr(shown, gentle_picture(), real) < 40
    remove(placed)
    assert traces(before, take()) == []


def test_a_foreground_that_is_not_there_changes_nothing():
    scene = little_scene()
    maps = cast_maps(scene, SIZE)
    before = take()
    with pytest.raises(InvalidInput, match="Nobody"):
        backdrop(scene, to_scene_linear(gentle_picture(), scene).pixels, maps, foreground=["Nobody"])
    assert traces(before, take()) == []


def test_what_a_second_backdrop_hides_stays_hidden_when_the_first_is():
    scene = little_scene()
    before = take()
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene).pixels
    both = [backdrop(scene, linear, maps, foreground=names) for names in (["Left"], ["Left", "Right"])]
    objects = bpy.data.objects
    first = show(both[0], False)
    assert [objects[name].visible_camera for name in ("Left", "Right", "Ground")] == [True, True, False]
    second = show(both[1], False)
    assert all(objects[name].visible_camera for name in ("Left", "Right", "Ground"))
    first, second = show(first, True), show(second, True)
    assert [objects[name].visible_camera for name in ("Left", "Right", "Ground")] == [True, False, False]
    remove(first)
    assert [objects[name].visible_camera for name in ("Left", "Right", "Ground")] == [True, True, False]
    remove(second)
    assert not traces(before, take())
