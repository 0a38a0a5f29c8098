"""Blender's own renders and their maps: in background, and the handlers and the timer of a window, called by hand."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.flows import rendering
from blender_segaddon.protocol.errors import InvalidInput, MapsStale

from . import scenes, snapshot

SIZE = (48, 32)


@pytest.fixture(autouse=True)
def fresh():
    api.forget_renders()
    yield
    api.forget_renders()


@pytest.fixture
def scene(tmp_path) -> bpy.types.Scene:
    """A cube that slides, a ground; two frames."""
    scene = scenes.empty()
    scenes.add("Ground", scenes.mesh("plane", "Ground", 30.0))
    box = scenes.add("Box", scenes.mesh("cube", "Box"), (0, 0, 0.5))
    for frame, x in ((1, -2.0), (2, 2.0)):
        box.location.x = x
        box.keyframe_insert("location", index=0, frame=frame)
    scenes.add("Still", box.data, (0, 3, 0.5))
    scenes.add("Sun", bpy.data.lights.new("Sun", "SUN"), (0, 0, 5))  # in the dark all pictures are the same
    scenes.camera((0, -9, 4), (0, 0, 0.5))
    render = scene.render
    render.engine, scene.cycles.samples = "CYCLES", 1
    render.resolution_x, render.resolution_y, render.resolution_percentage = 2 * SIZE[0], 2 * SIZE[1], 50
    scene.frame_start, scene.frame_end = 1, 2
    render.filepath = str(tmp_path / "shot_")
    scene.frame_set(1)
    return scene


def box_at(maps) -> float:
    """Where the box is in the picture, 0..1 from the left."""
    (id,) = [one.id for one in maps.instances if one.object == "Box"]
    return float(np.nonzero(maps.instance_map == id)[1].mean() / maps.width)


def test_a_still_and_its_maps(scene):
    (done,) = api.render_with_maps(scene, formats=("cryptomatte",))
    assert done.picture.exists() and {one.name for one in done.files} >= {"maps.npz", "cryptomatte.exr", "render.json"}
    maps = api.maps_of(done.picture)
    assert (maps.width, maps.height, maps.frame) == (*SIZE, 1)
    assert np.array_equal(maps.instance_map, api.capture(scene).instance_map)
    image = bpy.data.images.load(str(done.picture))
    assert np.array_equal(api.maps_of(image).depth, maps.depth)
    assert np.array_equal(api.maps_of(bpy.data.images["Render Result"]).depth, maps.depth)


def test_an_animation_and_its_maps(scene, tmp_path):
    before = snapshot.take()
    done = api.render_with_maps(scene, animation=True, folder="{folder}/maps/{stem}")
    left = snapshot.difference(before, snapshot.take())
    assert [line for line in left if "Render Result" not in line] == []
    assert [one.picture.name for one in done] == ["shot_0001.png", "shot_0002.png"]
    assert {one.name for one in (tmp_path / "maps").iterdir()} == {"shot_0001", "shot_0002"}
    first, second = (api.maps_of(one.picture, folder="{folder}/maps/{stem}") for one in done)
    assert (first.frame, second.frame) == (1, 2) and box_at(first) < 0.5 < box_at(second)
    assert np.array_equal(done[1].maps.instance_map, second.instance_map)


def test_nothing_is_written_where_it_is_not_asked(scene, tmp_path):
    (done,) = api.render_with_maps(scene, write_still=False, coverage=4)
    assert list(tmp_path.iterdir()) == [] and done.picture is None
    assert api.maps_of() is done.maps and done.maps.coverage.samples == 4


def test_another_picture_under_the_same_name_is_refused(scene):
    (done,) = api.render_with_maps(scene)
    scene.camera.location.x += 1
    bpy.ops.render.render(write_still=True)
    with pytest.raises(MapsStale, match="earlier version"):
        api.maps_of(done.picture)
    with pytest.raises(InvalidInput, match="no maps of"):
        api.maps_of(done.picture.with_name("other.png"))
    image = bpy.data.images.load(str(done.picture))
    image.pixels = [0.0] * len(image.pixels)
    with pytest.raises(MapsStale, match="was changed"):
        api.maps_of(image)


def test_a_script_that_moves_things_during_a_render_is_noticed(scene):
    def nudge(scene, *_more):
        bpy.data.objects["Still"].location.z += 1
        bpy.context.view_layer.update()

    bpy.app.handlers.render_complete.append(nudge)
    try:
        with pytest.raises(MapsStale, match="objects"):
            api.render_with_maps(scene)
        assert bpy.app.handlers.render_complete[-1] is nudge
    finally:
        bpy.app.handlers.render_complete.remove(nudge)
    with pytest.raises(MapsStale, match="did not end"):
        api.maps_of()


def test_renders_that_maps_cannot_follow_are_refused(scene):
    scene.render.use_border = scene.render.use_crop_to_border = True
    with pytest.raises(InvalidInput, match="cropped"):
        api.render_with_maps(scene)
    scene.render.use_border = False
    with pytest.raises(InvalidInput, match="template"):
        api.render_with_maps(scene, folder="{where}")
    with pytest.raises(InvalidInput, match="Unknown format"):
        api.render_with_maps(scene, formats=["obj"])
    scene.camera = None
    with pytest.raises(InvalidInput, match="camera"):
        api.render_with_maps(scene)


@pytest.fixture
def window(scene, monkeypatch):
    """As in a window: a render notes what it did, the timer makes the maps. Returns the timer's turn."""
    blender_segaddon.register()
    monkeypatch.setattr(rendering, "_in_background", lambda: False)
    scene.segaddon.maps_with_renders = True

    def turns() -> None:
        while rendering._session.waiting:
            rendering.tick(api.capture)

    yield turns
    blender_segaddon.unregister()


def test_f12_in_a_window(scene, window, tmp_path):
    bpy.ops.render.render()
    with pytest.raises(MapsStale, match="are made when"):
        api.maps_of()
    assert "wait" in api.render_status()
    window()
    assert np.array_equal(api.maps_of(bpy.data.images["Render Result"]).depth, api.capture(scene).depth)
    assert list(tmp_path.iterdir()) == [] and api.render_status().startswith("Maps of frame 1: 3 instances")


def test_an_animation_in_a_window(scene, window, tmp_path):
    scene.frame_set(2)
    bpy.ops.render.render(animation=True)
    scene.frame_set(1)  # somebody scrubs: that changes nothing
    window()
    assert scene.frame_current == 1
    first, second = (api.maps_of(tmp_path / f"shot_000{frame}.png") for frame in (1, 2))
    assert box_at(first) < 0.5 < box_at(second)


def test_a_written_still_in_a_window(scene, window, tmp_path):
    bpy.ops.render.render(write_still=True)
    window()
    assert api.maps_of(tmp_path / "shot_.png").frame == 1


@pytest.mark.parametrize("change", ["move", "hide", "lens", "rename", "size"])
def test_what_changes_before_the_maps_are_made_is_refused(scene, window, change):
    bpy.ops.render.render()
    still = bpy.data.objects["Still"]
    if change == "move":
        still.location.x += 0.01
    elif change == "hide":
        still.hide_render = True
    elif change == "lens":
        scene.camera.data.lens += 1
    elif change == "rename":
        still.name = "Other"
    else:
        scene.render.resolution_percentage = 49
    bpy.context.view_layer.update()
    window()
    with pytest.raises(MapsStale, match=r"changed after its render began \((objects|size)\)"):
        api.maps_of()


def test_a_render_without_the_option_makes_the_old_maps_stale(scene, window):
    bpy.ops.render.render()
    window()
    scene.segaddon.maps_with_renders = False
    bpy.ops.render.render()
    window()
    with pytest.raises(MapsStale, match="without maps"):
        api.maps_of()


def test_another_file_forgets(scene, window):
    bpy.ops.render.render()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    window()
    with pytest.raises(MapsStale, match="Nothing was rendered"):
        api.maps_of()


def test_in_background_the_option_says_what_to_call(scene, caplog):
    blender_segaddon.register()
    try:
        scene.segaddon.maps_with_renders = True
        bpy.ops.render.render()
        assert "render_with_maps" in caplog.text
        with pytest.raises(MapsStale, match="background"):
            api.maps_of()
        (done,) = api.render_with_maps(scene)
        assert api.maps_of(done.picture).frame == 1
    finally:
        blender_segaddon.unregister()


def test_export_button(scene, window, tmp_path):
    with pytest.raises(RuntimeError, match="Choose a folder"):
        bpy.ops.segaddon.export_maps()
    only = dict.fromkeys(("npz", "png", "id_png"), False)
    options = {"directory": str(tmp_path / "out"), "exr": True, "coco": True, **only}
    assert bpy.ops.segaddon.export_maps(**options) == {"FINISHED"}
    names = {one.name for one in (tmp_path / "out").iterdir()}
    assert names == {"maps.exr", "coco_panoptic", "coco_panoptic.json", "coco_instances.json"}
    with pytest.raises(RuntimeError, match="Nothing was rendered"):
        bpy.ops.segaddon.export_maps(source="RENDER", **options)
    bpy.ops.render.render()
    window()
    assert bpy.ops.segaddon.export_maps(source="RENDER", **options) == {"FINISHED"}
    (tmp_path / "taken").write_text("")
    with pytest.raises(RuntimeError, match="in the way"):
        bpy.ops.segaddon.export_maps(directory=str(tmp_path / "taken"))
    with pytest.raises(RuntimeError, match="at least one format"):
        bpy.ops.segaddon.export_maps(directory=str(tmp_path / "out"), **only)


def test_a_scripts_throw_away_copy_is_let_go(scene, window, caplog):
    copy = scene.copy()
    bpy.ops.render.render(scene=copy.name)
    bpy.data.scenes.remove(copy)
    window()
    assert caplog.text == ""
    with pytest.raises(MapsStale, match="scene that is gone"):
        api.maps_of()
