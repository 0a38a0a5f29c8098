"""A live scene after each kind of change, against one that is made afresh."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Matrix

# isort: split
import bmesh  # only there once bpy is imported

from blender_segaddon.capture.gpu import LiveScene

from . import drawing, scenes


@pytest.fixture(scope="module", autouse=True)
def _needs_gpu():
    drawing.need_gpu()


class Watched:
    """A live scene that hears of changes as the overlay does."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self.scene, self.live = scene, LiveScene()
        self.last = drawing.ids_seen(self.live, scene)

    def note(self, _scene, depsgraph) -> None:
        self.live.note(depsgraph)

    def check(self, changed: bool = True) -> None:
        """What it shows is what is there; ``changed``: and no longer what it showed before."""
        bpy.context.view_layer.update()
        shown = drawing.ids_seen(self.live, self.scene)
        fresh = LiveScene()
        assert np.array_equal(shown, drawing.ids_seen(fresh, self.scene))
        assert self.live.things == fresh.things
        assert np.array_equal(shown, self.last) != changed
        self.last = shown


@pytest.fixture
def watched():
    scene = scenes.everything()
    one = Watched(scene)
    handlers = (bpy.app.handlers.depsgraph_update_post, bpy.app.handlers.frame_change_post)
    for handler in handlers:
        handler.append(one.note)
    yield one
    for handler in handlers:
        handler.remove(one.note)


def thing(name: str) -> bpy.types.Object:
    return bpy.data.objects[name]


def test_objects_move_come_and_go(watched):
    thing("No material").location.z += 1
    watched.check()
    thing("Inner at -0.7").location.x -= 0.3  # in a nested collection: two instances move
    watched.check()
    scenes.add("New", scenes.mesh("ball", "New", 2.0), (0, -3, 1))
    watched.check()
    thing("New").hide_set(True)
    watched.check()
    thing("New").data.transform(Matrix.Scale(2, 4))
    thing("New").hide_set(False)
    watched.check()
    bpy.data.objects.remove(thing("New"))
    watched.check()
    thing("Floor").hide_render = True
    watched.check()


def test_meshes_change(watched):
    block = thing("Duplicate -3").data
    for vertex in block.vertices:
        vertex.co.z *= 2
    block.update()
    watched.check()
    thing("Part A").data.transform(Matrix.Scale(1.6, 4))
    thing("Part A").data.update()
    watched.check()
    thing("No material").modifiers.new("Subdivision", "SUBSURF").levels = 1
    thing("No material").modifiers.new("Screw", "DISPLACE").strength = 0.5
    watched.check()
    thing("No material").modifiers["Screw"].strength = -0.3
    watched.check()
    thing("Text").data.body = "OTHER"
    watched.check()
    thing("Tuft").scale = (2, 2, 2)
    thing("Tuft").data.transform(Matrix.Scale(2, 4))
    thing("Tuft").data.update()
    watched.check()
    thing("Duplicate -2").data = thing("Tuft").data
    watched.check()


def test_nodes_and_frames(watched):
    grid = next(one for one in bpy.data.node_groups["Scatter"].nodes if one.bl_idname == "GeometryNodeMeshGrid")
    grid.inputs[2].default_value = 3
    watched.check()
    ball = thing("No material")
    ball.shape_key_add(name="Basis")
    for point in ball.shape_key_add(name="Big").data:
        point.co *= 2
    key = ball.data.shape_keys.key_blocks["Big"]
    for frame, value in ((1, 0.0), (10, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    watched.scene.frame_set(1)
    watched.check(changed=False)
    for frame in (5, 10, 1):
        watched.scene.frame_set(frame)
        watched.check()


def test_edit_mode(watched):
    cube = thing("Empty slot")
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode="EDIT")
    watched.check(changed=False)
    form = bmesh.from_edit_mesh(cube.data)
    for vertex in form.verts:
        vertex.co *= 2
    bmesh.update_edit_mesh(cube.data)
    watched.check()
    bpy.ops.object.mode_set(mode="OBJECT")
    watched.check(changed=False)


def test_undo(watched):
    bpy.ops.ed.undo_push(message="Before")
    thing("No material").location.z += 1
    bpy.ops.ed.undo_push(message="Moved")
    watched.check()
    bpy.ops.ed.undo()
    watched.scene = bpy.context.scene
    watched.live.forget()
    watched.check()


def test_names_and_classes(watched):
    def match(name):
        return {one.object: one.match for one in watched.live.things}[name]

    assert match("Floor").class_name == "floor"
    thing("No material").name = "Car"
    watched.check()  # another name, another place in the order
    assert match("Car").class_name == "car"
    thing("Car")["seg_class"] = "tree"
    watched.live.forget_names()
    watched.check(changed=False)
    assert match("Car").class_name == "tree"
    garden = bpy.data.collections.new("Garden")
    watched.scene.collection.children.link(garden)
    garden.objects.link(thing("Empty slot"))
    garden["seg_class"] = "plant"
    watched.check(changed=False)
    assert match("Empty slot").class_name == "plant"


def test_nothing_changes_nothing_is_done(watched):
    drawing.ids_seen(watched.live, watched.scene)
    before = watched.live.version
    drawing.ids_seen(watched.live, watched.scene)
    assert watched.live.version == before
    assert sorted({one.instancer for one in watched.live.things}) == ["", "Bed", "Field", "Nested 0.8", "Nested 3.4"]
