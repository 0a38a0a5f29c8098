"""Every place for a picture: shown, hidden, painted again, kept in the file, taken away, as in the list of results."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon import api, texturing
from blender_segaddon.protocol.errors import InvalidInput, SceneError
from blender_segaddon.texturing import images

from .little import SIZE, little_scene
from .snapshot import take, traces

PLACES = {
    "projection": lambda picture: api.project(picture, soft=4.0),
    "backdrop": lambda picture: api.backdrop(picture, foreground=["Left"]),
    "plane": lambda picture: api.image_plane(picture, depth=3.0),
    "reference": lambda picture: api.reference(picture, opacity=0.25),
    "compositor": api.compositor_input,
}


@pytest.fixture
def scene() -> bpy.types.Scene:
    made = little_scene()
    made.view_settings.view_transform = "Standard"
    made.render.resolution_x, made.render.resolution_y = SIZE
    return made


@pytest.fixture
def picture(scene) -> api.Picture:
    made = api.generate("autumn", maps=api.capture(scene, size=SIZE), seed=1)[0]
    made.image.use_fake_user = True
    return made


def reloaded(path) -> bpy.types.Scene:
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return bpy.context.scene


def seen(scene) -> np.ndarray:
    """The render, and what is over the camera's view in the window."""
    data = scene.camera.data
    over = [(one.image.name, one.alpha) for one in data.background_images if one.show_background_image]
    compositor = scene.node_tree if bpy.app.version < (5, 0) else scene.compositing_node_group
    given = [node.mute for node in compositor.nodes if node.name.startswith("Seg")] if compositor else []
    extra = [float(len(over)), *(alpha for _, alpha in over), float(given == [False])]
    shown = texturing.render_view(scene, size=SIZE)[..., :3].ravel().astype(float)
    return np.concatenate([shown, extra])


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """But for the noise of one sample, which hangs on a material's nodes, hidden ones too."""
    return (
        one.shape == other.shape and (one[-3:] == other[-3:]).all() and float((np.abs(one - other) > 1).mean()) < 0.01
    )


@pytest.mark.parametrize("kind", PLACES)
def test_hidden_shown_and_taken_away(scene, picture, kind, tmp_path):
    scene = reloaded(tmp_path / "kept.blend")
    texturing.render_view(scene, size=(8, 8))
    plain, before = seen(scene), take()
    placed = PLACES[kind](picture)
    assert (placed.kind, placed.shown) == (kind, True)
    assert api.placements() == [placed]
    shown = seen(scene)
    assert not alike(shown, plain)
    assert api.show_placement(placed, False) == api.placements()[0]
    assert not api.placements()[0].shown
    assert alike(seen(scene), plain)
    scene = reloaded(tmp_path / "kept.blend")
    (placed,) = api.placements()
    placed = api.show_placement(placed, True)
    assert placed.shown
    assert alike(seen(scene), shown)
    about = api.about_placement(placed)
    assert (about.prompt, about.camera, about.image.name) == ("autumn", "Camera", picture.image.name)
    api.remove_placement(placed)
    assert api.placements() == []
    assert alike(seen(scene), plain)
    left = [line for line in traces(before, take()) if "seg" in line.lower()]
    # Blender itself makes the image of a viewer, and has no way to take a compositor away below 5.0
    assert [line for line in left if "Viewer Node" not in line and "node_tree" not in line] == []


@pytest.mark.parametrize("kind", PLACES)
def test_painted_again_in_its_place(scene, picture, kind):
    placed = PLACES[kind](picture)
    (again,) = api.repaint_view(placed, "winter, snow", seed=5)
    assert api.placements() == [again]
    assert api.picture_of(again).recipe.prompt == "winter, snow"
    for name in ("kind", "objects", "soft", "depth", "opacity", "lighting"):
        assert getattr(again, name) == getattr(placed, name)
    (same,) = {api.update(again)} if kind != "compositor" else {again}
    assert same.depth == placed.depth


def test_what_the_compositor_links_to_stays(scene, picture):
    placed = api.compositor_input(picture)
    tree = scene.node_tree if bpy.app.version < (5, 0) else scene.compositing_node_group
    node = tree.nodes[placed.name]
    target = next(one for one in tree.nodes if one.type in ("COMPOSITE", "GROUP_OUTPUT"))
    tree.links.new(node.outputs[0], target.inputs[0])
    (again,) = api.repaint_view(placed, "winter", seed=5)
    assert target.inputs[0].links[0].from_node == node
    (held,) = [one.image for one in texturing.group_of(again).nodes if one.type == "IMAGE"]
    light = texturing.to_scene_linear(api.picture_of(again).pixels, scene).pixels
    assert np.abs(images.read_image(held)[..., :3] - light).max() < 1e-6
    assert len([one for one in bpy.data.images if one.name.startswith("Seg Compositor")]) == 1


def test_a_compositor_of_the_users_stays(scene, picture):
    if bpy.app.version < (5, 0):
        scene.use_nodes = True
        tree = scene.node_tree
    else:
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Mine", "CompositorNodeTree")
    before = len(tree.nodes)
    first, second = api.compositor_input(picture), api.compositor_input(picture)
    for one in (first, second):
        api.remove_placement(one)
    assert len(tree.nodes) == before
    assert scene.use_nodes if bpy.app.version < (5, 0) else scene.compositing_node_group == tree


def test_two_references_leave_the_camera_as_it_was(scene, picture):
    data = scene.camera.data
    first = api.reference(picture)
    second = api.reference(api.generate("spring", maps=picture.maps, seed=2)[0])
    assert data.show_background_images
    api.remove_placement(first)
    assert data.show_background_images
    assert [one.image.name for one in data.background_images] == [api.picture_of(second).image.name]
    api.remove_placement(second)
    assert not data.show_background_images


def test_the_same_picture_twice_is_taken_away_once_at_a_time(scene, picture):
    data = scene.camera.data
    first, second = api.reference(picture), api.reference(picture)
    api.remove_placement(first)
    assert api.placements() == [second]
    assert [one.image for one in data.background_images] == [picture.image]
    api.remove_placement(second)
    assert not len(data.background_images)


def test_a_compositor_that_people_went_on_with_stays(scene, picture):
    placed = api.compositor_input(picture)
    tree = scene.node_tree if bpy.app.version < (5, 0) else scene.compositing_node_group
    mine = tree.nodes.new("CompositorNodeFlip")
    api.remove_placement(placed)
    assert list(tree.nodes) and tree.nodes[mine.name] == mine
    assert scene.use_nodes if bpy.app.version < (5, 0) else scene.compositing_node_group == tree


def test_references_that_cannot_be(scene, picture):
    with pytest.raises(InvalidInput, match="opacity"):
        api.reference(picture, opacity=2)
    scene.camera = None
    with pytest.raises(SceneError, match="camera"):
        api.reference(picture)
    assert api.placements() == []
