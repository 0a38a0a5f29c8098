"""The buttons in a real Blender (in background, so operators run as scripts run them)."""

from __future__ import annotations

import bpy
import pytest

import blender_segaddon
from blender_segaddon import api, operators, panels
from blender_segaddon.flows.jobs import LeftBehind
from blender_segaddon.operators import running
from blender_segaddon.protocol.errors import Cancelled, InvalidInput

from .test_api import SIZE, scene  # noqa: F401  # a fixture


@pytest.fixture
def enabled():
    blender_segaddon.register()
    yield
    blender_segaddon.unregister()


@pytest.fixture
def ready(scene, enabled):  # noqa: F811
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    return scene


def _traces() -> tuple[object, ...]:
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    handlers = {name: len(value) for name, value in lists.items() if isinstance(value, list)}
    classes = {name for name in dir(bpy.types) if "segaddon" in name.lower()}
    keymaps = bpy.context.window_manager.keyconfigs.addon
    return handlers, classes, hasattr(bpy.types.Scene, "segaddon"), len(keymaps.keymaps) if keymaps else 0


def test_enable_and_disable_twice_leaves_nothing():
    before = _traces()
    for _ in range(2):
        blender_segaddon.register()
        assert _traces() != before
        blender_segaddon.unregister()
        assert _traces() == before


def test_buttons_do_the_main_job(ready):
    settings = ready.segaddon
    assert bpy.ops.segaddon.capture() == {"FINISHED"}
    assert bpy.ops.segaddon.generate(prompt="sunset") == {"FINISHED"}
    first = settings.picture
    assert tuple(first.size) == SIZE
    assert bpy.ops.segaddon.project() == {"FINISHED"}
    assert bpy.ops.segaddon.backdrop() == {"FINISHED"}
    bpy.context.view_layer.objects.active = bpy.data.objects["Car"]
    assert bpy.ops.segaddon.retouch_object(prompt="red brick") == {"FINISHED"}
    assert settings.picture != first
    for placement in api.placements(ready):
        assert bpy.ops.segaddon.remove_placement(name=placement.name) == {"FINISHED"}
    assert api.placements(ready) == []


def test_class_by_button(ready):
    bpy.ops.object.select_all(action="DESELECT")
    bpy.data.objects["House"].select_set(True)
    assert bpy.ops.segaddon.set_class(class_name="tree") == {"FINISHED"}
    house = next(one for one in api.capture(ready).instances if one.object == "House")
    assert (house.class_name, house.class_source) == ("tree", "object property")
    with pytest.raises(RuntimeError, match="spaceship"):
        bpy.ops.segaddon.set_class(class_name="spaceship")


def test_error_is_reported_not_raised_from_deep(ready):
    ready.camera = None
    with pytest.raises(RuntimeError, match="camera"):
        bpy.ops.segaddon.generate()
    assert bpy.ops.segaddon.add_camera() == {"FINISHED"}
    assert ready.camera is not None


def test_the_button_needs_a_camera_and_says_so(ready):
    assert bpy.ops.segaddon.generate.poll()
    ready.camera = None
    assert not bpy.ops.segaddon.generate.poll()
    assert not bpy.ops.segaddon.capture.poll()
    assert bpy.ops.segaddon.add_camera() == {"FINISHED"}
    assert bpy.ops.segaddon.generate.poll()


def test_background_of_the_panel_counts(ready):
    ready.segaddon.background = "water"
    assert api.capture(ready).background == "water"
    ready.segaddon.background = "no such thing"
    with pytest.raises(RuntimeError, match="no such thing"):
        bpy.ops.segaddon.capture()


def test_the_shown_seed_makes_the_picture_again(ready):
    settings = ready.segaddon
    bpy.ops.segaddon.generate()
    first, settings.random_seed = settings.picture, False
    bpy.ops.segaddon.generate()
    assert settings.picture != first
    assert (api.find_picture(settings.picture).pixels == api.find_picture(first).pixels).all()


def test_class_by_choice(ready):
    house = bpy.data.objects["House"]
    bpy.ops.object.select_all(action="DESELECT")
    assert not bpy.ops.segaddon.set_class.poll()
    house.select_set(True)
    for choice, expected in (("tree", "tree"), ("none", None), ("BY_NAME", "house")):
        assert bpy.ops.segaddon.set_class(choice=choice) == {"FINISHED"}
        assert api.class_of(house).class_name == expected
    assert "seg_class" not in house


def test_a_picture_keeps_its_maps_under_another_name(ready):
    bpy.ops.segaddon.generate()
    image = ready.segaddon.picture
    image.name = "Harbour"
    other = bpy.data.images.new("Seg preview", 4, 4)
    assert api.find_picture(other) is None
    assert api.project(image, scene=ready).name == "Seg Projection Harbour"


def test_what_is_painted_on_a_picture_counts(ready):
    bpy.ops.segaddon.generate()
    image = ready.segaddon.picture
    image.pixels = [1.0, 0.0, 0.0, 1.0] * (SIZE[0] * SIZE[1])
    mask = api.segment(image, objects=["Car"])[0]
    retouched = api.inpaint(image, mask, "gold", seed=1)[0]
    assert (retouched.pixels[~mask.array] == (255, 0, 0)).all()


def test_pictures_of_an_earlier_session_are_not_offered(ready, tmp_path):
    bpy.ops.segaddon.generate()
    bpy.ops.segaddon.project()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    reopened = bpy.context.scene
    image = reopened.segaddon.picture
    assert max(image.pixels[:400]) > 0
    assert api.find_picture(image) is None
    assert not bpy.ops.segaddon.project.poll()
    with pytest.raises(InvalidInput, match="no longer in memory"):
        api.project(image, scene=reopened)
    (placement,) = api.placements(reopened)
    assert bpy.ops.segaddon.remove_placement(name=placement.name) == {"FINISHED"}
    assert api.placements(reopened) == []


def test_update_by_button_shows_the_new_picture(ready):
    bpy.ops.segaddon.generate()
    bpy.ops.segaddon.project()
    first = ready.segaddon.picture
    bpy.data.objects["Car"].location.x -= 1.5
    bpy.context.view_layer.update()
    (placement,) = api.placements(ready)
    assert bpy.ops.segaddon.update_placement(name=placement.name) == {"FINISHED"}
    (placement,) = api.placements(ready)
    assert ready.segaddon.picture == api.picture_of(placement).image != first
    with pytest.raises(RuntimeError, match="not in this scene"):
        bpy.ops.segaddon.update_placement(name="Nothing")


def test_undo_and_redo_of_a_placement(ready):
    bpy.ops.segaddon.generate()
    bpy.ops.ed.undo_push(message="Generate")
    bpy.ops.segaddon.project()
    bpy.ops.ed.undo_push(message="Project")
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert api.placements(bpy.context.scene) == []
    assert api.find_picture(bpy.context.scene.segaddon.picture) is not None
    assert bpy.ops.ed.redo() == {"FINISHED"}
    (placement,) = api.placements(bpy.context.scene)
    assert api.picture_of(placement) is not None
    picture = bpy.data.images[f"{placement.name} picture"]
    assert max(picture.pixels[:400]) > 0


def test_a_job_under_way_is_dropped_with_its_file(ready):
    """What the window's modal operator leaves behind when another file is loaded."""
    job = api.generate(maps=api.capture(ready), count=16, wait=False)
    timer = bpy.context.window_manager.event_timer_add(10.0)
    running.current = running.Running(job, "segaddon.generate", ready.name, timer)
    assert not bpy.ops.segaddon.generate.poll()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert running.current is None
    assert job.wait(5)
    with pytest.raises((LeftBehind, Cancelled)):  # by a server, or painted here
        job.result()


def test_a_job_under_way_ends_with_the_addon(ready):
    job = api.generate(maps=api.capture(ready), count=16, wait=False)
    timer = bpy.context.window_manager.event_timer_add(10.0)
    running.current = running.Running(job, "segaddon.generate", ready.name, timer)
    blender_segaddon.unregister()
    assert running.current is None
    assert job.done()
    blender_segaddon.register()


def test_every_button_has_a_tooltip_and_every_panel_a_place():
    for cls in (*operators.CLASSES, *panels.CLASSES):
        if issubclass(cls, bpy.types.Operator):
            assert (cls.__doc__ or "").strip()
            assert not cls.__doc__.endswith(".")
        elif issubclass(cls, bpy.types.Panel):
            at_home = getattr(cls, "bl_category", "") == "SegAddon"
            assert at_home or cls.bl_region_type == "HEADER"  # a popover of a header, or in one of Blender's


def test_the_chosen_model_draws_and_one_that_cannot_is_said(ready):
    assert bpy.ops.segaddon.set_model(name="sdxl-union") == {"FINISHED"}
    assert ready.segaddon.model == "sdxl-union"
    with pytest.raises(RuntimeError, match="sdxl-union"):
        bpy.ops.segaddon.generate(prompt="sunset")
    bpy.ops.segaddon.set_model(name="")
    assert bpy.ops.segaddon.generate(prompt="sunset") == {"FINISHED"}
