"""Pictures come and go without a trace."""

import itertools

import bpy
import numpy as np
import pytest

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.texturing.backdrop import backdrop
from blender_segaddon.texturing.colour import to_scene_linear
from blender_segaddon.texturing.placement import placements, remove
from blender_segaddon.texturing.projection import project
from blender_segaddon.texturing.render import render_view

from .cast import cast_maps
from .little import SIZE, gentle_picture, little_scene, psnr
from .snapshot import take, traces


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_removed_in_any_order(order):
    scene = little_scene()
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene).pixels
    before = take()
    placed = [
        project(scene, linear, maps),
        project(scene, linear, maps, objects=["Left", "Bare", "Nodeless"]),
        backdrop(scene, linear, maps),
    ]
    assert placements(scene) == placed
    assert traces(before, take())
    for index in order:
        remove(placed[index])
    assert traces(before, take()) == []
    with pytest.raises(InvalidInput):
        remove(placed[0])


@pytest.mark.parametrize("name", ["a harbour at dawn " * 9, "夜明けの港" * 20, "two\nlines", "🌊" * 30])
def test_any_name_will_do(name):
    """Twice under one name: each is known, and taken away, by its own."""
    scene = little_scene()
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene).pixels
    before = take()
    placed = [project(scene, linear, maps, name=name), project(scene, linear, maps, name=name)]
    placed.append(backdrop(scene, linear, maps, name=name))
    assert placements(scene) == placed
    assert len({one.name for one in placed}) == 3
    for one in placed:
        remove(one)
    assert traces(before, take()) == []


def test_names_of_objects_are_kept_as_they_are():
    scene = little_scene()
    bpy.data.objects["Left"].name = "Le\nft"
    bpy.data.objects["Slot"].name = "家"
    maps = cast_maps(scene, SIZE)
    bpy.data.objects.remove(bpy.data.objects["Bare"])
    linear = to_scene_linear(gentle_picture(), scene).pixels
    placed = project(scene, linear, maps, objects=["Le\nft", "家", "Bare"])
    assert placed.objects == ("Le\nft", "家", "Bare")
    assert placed.skipped == ("Bare",)  # it is gone
    assert placements(scene) == [placed]
    shown = [one.id for one in maps.instances if one.object in ("Le\nft", "家")]
    assert len(shown) == 2
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), np.isin(maps.instance_map, shown)) >= 45


@pytest.mark.parametrize("what", ["images", "node_groups"])
def test_what_the_user_deleted_leaves_no_trace(what):
    scene = little_scene()
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene).pixels
    before = take()
    placed = [project(scene, linear, maps), project(scene, linear, maps, objects=["Left"])]
    for one in list(getattr(bpy.data, what)):
        getattr(bpy.data, what).remove(one)
    for one in placed:
        remove(one)
    left = [line for line in traces(before, take()) if "images" not in line]
    assert left == []


def test_a_material_that_the_user_gave_meanwhile_stays():
    scene = little_scene()
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene).pixels
    names = {one.name for one in bpy.data.materials}
    placed = project(scene, linear, maps)
    one, red = bpy.data.objects["Nodeless"], bpy.data.materials["Red"]
    one.material_slots[0].material = red
    bpy.data.objects.remove(bpy.data.objects["Slot"])
    remove(placed)
    assert one.material_slots[0].material == red
    assert not [one.name for one in bpy.data.objects if any(key.startswith("seg_") for key, _ in one.items())]
    assert {one.name for one in bpy.data.materials} == names


def test_survives_save_and_reload(tmp_path):
    scene = little_scene()
    scene.view_settings.view_transform = "Standard"
    maps = cast_maps(scene, SIZE)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    before, scene = take(), bpy.context.scene
    linear = to_scene_linear(gentle_picture(), scene).pixels
    project(scene, linear, maps)
    backdrop(scene, linear, maps)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "b.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "b.blend"))
    scene = bpy.context.scene
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), maps.instance_map >= 0) >= 60
    for one in placements(scene):
        remove(one)
    assert [line for line in traces(before, take()) if "filepath" not in line and "Render Result" not in line] == []
