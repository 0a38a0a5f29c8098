"""The overlay as far as it goes without a window; scripts/test_gui looks at it in one."""

from __future__ import annotations

import bpy
import pytest

import blender_segaddon
from blender_segaddon import api, operators
from blender_segaddon.capture.ids_engine import handlers_silent
from blender_segaddon.flows.overlay import session
from blender_segaddon.operators.classes import SetsClass

from . import scenes, snapshot


@pytest.fixture(autouse=True)
def _addon():
    scenes.empty()
    blender_segaddon.register()
    yield
    blender_segaddon.unregister()


def look():
    return bpy.context.window_manager.segaddon_overlay


def hung() -> set[str]:
    """Names of the handlers in which the overlay hangs."""
    handlers = bpy.app.handlers
    return {
        name
        for name in dir(handlers)
        if isinstance(getattr(handlers, name), list)
        and any(one.__module__ == session.__name__ for one in getattr(handlers, name))
    }


def test_off_it_leaves_nothing_behind():
    assert not look().show
    before = snapshot.take()
    look().show = True
    assert look().show
    assert {"depsgraph_update_post", "frame_change_post", "undo_post", "redo_post", "load_pre"} == hung()
    look().show = False
    assert hung() == set()
    assert snapshot.difference(before, snapshot.take()) == []
    look().show = False


def test_its_look_changes_while_it_is_shown():
    look().opacity = 0.25
    assert api.overlay() is None
    look().show = True
    shown = api.overlay()
    assert (shown.settings.kind, shown.settings.opacity) == ("SEMANTIC", 0.25)
    look().kind, look().names = "INSTANCE", False
    assert api.overlay() is shown
    assert shown.settings == api.OverlaySettings("INSTANCE", 0.25, names=False)
    api.show_overlay()
    assert shown.settings == api.OverlaySettings()


def test_it_ends_with_the_file_and_with_the_addon():
    look().show = True
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert api.overlay() is None
    assert hung() == set()
    look().show = True
    blender_segaddon.unregister()
    assert api.overlay() is None
    assert hung() == set()
    blender_segaddon.register()


def test_it_hears_of_changes_during_a_capture():
    look().show = True
    bpy.app.handlers.depsgraph_update_post.append(print)
    with handlers_silent(("depsgraph_update_post",)):
        assert [one.__module__ for one in bpy.app.handlers.depsgraph_update_post] == [session.__name__]
    bpy.app.handlers.depsgraph_update_post.remove(print)


def test_classes_of_what_cannot_be_selected():
    prototype = scenes.add("Thing", scenes.mesh())
    prototype.hide_set(True)
    scenes.add("Thing.001", scenes.mesh())
    assert bpy.ops.segaddon.set_class_of(name="Thing", class_name="car") == {"FINISHED"}
    assert (prototype["seg_class"], "seg_class" in bpy.data.objects["Thing.001"]) == ("car", False)
    assert bpy.ops.segaddon.set_class_of(name="Thing", class_name="tree", to="COPIES") == {"FINISHED"}
    assert bpy.data.objects["Thing.001"]["seg_class"] == "tree"


def test_popups_search_in_the_classes():
    for cls in operators.CLASSES:
        if issubclass(cls, SetsClass):
            assert cls.__dict__["bl_property"] == "choice"  # Blender does not look for it in a base
