"""The projected picture in an image of the object's own."""

import bpy
import numpy as np
import pytest

from blender_segaddon.protocol.errors import InvalidInput, SceneError
from blender_segaddon.texturing.bake import UV_LAYER, bake
from blender_segaddon.texturing.colour import to_scene_linear
from blender_segaddon.texturing.images import read_image
from blender_segaddon.texturing.placement import remove
from blender_segaddon.texturing.projection import project
from blender_segaddon.texturing.render import render_view

from .cast import cast_maps
from .little import SIZE, little_scene, psnr


@pytest.fixture
def scene() -> bpy.types.Scene:
    scene = little_scene()
    scene.view_settings.view_transform = "Standard"
    return scene


def smooth_picture() -> np.ndarray:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    return np.stack([60 + x, 200 - y, 90 + x // 2], axis=-1).astype(np.uint8)


def test_the_bake_shows_the_picture(scene):
    """Put on as a plain emission through its UV layer, the bake looks as the projection did."""
    maps = cast_maps(scene, SIZE)
    ground = bpy.data.objects["Ground"]
    ground.data.uv_layers.new(name="Own")
    placed = project(scene, to_scene_linear(smooth_picture(), scene).pixels, maps)
    scene.render.engine, scene.cycles.samples = "BLENDER_WORKBENCH", 77
    (image,) = bake(scene, [ground], texels=512)
    assert (scene.render.engine, scene.cycles.samples) == ("BLENDER_WORKBENCH", 77)
    assert ground.data.uv_layers.active.name == "Own"
    assert [one.name for one in ground.data.uv_layers] == ["Own", UV_LAYER]
    assert image.packed_file
    assert read_image(image).max() > 0.2
    remove(placed)
    _show(ground.data.materials[0], image)
    seen = maps.instance_map == next(one.id for one in maps.instances if one.object == "Ground")
    assert psnr(render_view(scene, size=SIZE), smooth_picture(), _inner(seen)) >= 40


def test_what_cannot_be_baked_is_said(scene):
    for objects, texels in (([], 64), ([bpy.data.objects["Left"]], 64), ([bpy.data.objects["Sun"]], 64)):
        with pytest.raises(InvalidInput):
            bake(scene, objects, texels=texels)
    assert not [one for one in bpy.data.images if UV_LAYER in one.name]
    with pytest.raises(InvalidInput):
        bake(scene, [bpy.data.objects["Ground"]], texels=100000)


def test_hidden_objects_are_said(scene):
    ground = bpy.data.objects["Ground"]
    ground.hide_render = True
    with pytest.raises(SceneError, match="Ground"):
        bake(scene, [ground], texels=64)
    assert not ground.data.uv_layers


def test_a_scene_that_no_window_shows_can_be_baked(scene):
    maps = cast_maps(scene, SIZE)
    project(scene, to_scene_linear(smooth_picture(), scene).pixels, maps)
    other = bpy.context.window.scene = bpy.data.scenes.new("Other")
    (image,) = bake(scene, [bpy.data.objects["Ground"]], texels=64)
    assert read_image(image)[..., :3].max() > 0.2
    assert bpy.context.window.scene == other


def _show(material: bpy.types.Material, image: bpy.types.Image) -> None:
    tree = material.node_tree
    uv, texture, light = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("UVMap", "TexImage", "Emission"))
    uv.uv_map, texture.image = UV_LAYER, image
    tree.links.new(uv.outputs[0], texture.inputs[0])
    tree.links.new(texture.outputs[0], light.inputs[0])
    tree.links.new(light.outputs[0], tree.get_output_node("CYCLES").inputs["Surface"])


def _inner(mask: np.ndarray) -> np.ndarray:
    """Without a border of one pixel, where texels are half painted."""
    out = mask.copy()
    for axis in (0, 1):
        for by in (-1, 1):
            out &= np.roll(mask, by, axis)
    return out
