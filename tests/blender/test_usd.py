"""A scene with baked textures as USD: what a pipeline opens, and what stays when it mutes the textures."""

from __future__ import annotations

import logging
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_segaddon import api, register, texturing, unregister
from blender_segaddon.flows.picture import Picture, Recipe
from blender_segaddon.protocol.errors import InvalidInput, StorageError

from . import snapshot
from .cast import cast_maps
from .little import SIZE, gentle_picture, little_scene, psnr


@pytest.fixture
def scene() -> bpy.types.Scene:
    """Every mesh shows its bake: one of two materials, one of none, one below another, one with a name of its own."""
    scene = little_scene()
    scene.view_settings.view_transform = "Standard"
    ground, left = bpy.data.objects["Ground"], bpy.data.objects["Left"]
    ground.data.materials.append(bpy.data.materials.new("Stone"))
    ground.data.polygons[2].material_index = 1
    ground.data.uv_layers.new(name="Own")
    left.parent, left.matrix_parent_inverse = ground, ground.matrix_world.inverted()
    left.name = 'Häuser "links".1'
    bpy.context.view_layer.update()
    maps = cast_maps(scene, SIZE)
    api.project(Picture(gentle_picture(), Recipe(maps)), scene=scene)
    api.apply_bake(budget=300_000, colours="display", scene=scene)
    return scene


def imported(path: Path) -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.usd_import(filepath=str(path), import_cameras=False, import_lights=False)
    return bpy.context.scene


def shown_from(scene: bpy.types.Scene, matrix, lens: float) -> np.ndarray:
    scene.view_settings.view_transform = "Standard"
    scene.camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    scene.collection.objects.link(scene.camera)
    scene.camera.matrix_world, scene.camera.data.lens = matrix, lens
    bpy.context.view_layer.update()
    return texturing.render_view(scene, size=SIZE)


def test_the_whole_shows_the_picture_and_without_its_textures_it_is_the_scene(scene, tmp_path):
    matrix, lens = scene.camera.matrix_world.copy(), scene.camera.data.lens
    maps = cast_maps(scene, SIZE)
    seen = np.isin(maps.instance_map, [one.id for one in maps.instances if not one.instancer])
    before = snapshot.take()
    files = api.export_usd(tmp_path / "street.usda")
    assert snapshot.take() == before
    assert {one.name for one in files if one.suffix == ".usda"} == {
        "street.usda",
        "street_textures.usda",
        "street_scene.usda",
    }
    assert len(list((tmp_path / "street_textures").glob("*.png"))) == 6
    whole = shown_from(imported(files[0]), matrix, lens)
    assert psnr(whole, gentle_picture(), seen) >= 40
    shown_from(imported(tmp_path / "street_scene.usda"), matrix, lens)
    names = {one.name.split(".")[0] for one in bpy.data.materials}
    assert {"Grass", "Stone", "Red"} <= names
    assert not [name for name in names if "texture" in name]
    assert not [one for one in bpy.data.images if "Bake" in one.name]
    assert "points" not in (tmp_path / "street_textures.usda").read_text()


def test_light_is_said_to_be_light(scene, tmp_path):
    api.remove_bake(scene=scene)
    maps = cast_maps(scene, SIZE)
    api.project(Picture(gentle_picture(), Recipe(maps)), scene=scene)
    api.apply_bake(["Right"], budget=20_000, lighting="lit", scene=scene)
    api.export_usd(tmp_path / "a.usd")
    text = (tmp_path / "a_textures.usda").read_text()
    assert "@./a_textures/Seg Bake Right.exr@" in text
    assert 'sourceColorSpace = "raw"' in text
    assert "diffuseColor.connect" in text
    assert (tmp_path / "a_textures" / "Seg Bake Right.exr").stat().st_size > 1000


def test_what_is_not_exported_is_said(scene, tmp_path, caplog):
    bpy.data.objects["Right"].hide_viewport = bpy.data.objects["Right"].hide_render = True
    with caplog.at_level(logging.WARNING):
        api.export_usd(tmp_path / "a.usda")
    text = (tmp_path / "a_textures.usda").read_text()
    assert ("Right" in text) != any("'Right'" in one.message for one in caplog.records)


def test_what_cannot_be_exported_is_said(scene, tmp_path):
    with pytest.raises(InvalidInput, match="no USD file"):
        api.export_usd(tmp_path / "a.glb")
    (tmp_path / "a_textures").write_text("")
    with pytest.raises(StorageError):
        api.export_usd(tmp_path / "a.usda")
    api.remove_bake(scene=scene)
    with pytest.raises(InvalidInput, match="baked"):
        api.export_usd(tmp_path / "b.usda")
    assert list(tmp_path.iterdir()) == [tmp_path / "a_textures"]


def test_the_button_writes_what_the_function_does(scene, tmp_path):
    register()
    try:
        assert bpy.ops.segaddon.export_usd.poll()
        assert bpy.ops.segaddon.export_usd(filepath=str(tmp_path / "street")) == {"FINISHED"}
        assert (tmp_path / "street.usda").exists()
        api.remove_bake(scene=scene)
        assert not bpy.ops.segaddon.export_usd.poll()
    finally:
        unregister()
