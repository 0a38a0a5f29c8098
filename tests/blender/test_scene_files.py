"""Scene files of every kind load, and whatever cannot serve as a scene says so in one line."""

import logging
import os
from pathlib import Path

import bpy
import pytest

from blender_segaddon.protocol.errors import InvalidInput, SceneError
from scripts.lib.example_scenes import build_room
from scripts.lib.scene_files import (
    camera_named,
    fresh_file,
    has_renderable,
    load_scene,
    main_camera,
    messages_logged,
    missing_libraries,
)

SCENES = Path(os.environ.get("SEGADDON_SCENES", ""))
needs_scenes = pytest.mark.skipif("SEGADDON_SCENES" not in os.environ, reason="SEGADDON_SCENES is not set")


def meshes(scene):
    return [item for item in scene.objects if item.type == "MESH"]


def save(path):
    with messages_logged():
        bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    return path


def add_box(hide=False):
    mesh = bpy.data.meshes.new("Box")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (1, 1, 0)], [], [(0, 1, 2)])
    item = bpy.data.objects.new("Box", mesh)
    item.hide_render = hide
    bpy.context.scene.collection.objects.link(item)
    return item


@needs_scenes
@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("kenney_city/kenney_city.blend", 100),
        ("aws_small_house/aws_small_house.blend", 80),
        ("kaykit_furniture/gltf/armchair.gltf", 1),
        ("kenney_city/models/building-small-a.glb", 1),
    ],
)
def test_real_scenes_load(file, count, capfd):
    scene = load_scene(SCENES / file)
    assert len(meshes(scene)) >= count
    assert scene.world is not None or file.endswith(".blend")
    assert missing_libraries() == []
    assert capfd.readouterr() == ("", "")


@needs_scenes
def test_linked_scene_loads_with_its_libraries(caplog):
    scene = load_scene(SCENES / "bge_traffic/city.blend")
    assert sum(item.instance_collection is not None for item in scene.objects) > 400
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("suffix", [".usda", ".usdc", ".usdz", ".USD"])
def test_usd(suffix, tmp_path, capfd):
    fresh_file()
    names = {item.name for item in meshes(build_room())}
    path = tmp_path / f"room{suffix}"
    with messages_logged():
        bpy.ops.wm.usd_export(filepath=str(path), export_materials=False)
    scene = load_scene(path)
    assert {"Floor", "Sofa", "Table"} <= names & {item.name for item in meshes(scene)}
    assert scene.camera or any(item.type == "CAMERA" for item in scene.objects)
    assert scene.world is not None
    assert capfd.readouterr() == ("", "")


def test_gltf_gets_a_world_and_the_factory_view(tmp_path):
    view = fresh_file().view_settings.view_transform
    add_box()
    path = tmp_path / "box.GLB"
    with messages_logged():
        bpy.ops.export_scene.gltf(filepath=str(path.with_suffix(".glb")))
    path.with_suffix(".glb").rename(path)
    scene = load_scene(path)
    assert scene.world is not None
    assert scene.view_settings.view_transform == view


@pytest.mark.parametrize("suffix", [".glb", ".usdc"])
def test_cameras_that_a_file_brings_are_used(suffix, tmp_path):
    scene = fresh_file()
    add_box()
    for name in ("B", "A"):
        scene.collection.objects.link(bpy.data.objects.new(name, bpy.data.cameras.new(name)))
    assert main_camera(scene).name == "A"
    scene.camera = bpy.data.objects["B"]
    assert main_camera(scene).name == "B"
    path = tmp_path / f"box{suffix}"
    with messages_logged():
        if suffix == ".glb":
            bpy.ops.export_scene.gltf(filepath=str(path), export_cameras=True)
        else:
            bpy.ops.wm.usd_export(filepath=str(path))
    assert main_camera(load_scene(path)) is not None
    assert main_camera(fresh_file()) is None


def test_path_that_does_not_exist(tmp_path):
    with pytest.raises(SceneError, match=r"nothing\.blend' does not exist"):
        load_scene(tmp_path / "nothing.blend")


def test_folder(tmp_path):
    with pytest.raises(SceneError, match="is a folder"):
        load_scene(tmp_path)


def test_unknown_suffix_lists_the_known(tmp_path):
    path = tmp_path / "scene.fbx"
    path.write_bytes(b"Kaydara FBX Binary")
    with pytest.raises(SceneError, match=r"scene\.fbx.*\.blend, \.glb, \.gltf, \.usd, \.usda, \.usdc, \.usdz"):
        load_scene(path)


@pytest.mark.parametrize("content", [b"", b"garbage\0\xff" * 40, b"{}"])
@pytest.mark.parametrize("suffix", [".blend", ".glb", ".gltf", ".usd", ".usda", ".usdc", ".usdz"])
def test_garbage(suffix, content, tmp_path, capfd):
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(content)
    with pytest.raises(SceneError) as caught:
        load_scene(path)
    assert "\n" not in str(caught.value)
    assert "garbage" in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert capfd.readouterr() == ("", "")
    assert len(bpy.data.objects) == 0


def test_names_that_are_no_unicode(tmp_path):
    fresh_file()
    add_box().name = "ZaunLatin"
    path = tmp_path / "old.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    path.write_bytes(path.read_bytes().replace(b"ZaunLatin", b"Zaun\xe9\xfftin"))
    with pytest.raises(SceneError, match=r"old\.blend.*no Unicode"):
        load_scene(path)


def test_truncated_blend(tmp_path):
    fresh_file()
    build_room()
    path = save(tmp_path / "room.blend")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(SceneError):
        load_scene(path)


@pytest.mark.parametrize("hidden", ["nothing", "object", "collection", "excluded", "no faces"])
def test_nothing_visible(hidden, tmp_path):
    scene = fresh_file()
    if hidden in {"collection", "excluded"}:
        box = add_box()
        group = bpy.data.collections.new("Group")
        scene.collection.children.link(group)
        scene.collection.objects.unlink(box)
        group.objects.link(box)
        group.hide_render = hidden == "collection"
        scene.view_layers[0].layer_collection.children["Group"].exclude = hidden == "excluded"
    elif hidden == "no faces":
        add_box().data.clear_geometry()
    elif hidden == "object":
        add_box(hide=True)
    with pytest.raises(SceneError, match=r"bare\.blend' has no visible object"):
        load_scene(save(tmp_path / "bare.blend"))


def test_collection_instance_is_visible():
    scene = fresh_file()
    box = add_box()
    kit = bpy.data.collections.new("Kit")
    kit.objects.link(box)
    scene.collection.objects.unlink(box)
    assert not has_renderable(scene)
    empty = bpy.data.objects.new("Instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", kit
    scene.collection.objects.link(empty)
    assert has_renderable(scene)


def test_missing_library_is_said_not_fatal(tmp_path, caplog):
    fresh_file()
    add_box()
    library = save(tmp_path / "library.blend")
    fresh_file()
    add_box()
    with bpy.data.libraries.load(str(library), link=True) as (source, target):
        target.objects = source.objects
    bpy.context.scene.collection.objects.link(target.objects[0])
    path = save(tmp_path / "user.blend")
    library.unlink()
    load_scene(path)
    assert missing_libraries() == [str(library)]
    assert str(library) in caplog.text


def test_scripts_of_a_file_do_not_run(tmp_path):
    fresh_file()
    box = add_box()
    told = tmp_path / "told"
    text = bpy.data.texts.new("autorun.py")
    text.write(f"open({str(told)!r}, 'w').close()")
    text.use_module = True
    driver = box.driver_add("location", 0).driver
    driver.type = "SCRIPTED"
    driver.expression = f"[7, open({str(told)!r}, 'w').close()][0]"
    path = save(tmp_path / "scripted.blend")
    told.unlink(missing_ok=True)
    load_scene(path)
    bpy.context.view_layer.update()
    assert not told.exists()


def test_preferences_and_recent_files_stay(tmp_path):
    fresh_file()
    add_box()
    path = save(tmp_path / "box.blend")
    config = Path(bpy.utils.user_resource("CONFIG"))

    def listing():
        return {item: item.stat().st_mtime_ns for item in config.glob("**/*") if item.is_file()}

    before = listing()
    load_scene(path)
    assert listing() == before


def test_camera_named():
    fresh_file()
    scene = build_room()
    assert camera_named(scene, "Camera") is scene.camera
    with pytest.raises(InvalidInput, match=r"Camera 'Side' does not exist.*Choose one of: Camera"):
        camera_named(scene, "Side")
    with pytest.raises(InvalidInput, match="has none"):
        camera_named(fresh_file(), "Side")
