"""Retouching in a real Blender: bytes and 32 bits, the Render Result, what is kept and what came from what."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_segaddon import api
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.texturing import images
from blender_segaddon.texturing.render_result import read_render

from .scenes import add, camera, empty, material, mesh

SIZE = (96, 64)


@pytest.fixture
def scene() -> bpy.types.Scene:
    """A box on a floor before a wall, under a sun, seen by a camera; rendered by Cycles."""
    scene = empty()
    for name, colour, kind, size, at in (
        ("Floor", (0.5, 0.4, 0.3, 1), "plane", 40.0, (0, 0, 0)),
        ("Wall", (0.3, 0.5, 0.3, 1), "cube", 8.0, (0, 8, 2)),
        ("Box", (0.8, 0.05, 0.05, 1), "cube", 1.5, (0, 0, 0.75)),
    ):
        paint = material(name)
        next(one for one in paint.node_tree.nodes if one.type == "BSDF_PRINCIPLED").inputs[0].default_value = colour
        add(name, mesh(kind, name, size), at).data.materials.append(paint)
    lamp = bpy.data.lights.new("Sun", "SUN")
    lamp.energy = 4.0
    add("Sun", lamp, rotation_euler=(0.5, 0.2, 0))
    camera((0, -8, 3), (0, 0, 1))
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 1, False, "CPU"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *SIZE, 100
    bpy.context.view_layer.update()
    return scene


def light_of(image: bpy.types.Image) -> np.ndarray:
    return images.read_image(image)


def spot() -> np.ndarray:
    mask = np.zeros(SIZE[::-1], bool)
    mask[30:45, 40:60] = True
    return mask


def test_a_render_is_retouched_in_32_bits(scene):
    bpy.ops.render.render()
    settings = [getattr(scene.render.image_settings, name) for name in ("file_format", "color_depth", "exr_codec")]
    result, maps = bpy.data.images["Render Result"], api.capture(scene)
    light = read_render(scene).pixels
    assert settings == [getattr(scene.render.image_settings, n) for n in ("file_format", "color_depth", "exr_codec")]
    (mask,) = api.segment(api.generate(maps=maps, seed=1)[0], objects=["Box"])
    made = api.remove(result, mask, maps=maps, seed=1)
    assert made.light.dtype == np.float32 and made.light.shape == light.shape
    assert (made.light[~mask.array] == light[~mask.array]).all()
    red = made.light[mask.array][:, 0] > 2 * made.light[mask.array][:, 1]
    assert red.mean() < 0.02  # nothing of the box is left
    kept = light_of(made.image)
    assert made.image.is_float and (kept == made.light).all()
    # what is seen of it is what was asked for
    shown = api.inpaint(made.image, ~mask.array, "", intent="remove", strength=0.0, seed=1)[0]
    assert np.abs(shown.pixels.astype(int) - made.pixels).max() <= 2


def test_light_stays_where_nothing_visible_changed():
    scene = empty()
    values = np.random.default_rng(0).uniform(0, 6, (*SIZE[::-1], 4)).astype(np.float32)
    values[..., 3] = np.linspace(0, 1, SIZE[0])
    values[..., :3] *= values[..., 3:]
    image = images.light_image("Light", values)
    same = api.inpaint(image, spot(), "", intent="remove", strength=0.0, seed=1)[0]
    assert (same.light == values).all()
    made = api.inpaint(image, spot(), "blue", seed=1)[0]
    assert (made.light[~spot()] == values[~spot()]).all() and (made.light[..., 3] == values[..., 3]).all()
    assert (made.light[spot()] != values[spot()]).any() and scene.name in bpy.data.scenes


def test_the_render_result_before_any_render():
    empty()
    bpy.data.images.new("Render", 8, 8)
    with pytest.raises(InvalidInput, match=r"no render"):
        read_render(bpy.context.scene)


def test_what_is_removed_shows_what_is_behind_it(scene):
    maps = api.capture(scene)
    picture = api.generate(maps=maps, seed=1)[0]
    made = api.remove(picture, objects=["Box"], seed=1)
    assert "Box" not in {one.object for one in made.maps.instances}
    assert not scene.objects["Box"].hide_render
    scene.objects["Floor"].location.z = 5  # another scene by now: what is behind is guessed
    bpy.context.view_layer.update()
    again = api.remove(picture, objects=["Box"], seed=1)
    assert again.maps is maps
    with pytest.raises(InvalidInput, match="either a mask or objects"):
        api.remove(picture)


def test_extend_keeps_every_pixel(scene):
    picture = api.generate(maps=api.capture(scene), seed=1)[0]
    made = api.extend(picture, left=10, top=6, seed=1)
    assert made.pixels.shape == (SIZE[1] + 6, SIZE[0] + 10, 3)
    assert (made.pixels[6:, 10:] == picture.pixels).all()
    assert made.pixels[:6].std() > 0
    with pytest.raises(InvalidInput, match="how far"):
        api.extend(picture)


@pytest.mark.parametrize("policy", ["beside", "packed", "template"])
def test_what_is_accepted_is_there_after_save_and_reload(policy, scene, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shop.blend"))
    api.configure_storing(api.Storing(policy, "//renders/{title}.{version}"))
    try:
        first = images.display_image("Photo", np.full((*SIZE[::-1], 3), 90, np.uint8))
        byte = api.inpaint(first, spot(), "red brick", seed=1)[0]
        twice = api.inpaint(byte, spot(), "gold", seed=1)[0]
        light = images.light_image("Light", np.full((*SIZE[::-1], 4), 0.5, np.float32))
        floats = api.inpaint(light, spot(), "gold", seed=1)[0]
        expected = {}
        for picture in (byte, twice, floats):
            image = api.accept(picture)
            expected[image.name] = light_of(image)
            image.use_fake_user = True
    finally:
        api.configure_storing(api.Storing())
    for one in (first, light):
        one.use_fake_user = True
    assert [one.name for one in api.history(twice.image)] == ["Photo", byte.image.name, twice.image.name]
    paths = {one.filepath for one in bpy.data.images if one.get("seg_picture")}
    if policy == "beside":
        assert paths == {f"//shop_seg/{name}" for name in ("red_brick_v001.png", "gold_v001.png", "gold_v001.exr")}
        assert all(Path(bpy.path.abspath(one)).exists() for one in paths)
    names = [byte.image.name, twice.image.name]
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shop.blend"))
    for name, pixels in expected.items():
        again = light_of(bpy.data.images[name])
        assert again[..., :3].max() > 0 and np.abs(again - pixels).max() < 1e-6
    assert [one.name for one in api.history(bpy.data.images[names[1]])] == ["Photo", *names]


def test_an_unsaved_file_packs(scene):
    picture = api.inpaint(np.full((*SIZE[::-1], 3), 90, np.uint8), spot(), "gold", seed=1)[0]
    assert api.accept(picture).packed_file is not None


def test_bad_input_is_said_and_nothing_is_lost(scene):
    image = images.display_image("Photo", np.full((*SIZE[::-1], 3), 90, np.uint8))
    before = light_of(image)
    for mask, text in ((np.zeros(SIZE[::-1], bool), "empty"), (np.ones((3, 3), bool), "does not fit")):
        with pytest.raises(InvalidInput, match=text):
            api.inpaint(image, mask, "gold")
    with pytest.raises(InvalidInput, match="shape"):
        api.inpaint(np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4), bool), "gold")
    with pytest.raises(InvalidInput, match="Softness"):
        api.inpaint(image, spot(), "gold", softness=-1)
    with pytest.raises(InvalidInput, match="cannot replace"):
        api.inpaint(image, spot(), "gold", model="classical")
    assert (light_of(image) == before).all()
    job = api.inpaint(image, spot(), "gold", seed=1, wait=False)
    bpy.data.images.remove(image)  # its pixels were taken when the job began
    assert job.result()[0].image.size[:] == SIZE
