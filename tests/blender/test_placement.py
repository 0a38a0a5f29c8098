"""Pictures come and go without a trace."""

import itertools

import bpy
import pytest

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.texturing.backdrop import backdrop
from blender_segaddon.texturing.colour import to_scene_linear
from blender_segaddon.texturing.placement import placements, remove
from blender_segaddon.texturing.projection import project
from blender_segaddon.texturing.render import render_view

from .cast import cast_maps
from .little import SIZE, gentle_picture, little_scene, psnr
from .state import differences, state


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_removed_in_any_order(order):
    scene = little_scene()
    maps = cast_maps(scene, SIZE)
    linear = to_scene_linear(gentle_picture(), scene).pixels
    before = state()
    placed = [
        project(scene, linear, maps),
        project(scene, linear, maps, objects=["Left", "Bare", "Nodeless"]),
        backdrop(scene, linear, maps),
    ]
    assert placements(scene) == placed
    assert differences(before, state())
    for index in order:
        remove(placed[index])
    assert differences(before, state()) == []
    with pytest.raises(InvalidInput):
        remove(placed[0])


def test_survives_save_and_reload(tmp_path):
    scene = little_scene()
    scene.view_settings.view_transform = "Standard"
    maps = cast_maps(scene, SIZE)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    before, scene = state(), bpy.context.scene
    linear = to_scene_linear(gentle_picture(), scene).pixels
    project(scene, linear, maps)
    backdrop(scene, linear, maps)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "b.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "b.blend"))
    scene = bpy.context.scene
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), maps.instance_map >= 0) >= 60
    for one in placements(scene):
        remove(one)
    assert [line for line in differences(before, state()) if "filepath" not in line] == []
