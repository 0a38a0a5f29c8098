"""One mesh, many classes: by material, by face, and maps that are split by material."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

# isort: split
import bmesh  # only there once bpy is imported

from blender_segaddon import api as seg
from blender_segaddon.capture import capture
from blender_segaddon.core import files
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.core.vocabulary import load
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.texturing import linked
from blender_segaddon.texturing.evidence import evidence

from . import exact, scenes

SIZE = (80, 20)
COUNT = 4


@pytest.fixture(autouse=True)
def strip():
    """One flat mesh of four squares side by side, each a quarter of the picture; seen from above."""
    scene = scenes.empty()
    data = bpy.data.meshes.new("Zork")
    points = [(x, y, 0) for x in range(COUNT + 1) for y in (0, 1)]
    data.from_pydata(points, [], [(2 * x, 2 * x + 2, 2 * x + 3, 2 * x + 1) for x in range(COUNT)])
    one = scenes.add("Zork", data)
    scenes.camera(at=(2, 0.5, 5), towards=(2, 0.5, 0), type="ORTHO", ortho_scale=4.0)
    scene.camera.rotation_euler = (0, 0, 0)
    return one


def paint(one, *names, given=()):
    """A material for each square; the same name is the same material."""
    for name in dict.fromkeys(names):
        one.data.materials.append(scenes.material(name))
    for face, name in zip(one.data.polygons, names, strict=True):
        face.material_index = list(dict.fromkeys(names)).index(name)
    for name, found in given:
        bpy.data.materials[name]["seg_class"] = found


def columns(image):
    """The value of each quarter of the picture; every pixel of it must have it."""
    found = []
    for quarter in np.array_split(np.asarray(image), COUNT, axis=1):
        assert len(np.unique(quarter)) == 1
        found.append(quarter.flat[0])
    return found


def classes(maps):
    names = {one.id: one.name for one in load(maps.vocabulary).classes} | {NO_CLASS: None}
    return [names[int(value)] for value in columns(maps.class_map)]


def test_materials_give_parts_of_one_mesh_their_classes(strip):
    paint(strip, "A", "B", "A", "C", given=(("A", "road"), ("B", "grass")))
    bpy.data.materials["B"]["seg_text"] = "wild flowers"
    maps = capture(bpy.context.scene, size=SIZE)
    assert classes(maps) == ["road", "grass", "road", None]
    assert columns(maps.instance_map) == [1, 1, 1, 1]
    one = maps.instances[0]
    assert (one.class_name, one.class_source, one.material) == ("road", "material property", "")
    assert [(part.class_name, part.pixels) for part in one.parts] == [("road", 800), ("grass", 400), (None, 400)]
    assert one.parts[1].text == "wild flowers"
    assert maps.legend()["instances"][0]["parts"][1]["class"] == "grass"


def test_names_of_materials_count_where_nothing_else_does(strip):
    paint(strip, "asphalt road", "grass_02", "Material.003", "Glass")
    found = classes(capture(bpy.context.scene, size=SIZE))
    assert found[:3] == ["road", "grass", None]
    strip.name = "House.001"
    assert classes(capture(bpy.context.scene, size=SIZE)) == ["house"] * 4


def test_what_is_said_of_the_object_counts_for_all_of_it(strip):
    paint(strip, "A", "B", "A", "C", given=(("A", "road"), ("B", "grass")))
    strip["seg_class"] = "car"
    maps = capture(bpy.context.scene, size=SIZE)
    assert classes(maps) == ["car"] * 4
    assert maps.instances[0].parts == ()


def test_the_map_split_by_material(strip, tmp_path):
    paint(strip, "B", "A", "B", "C", given=(("A", "road"), ("B", "grass")))
    scenes.add("Below", scenes.mesh("plane", "Below", 40), (0, 0, -1))
    camera = bpy.context.scene.camera
    camera.data.ortho_scale = 8.0
    plain = capture(bpy.context.scene, size=(80, 40))
    maps = capture(bpy.context.scene, size=(80, 40), split="material")
    assert maps.split == "material"
    assert [(one.object, one.material) for one in maps.instances] == [
        ("Below", ""),
        ("Zork", "A"),
        ("Zork", "B"),
        ("Zork", "C"),
    ]
    assert [one.class_name for one in maps.instances[1:]] == ["road", "grass", None]
    assert np.array_equal(maps.class_map, plain.class_map)
    assert np.array_equal(maps.instance_map > 1, plain.instance_map == 2)
    for one in maps.instances:
        assert (maps.instance_map == one.id).sum() == one.pixels
    files.save_maps(maps, tmp_path)
    again = files.load_maps(tmp_path)
    assert (again.split, again.instances) == (maps.split, maps.instances)
    assert np.array_equal(maps.instance_map, again.instance_map)
    with pytest.raises(InvalidInput, match="split"):
        capture(bpy.context.scene, size=SIZE, split="colour")


def test_a_split_map_projects_as_a_whole_one_does(strip):
    paint(strip, "A", "B", "A", "C", given=(("A", "road"),))
    maps = seg.capture(size=SIZE, split="material")
    whole = seg.capture(size=SIZE)
    told = [evidence(one, linked.keys(bpy.context.scene, one.instances)) for one in (maps, whole)]
    assert np.array_equal(*told)
    placement = seg.project(seg.generate(maps=maps, seed=1)[0], objects=["Zork"])
    assert placement.skipped == ()
    seg.remove_placement(placement)


def test_faces_have_classes_of_their_own(strip):
    assert seg.set_face_class(strip, "road", [0, 3]) == 2
    assert seg.set_face_class(strip, "motorcar", [1]) == 1  # a synonym
    maps = capture(bpy.context.scene, size=SIZE)
    assert classes(maps) == ["road", "car", None, "road"]
    assert strip.data["seg_classes"] == "road, car"
    assert {part.class_source for part in maps.instances[0].parts} == {"face attribute", "none"}
    seg.set_face_class(strip, None, [0])
    assert classes(capture(bpy.context.scene, size=SIZE)) == [None, "car", None, "road"]
    for wrong in ([4], [-1]):
        with pytest.raises(InvalidInput, match="faces 0 to 3"):
            seg.set_face_class(strip, "road", wrong)
    with pytest.raises(InvalidInput, match="rooad"):
        seg.set_face_class(strip, "rooad", [0])
    with pytest.raises(InvalidInput, match="no mesh"):
        seg.set_face_class(bpy.context.scene.camera, "road")


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT"])
def test_selected_faces(strip, mode):
    for face in strip.data.polygons:
        face.select = face.index == 2
    bpy.context.view_layer.objects.active = strip
    bpy.ops.object.mode_set(mode=mode)
    if mode == "EDIT":
        form = bmesh.from_edit_mesh(strip.data)
        for face in form.faces:
            face.select_set(face.index == 2)
        bmesh.update_edit_mesh(strip.data)
    assert seg.set_face_class(strip, "water") == 1
    assert classes(capture(bpy.context.scene, size=SIZE)) == [None, None, "water", None]
    assert strip.mode == mode
    bpy.ops.object.mode_set(mode="OBJECT")
    assert classes(capture(bpy.context.scene, size=SIZE)) == [None, None, "water", None]


def test_faces_through_modifiers_instances_and_object_names(strip):
    """Subdivided, instanced, with the names on the object, as geometry nodes leave them."""
    seg.set_face_class(strip, "road", [0, 1])
    del strip.data["seg_classes"]
    strip["seg_classes"] = "grass"
    subdivision = strip.modifiers.new("Subdivision", "SUBSURF")
    subdivision.subdivision_type, subdivision.render_levels = "SIMPLE", 2
    maps = capture(bpy.context.scene, size=SIZE)
    assert classes(maps) == ["grass", "grass", None, None]
    inside = bpy.data.collections.new("Inside")
    inside.objects.link(strip)
    bpy.context.scene.collection.objects.unlink(strip)
    scenes.add("Instance", None, instance_type="COLLECTION", instance_collection=inside)
    maps = capture(bpy.context.scene, size=SIZE)
    assert classes(maps) == ["grass", "grass", None, None]
    assert maps.instances[0].instancer == "Instance"


def test_faces_win_over_what_is_said_of_all(strip):
    strip["seg_class"] = "building"
    seg.set_face_class(strip, "window", [3])
    maps = capture(bpy.context.scene, size=SIZE)
    assert classes(maps) == ["building"] * 3 + ["windowpane"]


def test_an_unknown_face_class_is_no_class_and_said(strip):
    seg.set_face_class(strip, "road", [0])
    strip.data["seg_classes"] = "rooad"
    maps = capture(bpy.context.scene, size=SIZE)
    assert classes(maps) == [None] * 4
    assert any("unknown class 'rooad'" in part.class_source for part in maps.instances[0].parts)


def test_what_is_not_exact_is_said(strip):
    scene = bpy.context.scene
    assert capture(scene, size=SIZE).inexact == ()
    add = bpy.ops.object.gpencil_add if bpy.app.version < (4, 3) else bpy.ops.object.grease_pencil_add
    add(type="STROKE", location=(0, -1, 0))
    bpy.context.object.name = "Sketch"
    script, portal = scenes.material("Scripted"), scenes.material("Portal")
    script.node_tree.nodes.new("ShaderNodeScript")
    for made in (script, portal):
        node = made.node_tree.nodes.new("ShaderNodeBsdfRayPortal")
        made.node_tree.links.new(node.outputs[0], made.node_tree.get_output_node("CYCLES").inputs["Surface"])
        strip.data.materials.append(made)
    scene.render.use_motion_blur, scene.cycles.rolling_shutter_type = True, "TOP"
    maps = exact.check(scene, SIZE)
    assert {one.object for one in maps.inexact} == {"Sketch", "Scripted", "Portal", ""}
    assert maps.legend()["inexact"][0].keys() == {"object", "reason"}
