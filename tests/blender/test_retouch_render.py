"""The Render Result and an object's texture, retouched by the Image Editor's buttons; the patch in the compositor."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.operators import retouch_history, retouch_masks
from blender_segaddon.texturing import compositing, images, patching
from blender_segaddon.texturing.render_result import read_render

from .test_retouching import SIZE, light_of, scene  # noqa: F401  # a fixture

NAME = "Render Result"


@pytest.fixture
def rendered(scene):  # noqa: F811
    """The scene, rendered with its maps; the add-on on."""
    blender_segaddon.register()
    scene.render.film_transparent = True
    api.render_with_maps(scene)
    yield scene
    blender_segaddon.unregister()


def result() -> bpy.types.Image:
    return bpy.data.images[NAME]


def click(name: str) -> np.ndarray:
    """A click on an object in the render; its pixels."""
    maps = api.maps_of()
    one = next(one for one in maps.instances if one.object == name)
    y, x = np.argwhere(maps.instance_map == one.id)[one.pixels // 2]
    bpy.ops.segaddon.mask_click(image=NAME, at=(x + 0.5, y + 0.5))
    return maps.instance_map == one.id


def again(scene: bpy.types.Scene) -> np.ndarray:  # noqa: F811
    bpy.ops.render.render()
    return read_render(scene).pixels


def test_a_render_is_retouched_and_every_render_after_it_too(rendered):
    before = read_render(rendered).pixels
    box = click("Box")
    assert (retouch_masks.together(result(), SIZE) == box).all()
    bpy.ops.segaddon.inpaint(image=NAME, prompt="gold")
    assert result().segaddon.results[0].image.is_float
    bpy.ops.segaddon.result_accept(image=NAME)
    made = retouch_history.steps_of(result())[1].image
    light = light_of(made)
    assert made.use_view_as_render, "an editor shows it as the render"
    assert (light[~box] == before[~box]).all()
    after = again(rendered)
    assert (after[~box] == before[~box]).all()
    assert np.abs(after[box][:, :3] - light[box][:, :3]).max() == 0
    assert (after[..., 3] == before[..., 3]).all()
    assert np.abs(after[box] - before[box]).max() > 0.01
    bpy.ops.segaddon.history_show(image=NAME, step=0)
    assert patching.patch_of(rendered) is None
    assert (again(rendered) == before).all()
    bpy.ops.segaddon.history_show(image=NAME, step=1)
    assert (again(rendered) == after).all()
    assert bpy.ops.segaddon.patch_remove() == {"FINISHED"}
    assert (again(rendered) == before).all()


def test_a_second_patch_leaves_the_first_one(rendered):
    before = read_render(rendered).pixels
    box = click("Box")
    bpy.ops.segaddon.inpaint(image=NAME, prompt="gold")
    bpy.ops.segaddon.result_accept(image=NAME)
    first = retouch_history.steps_of(result())[1].image
    spot = np.zeros(SIZE[::-1], bool)
    spot[2:8, 2:12] = True
    record = retouch_masks.add(first, "Spot")
    retouch_masks.fill(record, [api.Mask(spot, 1.0, "Spot", source="script")])
    bpy.ops.segaddon.inpaint(image=first.name, prompt="red brick")
    bpy.ops.segaddon.result_accept(image=first.name)
    second = retouch_history.steps_of(result())[2].image
    after = again(rendered)
    both = box | spot
    assert (after[~both] == before[~both]).all()
    assert (after[both][:, :3] == light_of(second)[both][:, :3]).all()


def test_renders_get_no_patch_of_another_size(rendered):
    click("Box")
    bpy.ops.segaddon.inpaint(image=NAME, prompt="gold")
    bpy.ops.segaddon.result_accept(image=NAME)
    first = retouch_history.steps_of(result())[1].image
    patch = patching.patch_of(rendered)
    bpy.ops.segaddon.extend(image=first.name, margins=(8, 0, 0, 0))
    wider = retouch_history.steps_of(result())[2].image
    spot = np.zeros((SIZE[1], SIZE[0] + 8), bool)
    spot[2:8, 2:12] = True
    retouch_masks.fill(retouch_masks.add(wider, "Spot"), [api.Mask(spot, 1.0, "Spot", source="script")])
    bpy.ops.segaddon.inpaint(image=wider.name, prompt="red brick")
    bpy.ops.segaddon.result_accept(image=wider.name)
    assert patching.patch_of(rendered) == patch
    for step, shown in ((2, patch), (0, None), (3, patch)):
        bpy.ops.segaddon.history_show(image=NAME, step=step)
        assert patching.patch_of(rendered) == shown


def test_the_compositor_goes_on_with_what_it_did(rendered):
    tree = compositing.begun(rendered)
    output = patching._output(tree)
    source = patching._source(tree, output)
    flip = tree.nodes.new("CompositorNodeFlip")
    tree.links.new(source, flip.inputs[0])
    tree.links.new(flip.outputs[0], output.inputs[0])
    before = again(rendered)
    patch = images.light_image("Patch", np.zeros((*SIZE[::-1], 4), np.float32))
    patching.set_patch(rendered, patch)
    assert (again(rendered) == before).all()
    patching.set_patch(rendered, None)
    assert output.inputs[0].links[0].from_node == flip
    assert patching.patch_of(rendered) is None
    assert not [one for one in bpy.data.node_groups if one.name.startswith("Seg Retouch")]
    assert (again(rendered) == before).all()


def test_a_patch_whose_image_node_was_deleted_is_made_anew(rendered):
    patch = images.light_image("Patch", np.zeros((*SIZE[::-1], 4), np.float32))
    patching.set_patch(rendered, patch)
    group = patching._group_node(rendered).node_tree
    group.nodes.remove(patching._image_node(group))
    assert patching.patch_of(rendered) is None
    patching.set_patch(rendered, patch)
    assert patching.patch_of(rendered) == patch
    assert len([one for one in bpy.data.node_groups if one.name.startswith("Seg Retouch")]) == 1
    patching.set_patch(rendered, None)
    assert patching._group_node(rendered) is None


def test_a_mask_of_a_render_by_its_alpha_and_by_brush(rendered):
    alpha = read_render(rendered).pixels[..., 3] >= 0.5
    bpy.ops.segaddon.mask_of(image=NAME, what="ALPHA")
    assert (retouch_masks.together(result(), SIZE) == alpha).all()
    bpy.ops.segaddon.mask_paint(image=NAME)
    painted = next(one for one in bpy.data.images if one.segaddon.painted_for is not None)
    pixels = np.array(painted.pixels[:], np.float32).reshape(-1, 4)
    pixels[:, :3] = 1 - pixels[:, :3]
    painted.pixels.foreach_set(pixels.ravel())
    bpy.ops.segaddon.mask_painted(image=painted.name)
    assert (retouch_masks.together(result(), SIZE) == ~alpha).all()


@pytest.mark.parametrize("space", ["sRGB", "Non-Color"])
def test_an_accepted_texture_is_on_the_object(scene, space):  # noqa: F811
    blender_segaddon.register()
    try:
        texture = bpy.data.images.new("Bark", 64, 48, alpha=True)
        texture.colorspace_settings.name = space
        pixels = np.random.default_rng(0).uniform(0.2, 0.8, (48, 64, 4)).astype(np.float32)
        pixels[:, :20, 3] = 0.25
        texture.pixels.foreach_set(pixels.ravel())
        texture.pack()
        before = np.array(texture.pixels[:]).reshape(48, 64, 4)
        material = bpy.data.objects["Box"].data.materials[0]
        node = material.node_tree.nodes.new("ShaderNodeTexImage")
        node.image = texture
        mask = np.zeros((48, 64), bool)
        mask[10:30, 10:40] = True
        retouch_masks.fill(retouch_masks.add(texture, "Painted"), [api.Mask(mask, 1.0, "Painted", source="script")])
        bpy.ops.segaddon.inpaint(image="Bark", prompt="red brick")
        assert node.image == texture, "nothing changes on the object before it is accepted"
        bpy.ops.segaddon.result_accept(image="Bark")
        assert node.image != texture
        assert node.image.colorspace_settings.name == space
        after = np.array(node.image.pixels[:]).reshape(48, 64, 4)[::-1]
        assert np.abs(after - before[::-1])[~mask].max() < 1e-6
        assert np.abs(after - before[::-1])[mask][:, :3].max() > 0.1
        assert np.abs(after[..., 3] - before[::-1][..., 3]).max() < 1e-6
        bpy.ops.segaddon.history_show(image="Bark", step=0)
        assert node.image == texture
    finally:
        blender_segaddon.unregister()
