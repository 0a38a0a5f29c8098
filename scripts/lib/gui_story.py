"""A program for a graphical Blender: a person's afternoon with the add-on, with a screenshot of every state.

    blender --factory-startup --enable-event-simulate --python gui_story.py -- ZIP BLEND OUT [SERVER_PYTHON STATE_DIR]

Installs the zip through Blender's own installer, works on the scene in BLEND, writes OUT/NN_name.png and, last,
OUT/story_failures.txt: one line for each thing that was not as it should be, empty if all was well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
from mathutils import Matrix

sys.path.insert(0, str(Path(__file__).parents[2]))  # Blender runs this file alone
from scripts.lib import gui_overlay
from scripts.lib.gui_person import (
    MODULE,
    addon,
    archive,
    area,
    blend,
    check,
    do,
    look_through_camera,
    move,
    out,
    placed,
    press,
    region,
    run,
    running,
    server,
    settings,
    shot,
    sidebar,
    window,
    within,
)

LONGEST_TICK = 1.0
"""seconds that Blender may stand still while a picture is being made; drawing without a GPU takes most of it"""
PLACING_TICK = 1.5
"""The same where the picture is put on the objects at the end."""

ASIDE = Matrix.Translation((1.6, 0.4, 0)) @ Matrix.Rotation(0.1, 4, "Y")
"""A step to the right of the camera, looking where it looks: what it did not see shows its own material there."""


def until_made(longest: float = 60, pause: float = LONGEST_TICK) -> Iterator[float]:
    """Wait for the picture; Blender must go on living meanwhile."""
    end, slowest, last = time.monotonic() + longest, 0.0, time.monotonic()
    while running() is not None:
        check(time.monotonic() < end, "a picture takes too long")
        yield 0.05
        slowest, last = max(slowest, time.monotonic() - last), time.monotonic()
    print(f"longest pause while a picture was made: {slowest:.2f} s")
    check(slowest < pause, f"Blender stood still for {slowest:.2f} s while a picture was made")


def open_street() -> Iterator[float]:
    bpy.ops.wm.open_mainfile(filepath=blend)
    yield 0.5
    yield from sidebar()
    yield from look_through_camera()


def picture_beside_viewport() -> Iterator[float]:
    """The layout of somebody who works with pictures: Image Editor left, viewport right."""
    for kind in ("DOPESHEET_EDITOR", "PROPERTIES", "OUTLINER"):
        with bpy.context.temp_override(window=window(), area=area(kind)):
            bpy.ops.screen.area_close()
        yield 0.3
    with within():
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.5)
    yield 0.3
    views = [one for one in window().screen.areas if one.type == "VIEW_3D"]
    left = min(views, key=lambda one: one.x)
    left.ui_type = "IMAGE_EDITOR"
    yield 0.5
    do(bpy.ops.segaddon.show_image, name=settings().picture.name)
    regions = [one for one in left.regions if one.type == "WINDOW"]
    with bpy.context.temp_override(window=window(), area=left, region=regions[0]):
        bpy.ops.image.view_all(fit_view=True)
    area().spaces.active.show_region_toolbar = False
    yield from sidebar()
    yield from look_through_camera()


def story() -> Iterator[float]:
    yield 0.5
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    yield 0.5
    yield from empty_scene()
    yield from open_street()
    shot("street")
    yield from maps()
    yield from gui_overlay.story()
    yield from picture()
    yield from undo()
    yield from next_view()
    yield from retouch()
    yield from cancelling()
    yield from interruptions()
    yield from two_scenes()
    yield from saved_and_reopened()
    yield from preferences()
    if server:
        yield from left_to_the_server()


def empty_scene() -> Iterator[float]:
    bpy.data.batch_remove([one for one in bpy.data.objects if one.type != "MESH"])
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = None
    yield from sidebar()
    shot("no_camera")
    check(not bpy.ops.segaddon.generate.poll(), "generate is offered without a camera")
    do(bpy.ops.segaddon.add_camera)
    yield 0.5
    check(bpy.context.scene.camera, "no camera was added")
    shot("camera_added")
    bpy.data.batch_remove([one for one in bpy.data.objects if one.type == "MESH"])
    do(bpy.ops.segaddon.generate)
    yield from until_made()
    yield 0.5
    shot("nothing_visible")
    check(running() is None, "a job runs for an empty scene")


def maps() -> Iterator[float]:
    began = time.monotonic()
    do(bpy.ops.segaddon.capture)
    yield from until_made()
    print(f"capture: {time.monotonic() - began:.2f} s")
    house = bpy.data.objects["House.Left"]
    house.select_set(True)
    bpy.context.view_layer.objects.active = house
    yield 0.5
    shot("maps_captured")
    do(bpy.ops.segaddon.set_class)
    yield 0.5
    press("T")
    yield 0.5
    shot("class_popup")
    press("ESC")
    yield 0.5


def picture() -> Iterator[float]:
    settings().prompt = "sunset"
    began = time.monotonic()
    do(bpy.ops.segaddon.generate)
    print(f"generate: {time.monotonic() - began:.2f} s until Blender was free again")
    yield 0.6
    check(running() is not None, "no job runs")
    shot("generating")
    yield from until_made()
    check(settings().picture is not None, "no picture was made")
    yield 0.5
    shot("generated")
    yield from picture_beside_viewport()
    shot("generated_beside")
    do(bpy.ops.segaddon.project)
    yield 0.5
    shot("projected_solid")
    do(bpy.ops.segaddon.view_result)
    yield 5.0
    shot("projected")
    do(bpy.ops.segaddon.backdrop)
    yield 5.0
    shot("backdrop")
    view = area().spaces.active
    view.overlay.show_overlays = False
    view.region_3d.view_perspective = "PERSP"
    view.region_3d.view_matrix = (bpy.context.scene.camera.matrix_world @ ASIDE).inverted()
    yield 5.0
    shot("from_aside")
    view.overlay.show_overlays = True
    yield from look_through_camera()
    area().spaces.active.shading.type = "SOLID"


def undo() -> Iterator[float]:
    """Ctrl-Z and Ctrl-Shift-Z after backdrop, project, remove."""
    check(placed() == ["projection", "backdrop"], f"placed: {placed()}")
    for expected in (["projection"], []):
        press("Z", ctrl=True)
        yield 0.5
        check(placed() == expected, f"after Ctrl-Z: {placed()}, not {expected}")
    for expected in (["projection"], ["projection", "backdrop"]):
        press("Z", ctrl=True, shift=True)
        yield 0.5
        check(placed() == expected, f"after Ctrl-Shift-Z: {placed()}, not {expected}")
    first = addon("api").placements(bpy.context.scene)[0]
    do(bpy.ops.segaddon.remove_placement, name=first.name)
    check(placed() == ["backdrop"], f"after remove: {placed()}")
    yield 0.3
    press("Z", ctrl=True)
    yield 0.5
    check(placed() == ["projection", "backdrop"], f"after undo of remove: {placed()}")
    pixels = [image for image in bpy.data.images if image.name.startswith("Seg") and max(image.pixels[:4000]) == 0]
    check(not pixels, f"black after undo: {pixels}")
    first = addon("api").placements(bpy.context.scene)[0]
    check(addon("api").picture_of(first), "the picture of a placement is forgotten after undo")
    bpy.data.objects["Car_Blue"].location.y += 2
    check(do(bpy.ops.segaddon.update_placement, name=first.name) == {"RUNNING_MODAL"}, "update did not begin")
    yield from until_made(pause=PLACING_TICK)
    check(placed() == ["projection", "backdrop"], f"after update: {placed()}")
    pictures = [addon("api").picture_of(one) for one in addon("api").placements(bpy.context.scene)]
    check(pictures[0] is not pictures[1], "update left the picture as it was")


def next_view() -> Iterator[float]:
    """A second view beside the first: once cancelled with Esc, once to the end."""
    camera = bpy.context.scene.camera
    before = camera.matrix_world.copy()
    camera.matrix_world = before @ Matrix.Translation((4.0, 0.5, 0)) @ Matrix.Rotation(0.15, 4, "Y")
    bpy.context.view_layer.update()
    do(bpy.ops.segaddon.next_view)
    yield 0.3
    check(running() is not None, "Paint This View runs not beside the window")
    shot("painting_next_view")
    press("ESC")
    yield from until_made(pause=PLACING_TICK)
    check(placed() == ["projection", "backdrop"], f"after Esc: {placed()}")
    do(bpy.ops.segaddon.next_view)
    yield from until_made(pause=PLACING_TICK)
    check(placed() == ["projection", "backdrop", "projection"], f"after Paint This View: {placed()}")
    do(bpy.ops.segaddon.reference)
    do(bpy.ops.segaddon.image_plane)
    do(bpy.ops.segaddon.compositor_input)
    yield 0.5
    region("UI").tag_redraw()
    yield 0.5
    shot("results_list")
    for one in addon("api").placements(bpy.context.scene)[2:]:
        do(bpy.ops.segaddon.remove_placement, name=one.name)
    check(placed() == ["projection", "backdrop"], f"after removing: {placed()}")
    camera.matrix_world = before
    yield from look_through_camera()


def retouch() -> Iterator[float]:
    bpy.ops.object.select_all(action="DESELECT")
    car = bpy.data.objects["Boat_Fishing"]
    car.select_set(True)
    bpy.context.view_layer.objects.active = car
    settings().retouch_prompt = "red brick"
    before = settings().picture
    do(bpy.ops.segaddon.retouch_object)
    yield from until_made()
    yield 0.5
    check(settings().picture != before, "nothing was retouched")
    shot("retouched")


def cancelling() -> Iterator[float]:
    before = settings().picture
    do(bpy.ops.segaddon.generate)
    yield 0.3
    press("ESC")
    yield 0.15
    shot("cancelling")
    yield from until_made()
    yield 0.3
    shot("cancelled")
    check(settings().picture == before, "a cancelled job changed the picture")
    do(bpy.ops.segaddon.generate)
    yield 0.2
    press("Z", ctrl=True)
    yield from until_made()
    yield 0.3


def interruptions() -> Iterator[float]:
    """Another file, or no add-on, while a picture is being made."""
    do(bpy.ops.segaddon.generate)
    yield 0.3
    yield from open_street()
    check(running() is None, "a job outlives its file")
    check(settings().picture is None, "a picture came into another file")
    check(bpy.ops.segaddon.generate.poll(), "generate is blocked after a file was loaded")
    do(bpy.ops.segaddon.generate)
    yield 0.3
    bpy.ops.preferences.addon_disable(module=MODULE)
    move()  # Blender lets go of a modal operator at the next event, and 4.3 crashes if another one starts before
    yield 1.0
    check(not hasattr(bpy.types.Scene, "segaddon"), "the add-on is still there")
    bpy.ops.preferences.addon_enable(module=MODULE)
    yield 0.5
    yield from sidebar()
    check(bpy.ops.segaddon.generate.poll(), "generate is blocked after the add-on was disabled")


def two_scenes() -> Iterator[float]:
    street = bpy.context.scene
    do(bpy.ops.segaddon.generate)
    yield 0.2
    window().scene = bpy.data.scenes.new("Second")
    yield from until_made()
    yield 0.3
    check(settings().picture is None, "the picture came into the wrong scene")
    check(street.segaddon.picture is not None, "the picture did not come into the scene it was asked for")
    shot("second_scene")
    window().scene = street
    yield 0.3


def saved_and_reopened() -> Iterator[float]:
    do(bpy.ops.segaddon.project)
    do(bpy.ops.segaddon.backdrop)
    path = f"{out}/saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 0.5
    yield from sidebar()
    shot("reopened")
    image = settings().picture
    check(image and max(image.pixels[:4000]) > 0, "the picture is gone or black after save and reopen")
    check(not bpy.ops.segaddon.project.poll(), "project is offered though the maps are gone")
    for one in addon("api").placements(bpy.context.scene):
        do(bpy.ops.segaddon.remove_placement, name=one.name)
    check(placed() == [], f"left after removal: {placed()}")
    Path(path).unlink()


def preferences() -> Iterator[float]:
    bpy.ops.screen.userpref_show("INVOKE_DEFAULT")
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "SegAddon"
    bpy.ops.preferences.addon_expand(module=MODULE)
    yield 1.0
    shot("preferences")
    if not server:
        return
    values = bpy.context.preferences.addons[MODULE].preferences
    values.server_python, values.state_dir = server
    check(bpy.ops.segaddon.check_server() == {"FINISHED"}, "the server does not answer")
    yield 0.5
    shot("preferences_server")
    do(bpy.ops.segaddon.generate)
    yield 0.3
    shot("generating_by_server")
    yield from until_made()
    known = addon("api").find_picture(settings().picture)
    check(known and "understood" in known.metadata, "the picture did not come from the server")


def left_to_the_server() -> Iterator[float]:
    """The file is opened again in the middle of a picture: it is collected afterwards."""
    yield from open_street()
    yield 2.0
    state = addon("api").server_state()
    check(getattr(state, "clients", 0) == 1, f"Blender is not counted by the server: {state}")
    do(bpy.ops.segaddon.generate, prompt="a harbour at dawn")
    while running() is not None and running().job.message == "Capturing":  # the server knows nothing of it yet
        yield 0.05
    yield 0.3
    yield from open_street()
    shot("unfinished")
    left = addon("api").unfinished()
    check(len(left) == 1, f"unfinished: {left}")
    if left:
        do(bpy.ops.segaddon.collect, key=left[0].key)
        yield from until_made()
    yield 1.5
    shot("collected")
    known = addon("api").find_picture(settings().picture)
    check(known and known.maps, "the picture was not collected with its maps")
    check(do(bpy.ops.segaddon.free_gpu) == {"FINISHED"}, "the GPU is not freed")


run(story(), "story")
