"""A chapter of the story: the overlay on, a look at it in all ways, classes set by clicks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import bpy

from .gui_person import addon, check, do, look_through_camera, place_of, press, region, shot, window, within, write

TARGET = "Boat_Fishing"


def story() -> Iterator[float]:
    yield from _looks()
    yield from _clicks()
    yield from _follows()
    look().show = False
    yield 0.5
    check(addon("api").overlay() is None, "the overlay stays on")


def look() -> bpy.types.PropertyGroup:
    return bpy.context.window_manager.segaddon_overlay


def classes() -> dict[str, str | None]:
    """What the overlay shows things as, by the names of their objects."""
    overlay = addon("api").overlay()
    (scene,) = overlay._scenes.values()
    return {one.object: one.match.class_name for one in scene.things}


def under(name: str) -> str:
    """Name of the object that the overlay has in the middle of this one."""
    x, y = place_of(name)
    with within():
        area = region("WINDOW")
        found = addon("api").overlay().thing_at(bpy.context, x - area.x, y - area.y)
    return found[1].object if found else ""


def _looks() -> Iterator[float]:
    bpy.ops.object.select_all(action="DESELECT")
    costs: list[float] = []
    drawing = addon("flows.overlay.drawing").Overlay
    draw = drawing.draw

    def timed(self, context) -> None:
        began = time.perf_counter()
        draw(self, context)
        costs.append(time.perf_counter() - began)

    drawing.draw = timed
    look().show = True
    yield 2.0
    shot("overlay_classes")
    check(costs, "the overlay was not drawn")
    print(f"overlay: {1000 * costs[0]:.0f} ms for the first time, then {1000 * min(costs):.0f} ms")
    drawing.draw = draw
    look().kind = "INSTANCE"
    yield 1.0
    shot("overlay_instances")
    look().kind = "SEMANTIC"
    yield 0.5
    check(under(TARGET) == TARGET, f"in the middle of {TARGET} the overlay has {under(TARGET)!r}")
    with within():
        bpy.ops.screen.region_quadview()
    yield 2.0
    shot("overlay_quad_view")
    with within():
        bpy.ops.screen.region_quadview()
    yield 0.5
    yield from look_through_camera()


def _clicks() -> Iterator[float]:
    """One thing, then with Shift all its copies; undo."""
    bpy.ops.ed.undo_push(message="Before clicks")
    before = classes()
    do(bpy.ops.segaddon.class_by_click)
    place = place_of(TARGET)
    for step in (-2, 0):
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=place[0] + step, y=place[1])
        yield 0.7
    shot("overlay_pointed_at")
    press("LEFTMOUSE", place)
    yield 2.0
    shot("overlay_clicked")
    yield from write("ship", place)
    yield 1.0
    check(classes()[TARGET] == "ship", f"after a click {TARGET} is {classes()[TARGET]!r}, no ship")
    changed = {name for name, now in classes().items() if now != before[name]}
    check(changed == {TARGET}, f"a click changed {changed}")
    shot("overlay_class_set")
    press("ESC")
    yield 0.3
    press("Z", ctrl=True)
    for _ in range(8):  # a busy machine takes its time
        yield 1.0
        if classes() == before:
            break
    wrong = {name: now for name, now in classes().items() if now != before[name]}
    check(not wrong, f"undo does not bring the class back to the overlay: {wrong}")


def _follows() -> Iterator[float]:
    """What is moved, edited or looked at alone."""
    target = bpy.data.objects[TARGET]
    with within():
        bpy.context.view_layer.objects.active = target
        target.select_set(True)
        bpy.ops.object.mode_set(mode="EDIT")
        bpy.ops.mesh.select_all(action="SELECT")
        bpy.ops.transform.translate(value=(0, 0, 4))
    yield 1.0
    shot("overlay_edit_mode")
    with within():
        bpy.ops.transform.translate(value=(0, 0, -4))
        bpy.ops.object.mode_set(mode="OBJECT")
        bpy.ops.view3d.localview()
    yield 1.5
    shot("overlay_local_view")
    check(under(TARGET) == TARGET, f"in local view the overlay has {under(TARGET)!r} instead of {TARGET}")
    with within():
        bpy.ops.view3d.localview()
    yield 0.5
    yield from look_through_camera()
