"""What things are: said by other programs, by the user in classes and words, or by their shape."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.operators import classes as class_operators
from blender_segaddon.protocol.errors import InvalidInput, SceneError

from . import scenes

SIZE = (96, 64)


@pytest.fixture
def scene() -> bpy.types.Scene:
    """Ground, four cubes that nobody knows (two share a mesh), a house; a camera before them."""
    made = scenes.empty()
    shared = scenes.mesh("cube", "Mesh")
    scenes.add("Plane", scenes.mesh("plane", "Plane", 30.0))
    scenes.add("Cube", shared, (-3, 0, 0.5))
    scenes.add("Cube.001", scenes.mesh("cube", "Mesh.001"), (-1, 0, 0.5))
    scenes.add("Thing", shared, (1, 0, 0.5))
    scenes.add("House", scenes.mesh("cube", "Mesh.002"), (3, 0, 0.5))
    scenes.camera()
    bpy.context.view_layer.update()
    return made


@pytest.fixture
def enabled():
    blender_segaddon.register()
    yield
    blender_segaddon.unregister()


def one(name: str) -> bpy.types.Object:
    return bpy.data.objects[name]


def taken_for(name: str) -> tuple[str | None, str]:
    match = api.class_of(one(name))
    return match.class_name, match.source


def test_what_other_programs_say(scene):
    one("Cube").asset_mark()
    one("Cube").asset_data.tags.new("Chair")
    one("Cube.001")["IfcClass"], one("Cube.001")["PredefinedType"] = "IfcSlab", "ROOF"
    one("Thing").data["category"] = "street lamp"
    assert taken_for("Cube") == ("chair", "asset tag")
    assert taken_for("Cube.001") == ("building", "IFC class")
    assert taken_for("Thing") == ("streetlight", "property 'category'")
    one("House").name = "IfcDoor/Entrance"
    assert taken_for("IfcDoor/Entrance") == ("door", "IFC class")


def test_words_tell_the_class_unless_one_is_set(scene):
    assert api.set_text(["Cube", "Thing"], "  an old\nred car ") == 2
    assert one("Thing")["seg_text"] == "an old red car"
    assert taken_for("Cube") == ("car", "text")
    api.set_text("Cube", "spaceship, rusty")
    assert taken_for("Cube") == (None, "text")
    api.set_class("Cube", "Airplane")
    assert taken_for("Cube") == ("airplane", "object property")
    instance = next(each for each in api.capture(scene, size=SIZE).instances if each.object == "Cube")
    assert (instance.class_name, instance.text, instance.class_score) == ("airplane", "spaceship, rusty", 1.0)
    api.set_text("Cube", "")
    api.set_class("Cube", None)
    assert "seg_text" not in one("Cube") and taken_for("Cube") == (None, "none")


@pytest.mark.parametrize(
    ("to", "expected"),
    [("SELECTED", {"Cube"}), ("COPIES", {"Cube", "Cube.001", "Thing"})],
)
def test_one_word_for_all_copies(scene, to, expected):
    assert api.set_class("Cube", "rock", to=to) == len(expected)
    assert {each.name for each in scene.objects if each.get("seg_class") == "rock"} == expected


def test_collections_and_materials(scene):
    group, stone = bpy.data.collections.new("Group"), scenes.material("Material")
    scene.collection.children.link(group)
    for name in ("Cube", "Cube.001"):
        group.objects.link(one(name))
    one("Thing").data.materials.append(stone)
    assert api.set_text("Cube", "a big rock", to="COLLECTION") == 1
    assert taken_for("Cube.001") == ("rock", "text")
    assert api.set_class("Thing", "tree", to="MATERIAL") == 1
    assert stone["seg_class"] == "tree"
    assert taken_for("Thing") == ("tree", "material property")


def test_what_cannot_be_said(scene, tmp_path):
    for call, error in (
        (lambda: api.set_class("Cube", "spaceship"), InvalidInput),
        (lambda: api.set_class("Cube", "tree", to="WORLD"), InvalidInput),
        (lambda: api.set_text("Cube", "x" * 1001), InvalidInput),
        (lambda: api.set_text("Cube", 3), InvalidInput),
        (lambda: api.set_class("Nobody", "tree"), SceneError),
        (lambda: api.set_class([], "tree"), SceneError),
        (lambda: api.set_class("Cube", "tree", to="MATERIAL"), SceneError),
    ):
        with pytest.raises(error):
            call()
    library = str(tmp_path / "library.blend")
    bpy.data.libraries.write(library, {one("House")})
    with bpy.data.libraries.load(library, link=True) as (_source, target):
        target.objects = ["House"]
    linked = target.objects[0]
    one("House").name = "Mine"
    scene.collection.objects.link(linked)
    with pytest.raises(SceneError, match="linked"):
        api.set_class(linked.name, "tree")


def test_what_nobody_knows_comes_in_groups(scene):
    assert [(group.stem, group.objects) for group in api.unclassed(scene)] == [
        ("Cube", ("Cube", "Cube.001")),
        ("Plane", ("Plane",)),
        ("Thing", ("Thing",)),
    ]
    api.set_text("Thing", "spaceship")
    api.set_class("Plane", "none")
    assert [group.stem for group in api.unclassed(scene)] == ["Cube"]


def test_shapes_tell_where_names_do_not(scene):
    maps = api.capture(scene, size=SIZE)
    ground = next(each for each in maps.instances if each.object == "Plane")
    assert (ground.class_name, ground.class_source) == ("earth", "geometry") and 0 < ground.class_score < 1
    assert (maps.class_map[maps.instance_map == ground.id] == ground.class_id).all()
    api.set_class("Plane", "none")
    assert all(each.class_source != "geometry" for each in api.capture(scene, size=SIZE).instances)


def test_a_vocabulary_of_the_users_own(scene, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,color,synonyms\nblock,#ff0000,cube thing\nhome,#00ff00,house\n", encoding="utf-8")
    maps = api.capture(scene, size=SIZE, vocabulary=str(path))
    assert {each.class_name for each in maps.instances} == {"home", None}
    assert maps.background == "" and (maps.class_map[maps.instance_map == 0] == NO_CLASS).all()
    assert api.generate("dusk", maps=maps, seed=1)[0].pixels.shape == (64, 96, 3)
    assert api.map_images(maps)["semantic_map"].size[0] == SIZE[0]
    with pytest.raises(InvalidInput, match="cannot be read"):
        api.capture(scene, size=SIZE, vocabulary=str(tmp_path / "missing.csv"))


def test_an_empty_prompt_is_composed(scene):
    api.set_text("Cube", "red car")
    maps = api.capture(scene, size=SIZE)
    picture = api.generate(maps=maps, seed=1)[0]
    assert "a red car" in picture.meta["composed_prompt"] and "a house" in picture.meta["composed_prompt"]
    assert picture.meta["prompt"] == ""
    asked = api.generate(picture.meta["composed_prompt"], maps=maps, seed=1)[0]
    assert np.array_equal(asked.pixels, picture.pixels) and "composed_prompt" not in asked.meta
    assert "composed_prompt" not in api.remove(picture, api.segment(picture, objects="Cube")[0]).meta


def test_buttons_for_classes_and_words(scene, enabled):
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    for each in scene.objects:
        each.select_set(each.name == "Cube")
    assert bpy.ops.segaddon.describe(text="spaceship", to="COPIES") == {"FINISHED"}
    assert one("Cube.001")["seg_text"] == one("Thing")["seg_text"] == "spaceship"
    assert bpy.ops.segaddon.describe(text="") == {"FINISHED"}
    assert bpy.ops.segaddon.set_class(class_name="rock", to="COPIES") == {"FINISHED"}
    assert bpy.ops.segaddon.set_class(choice="BY_NAME", to="COPIES") == {"FINISHED"}
    api.set_text("Cube.001", "")
    api.set_text("Thing", "")
    assert bpy.ops.segaddon.select_group(stem="Cube") == {"FINISHED"}
    assert {each.name for each in bpy.context.selected_objects} == {"Cube", "Cube.001"}
    assert bpy.ops.segaddon.set_group_class(stem="Cube", class_name="box") == {"FINISHED"}
    assert taken_for("Cube.001") == ("box", "object property")
    assert bpy.ops.segaddon.describe_group(stem="Thing", text="a fountain") == {"FINISHED"}
    assert taken_for("Thing") == ("fountain", "text")


def test_the_panels_vocabulary_counts(scene, enabled, tmp_path):
    settings = scene.segaddon
    settings.vocabulary = "coco_panoptic"
    assert api.capture(scene, size=SIZE).vocabulary == "coco_panoptic"
    assert api.class_of(one("House")).class_name == "house"
    path = tmp_path / "mine.csv"
    path.write_text("name\nhome\nbarn\n", encoding="utf-8")
    settings.vocabulary, settings.vocabulary_file = "FILE", str(path)
    one("House").select_set(True)
    assert bpy.ops.segaddon.set_class(choice="barn") == {"FINISHED"}
    assert api.capture(scene, size=SIZE).vocabulary == str(path)
    assert taken_for("House") == ("barn", "object property")


def test_the_quality_of_a_capture_and_its_remedies(scene, enabled):
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    one("Cube")["seg_class"] = "roaad"
    assert bpy.ops.segaddon.capture() == {"FINISHED"}
    report = class_operators.last_reports[scene.name]
    codes = {finding.code: number for number, finding in enumerate(report.findings)}
    assert {"unknown_class", "by_shape", "unclassed"} <= set(codes)
    assert bpy.ops.segaddon.remedy(index=codes["unknown_class"]) == {"FINISHED"}
    assert [each.name for each in bpy.context.selected_objects] == ["Cube"]
    assert bpy.ops.segaddon.set_class(class_name="rock") == {"FINISHED"}
    assert "unknown_class" not in {one.code for one in class_operators.last_reports[scene.name].findings}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert not class_operators.last_reports


def test_a_camera_inside_a_thing_is_said_and_mended(scene, enabled):
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    crate = scenes.add("Crate", scenes.mesh("cube", "Crate", 2.0), scene.camera.location)
    bpy.context.view_layer.update()
    bpy.ops.segaddon.capture()
    report = class_operators.last_reports[scene.name]
    assert (report.findings[0].code, report.findings[0].objects) == ("camera_inside", ("Crate",))
    assert bpy.ops.segaddon.remedy(index=0) == {"FINISHED"}
    bpy.ops.segaddon.capture()
    assert "camera_inside" not in {one.code for one in class_operators.last_reports[scene.name].findings}
    assert crate.name not in {each.object for each in api.capture(scene, size=SIZE).instances}


def test_the_popup_for_classes_finds_them():
    """Blender looks for ``bl_property`` in the operator's own class only; without it the popup is empty."""
    for cls in (class_operators.SEGADDON_OT_set_class, class_operators.SEGADDON_OT_set_group_class):
        assert vars(cls)["bl_property"] == "choice"
