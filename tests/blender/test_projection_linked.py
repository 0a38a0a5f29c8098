"""Pictures on objects of linked libraries: the library is never edited."""

from pathlib import Path

import bpy
import pytest

from blender_segaddon.texturing.colour import to_scene_linear
from blender_segaddon.texturing.placement import remove
from blender_segaddon.texturing.projection import project
from blender_segaddon.texturing.render import render_view

from .cast import cast_maps
from .little import SIZE, camera, gentle_picture, little_scene, psnr
from .snapshot import take, traces


@pytest.fixture
def scene(tmp_path: Path) -> bpy.types.Scene:
    """A scene that owns nothing but empties and a camera: collections linked as a child and twice as instances."""
    path = str(tmp_path / "library.blend")
    scene = little_scene()
    all_of_it = bpy.data.collections.new("All")
    scene.collection.children.link(all_of_it)
    for one in list(scene.collection.objects):
        if one.type != "CAMERA":
            all_of_it.objects.link(one)
            scene.collection.objects.unlink(one)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["All"]
        wanted.objects = ["Bare"]
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    linked = bpy.data.collections["All"]
    scene.collection.children.link(linked)
    for name, place in (("One", (3.5, 3, 4)), ("Two", (-3.5, 3, 4))):
        empty = bpy.data.objects.new(name, None)
        empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", linked, place
        empty.scale = (0.3, 0.3, 0.3)
        scene.collection.objects.link(empty)
    scene.camera = camera(scene, "Camera", (5, -10, 9), (0, 1, 1))
    bpy.context.view_layer.update()
    return scene


def test_linked_objects_take_pictures_and_come_back(scene):
    render_view(bpy.context.scene, size=(8, 8))  # the first one makes Blender's own Render Result
    before = take()
    maps = cast_maps(scene, SIZE)
    assert {one.instancer for one in maps.instances} >= {"", "One", "Two"}
    placed = project(scene, to_scene_linear(gentle_picture(), scene).pixels, maps)
    bare = {"Bare"}  # a linked mesh without any slot can show no other material
    assert set(placed.skipped) <= bare
    painted = sum((maps.instance_map == one.id for one in maps.instances if one.object not in bare), maps.depth < 0) > 0
    assert psnr(render_view(scene, size=SIZE), gentle_picture(), painted) >= 45
    for one in bpy.data.materials:
        if one.library and one.node_tree:
            assert not any(node.type == "GROUP" for node in one.node_tree.nodes)
    remove(placed)
    # Blender keeps it in mind for the session that a linked block was once used directly
    assert [one for one in traces(before, take()) if "is_library_indirect" not in one] == []
