"""Looks as assets, words for classes, presets."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.operators import looks as operators

from .test_api import SIZE, scene  # noqa: F401  # a fixture

RED = (200, 30, 20)


@pytest.fixture
def ready(scene):  # noqa: F811
    blender_segaddon.register()
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.segaddon.random_seed = False
    yield scene
    blender_segaddon.unregister()


def dress(of: bpy.types.Scene) -> None:
    """Something in every kind of setting."""
    of.segaddon.model, of.segaddon.prompt = "sdxl-union", "a harbour"
    wanted = of.segaddon.generation
    wanted.style, wanted.words, wanted.negative, wanted.quality = "watercolour", "soft light", "people", "DRAFT"
    wanted.own_sampling, wanted.steps, wanted.guidance = True, 11, 3.5
    wanted.own_guides = True
    wanted.depth.use, wanted.depth.weight, wanted.depth.end = True, 0.3, 0.5
    wanted.segmentation.use = False
    lora = wanted.loras.add()
    lora.name, lora.weight = "ink", -0.5
    house = wanted.class_words.add()
    house.class_name, house.words = "house", "timber-framed"
    reference = wanted.references.add()
    reference.image, reference.weight = bpy.data.images.new("Mood", 8, 8), 0.25
    reference.image.pack()


def worn(by: bpy.types.Scene) -> tuple:
    wanted = by.segaddon.generation
    return (
        by.segaddon.model,
        *(getattr(wanted, name) for name in ("style", "words", "negative", "quality", "own_sampling", "steps")),
        wanted.guidance,
        wanted.own_guides,
        [(one.use, round(one.weight, 3), one.end) for one in (wanted.segmentation, wanted.depth, wanted.normal)],
        [(one.name, one.weight) for one in wanted.loras],
        [(one.class_name, one.words) for one in wanted.class_words],
        [(one.image.name if one.image else None, one.weight) for one in wanted.references],
    )


def picture() -> np.ndarray:
    return np.full((90, 160, 3), RED, np.uint8)


@pytest.fixture
def library(ready, tmp_path) -> tuple[Path, tuple]:
    """A file with a look in it, saved; (its path, what it says)."""
    dress(ready)
    look = ready.seg.save_look("Winter", thumbnail=picture())
    assert look.use_fake_user
    path = tmp_path / "looks.blend"
    told = worn(ready)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path, told


def is_thumbnail(look: bpy.types.NodeTree) -> bool:
    pixels = np.empty(len(look.preview.image_pixels_float), np.float32)
    look.preview.image_pixels_float.foreach_get(pixels)
    return tuple(look.preview.image_size) == (160, 90) and np.allclose(pixels[:3] * 255, RED, atol=1.5)


def test_a_look_survives_save_and_reload_and_dresses_another_scene(library):
    path, told = library
    bpy.ops.wm.open_mainfile(filepath=str(path))
    other = bpy.data.scenes.new("Other")
    other.segaddon.prompt, other.segaddon.seed = "a forest", 9
    (look,) = other.seg.looks()
    assert look.asset_data is not None and is_thumbnail(look)
    assert look.asset_data.description == "sdxl-union, watercolour, soft light"
    other.seg.apply_look("Winter")
    assert worn(other) == told
    assert (other.segaddon.prompt, other.segaddon.seed) == ("a forest", 9)


@pytest.mark.parametrize("link", [False, True])
def test_a_look_comes_from_another_file(library, link):
    path, told = library
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(path), link=link, assets_only=True) as (there, here):
        here.node_groups = list(there.node_groups)
    (look,) = here.node_groups
    assert is_thumbnail(look)
    api.apply_look(look)
    assert worn(bpy.context.scene) == told


def test_a_look_is_applied_out_of_a_library_and_leaves_only_its_settings(library):
    path, told = library
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert bpy.ops.segaddon.apply_look(name="Winter", file=str(path)) == {"FINISHED"}
    assert worn(bpy.context.scene) == told
    assert api.looks() == []
    assert not bpy.data.node_groups


def test_the_asset_browser_knows_a_look_by_its_tag(library):
    look = api.looks()[0]
    assert api.LOOK_TAG in look.asset_data.tags


def test_saving_again_replaces_and_removing_removes(ready):
    ready.segaddon.generation.words = "ink"
    assert bpy.ops.segaddon.save_look(name="Mine") == {"FINISHED"}
    ready.segaddon.generation.words = "oil"
    assert bpy.ops.segaddon.save_look(name="Mine") == {"FINISHED"}
    ready.segaddon.generation.words = ""
    assert bpy.ops.segaddon.apply_look(name="Mine") == {"FINISHED"}
    assert (len(api.looks()), ready.segaddon.generation.words) == (1, "oil")
    assert bpy.ops.segaddon.remove_look(name="Mine") == {"FINISHED"}
    assert api.looks() == []


def test_what_is_no_look_is_said(ready, tmp_path):
    for keywords, text in (
        ({"name": "Nothing"}, "There is no look 'Nothing' in this file. Save one first"),
        ({"name": "Nothing", "file": str(tmp_path / "none.blend")}, "none.blend cannot be read"),
    ):
        with pytest.raises(RuntimeError, match=text):
            bpy.ops.segaddon.apply_look(**keywords)
    with pytest.raises(RuntimeError, match="needs a name"):
        bpy.ops.segaddon.save_look(name=" ")
    with pytest.raises(api.SegAddonError, match="is no look"):
        api.apply_look(bpy.data.node_groups.new("Plain", "ShaderNodeTree"))


def test_a_look_of_a_later_version_is_applied_as_far_as_it_is_known(ready):
    look = api.save_look("Later")
    look["seg_look"] = '{"model": "", "generation": {"words": "ink", "quality": "BEST", "glow": 1, "steps": 12}}'
    api.apply_look(look)
    wanted = ready.segaddon.generation
    assert (wanted.words, wanted.quality, wanted.steps) == ("ink", "FINAL", 12)


def test_words_of_a_look_reach_the_picture(ready):
    wanted = ready.segaddon.generation
    wanted.words = "snow"
    one = wanted.class_words.add()
    one.class_name, one.words = "House", "timber-framed"
    two = wanted.class_words.add()
    two.class_name, two.words = "car", "rusty"
    api.set_text("Car", "yellow")
    assert bpy.ops.segaddon.generate(prompt="sunset") == {"FINISHED"}
    recipe = api.find_picture(ready.segaddon.picture).recipe
    assert recipe.prompt == "sunset, snow"
    texts = {one.object: one.text for one in recipe.maps.instances}
    assert (texts["House"], texts["Car"], texts["Car.001"]) == ("timber-framed", "yellow", "rusty")
    assert bpy.ops.segaddon.generate() == {"FINISHED"}
    composed = api.find_picture(ready.segaddon.picture).recipe.prompt
    assert composed.endswith(", snow") and "house" in composed


@pytest.fixture
def scripts(tmp_path, monkeypatch) -> Path:
    """The user's folder of scripts, empty; Blender asks for it by a function that tests can turn."""
    folder = tmp_path / "scripts"
    real = bpy.utils.user_resource

    def user_resource(kind, *, path="", create=False):
        if kind != "SCRIPTS":
            return real(kind, path=path, create=create)
        if create:
            (folder / path).mkdir(parents=True, exist_ok=True)
        return str(folder / path)

    monkeypatch.setattr(bpy.utils, "user_resource", user_resource)
    monkeypatch.setattr(bpy.utils, "preset_paths", lambda subdir: [str(folder / "presets" / subdir)])
    return folder


def test_a_preset_is_written_applied_and_removed(ready, scripts):
    dress(ready)
    ready.segaddon.generation.references.clear()
    told = worn(ready)
    assert bpy.ops.segaddon.add_preset(name="Soft Ink") == {"FINISHED"}
    path = scripts / "presets" / operators.PRESETS / "Soft_Ink.py"
    assert path.is_file()
    for other in ("loras", "class_words"):
        getattr(ready.segaddon.generation, other).clear()
    for name in ("own_guides", "own_sampling", "words", "style", "negative", "quality"):
        ready.segaddon.generation.property_unset(name)
    ready.segaddon.model, ready.segaddon.generation.depth.weight = "", 2.0
    assert bpy.ops.script.execute_preset(filepath=str(path), menu_idname="SEGADDON_PT_presets") == {"FINISHED"}
    assert worn(ready) == told
    assert ready.segaddon.prompt == "a harbour"
    assert bpy.ops.segaddon.add_preset(name="Soft_Ink", remove_name=True) == {"FINISHED"}
    assert not path.exists()


def test_a_folder_of_presets_that_cannot_be_written_is_one_line(ready, scripts, capfd):
    scripts.mkdir()
    (scripts / "presets").write_text("a file in the way")
    with pytest.raises(RuntimeError, match=r"cannot be written to .*presets.*Make the folder writable"):
        bpy.ops.segaddon.add_preset(name="Soft Ink")
    assert "Traceback" not in "".join(capfd.readouterr())
