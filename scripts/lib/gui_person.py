"""What a program does that works with the add-on in a window as a person does: mouse, keys, buttons, screenshots."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector

MODULE = "bl_ext.user_default.blender_segaddon"

archive, blend, out, *server = sys.argv[sys.argv.index("--") + 1 :]
failures: list[str] = []
shots = itertools.count(1)


def check(holds: object, text: str) -> None:
    if not holds:
        failures.append(text)
        print(f"FAILED: {text}")


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def area(kind: str = "VIEW_3D") -> bpy.types.Area:
    return next(one for one in window().screen.areas if one.type == kind)


def region(kind: str) -> bpy.types.Region:
    return next(one for one in area().regions if one.type == kind)


def within(kind: str = "WINDOW"):
    """The context that a person has whose mouse is over the viewport."""
    return bpy.context.temp_override(window=window(), area=area(), region=region(kind))


def do(operator: Callable[..., set[str]], **options: object) -> set[str]:
    """Press a button. An error that a person would read in a popup goes to the log."""
    try:
        with within():
            return operator("INVOKE_DEFAULT", True, **options)  # True: with a step of undo
    except RuntimeError as error:
        print(f"said: {error}".strip())
        return {"CANCELLED"}


def move() -> dict[str, int]:
    """The mouse into the viewport; where it is."""
    middle = region("WINDOW")
    place = {"x": middle.x + middle.width // 3, "y": middle.y + middle.height // 3}
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", **place)
    return place


def press(key: str, at: tuple[int, int] | None = None, **modifiers: bool) -> None:
    """A key or mouse button, with the mouse over the viewport, or ``at`` a place of the window."""
    place = {"x": at[0], "y": at[1]} if at else move()
    letter = {"unicode": key.lower()} if len(key) == 1 and not modifiers else {}
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", **place)
    window().event_simulate(type=key, value="PRESS", **place, **letter, **modifiers)
    window().event_simulate(type=key, value="RELEASE", **place, **modifiers)


def write(text: str, at: tuple[int, int]) -> Iterator[float]:
    """Letters and Enter into the field of a popup, the mouse staying where it is."""
    for letter in text.upper():
        press(letter, at)
        yield 0.1
    press("RET", at)
    yield 0.5


def place_of(name: str) -> tuple[int, int]:
    """Where an object's middle is in the window."""
    one = bpy.data.objects[name]
    middle = sum((one.matrix_world @ Vector(corner) for corner in one.bound_box), Vector()) / 8
    place = location_3d_to_region_2d(region("WINDOW"), area().spaces.active.region_3d, middle)
    return int(region("WINDOW").x + place.x), int(region("WINDOW").y + place.y)


def shot(name: str, chapter: str = "") -> str:
    """The whole screen, as OUT/[CHAPTER_]NN_name.png; Blender's own screenshot is black under OpenGL without a GPU."""
    path = f"{out}/{chapter and chapter + '_'}{next(shots):02}_{name}.png"
    subprocess.run(["import", "-window", "root", path], check=True)
    return path


def settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.segaddon


def addon(part: str):
    return sys.modules[f"{MODULE}.{part}"]


def running():
    return addon("operators.running").current


def placed() -> list[str]:
    return [one.kind for one in addon("api").placements(bpy.context.scene)]


def sidebar() -> Iterator[float]:
    """Open the add-on's tab, in the view through the camera."""
    area().spaces.active.show_region_ui = True
    yield 0.5
    region("UI").active_panel_category = "SegAddon"
    area().tag_redraw()
    yield 0.5


def look_through_camera() -> Iterator[float]:
    with within():
        if area().spaces.active.region_3d.view_perspective != "CAMERA":
            bpy.ops.view3d.view_camera()
        bpy.ops.view3d.view_center_camera()
    yield 0.5


def run(story: Iterator[float], name: str) -> None:
    """Do what a story says, waiting as long as it yields; then end Blender. Writes OUT/NAME_failures.txt."""

    def step() -> float | None:
        try:
            return next(story)
        except StopIteration:
            pass
        except BaseException:  # noqa: BLE001 - Blender must end, or the caller waits for ever
            failures.append(traceback.format_exc())
            traceback.print_exc()
        Path(out, f"{name}_failures.txt").write_text("\n".join(failures))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.system.use_region_overlap = False  # the sidebar beside the picture, not over it
    bpy.context.preferences.system.viewport_aa = "OFF"  # without a GPU each of its passes takes half a second
    bpy.app.timers.register(step, first_interval=1.0, persistent=True)
