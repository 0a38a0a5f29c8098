"""A program for a graphical Blender: an artist retouches a picture in the Image Editor; screenshots of every state.

    blender --factory-startup --enable-event-simulate --python gui_retouch.py -- ZIP BLEND OUT

Like gui_story.py; works on the picture of the scene in BLEND by mouse, wheel and keys. Writes OUT/retouch_NN_name.png
and, last, OUT/retouch_failures.txt: empty if all was well.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

MODULE = "bl_ext.user_default.blender_segaddon"
archive, blend, out, *_rest = sys.argv[sys.argv.index("--") + 1 :]
failures: list[str] = []
shots = itertools.count(1)

PROMPT = (1210, 513)
"""Where the panel has its prompt when one mask with candidates is accepted, in pixels from the lower left."""
TARGET, OTHER = "Boat_Fishing", "House.Left"


def check(holds: object, text: str) -> None:
    if not holds:
        failures.append(text)
        print(f"FAILED: {text}")


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def editor() -> bpy.types.Area:
    return next(one for one in window().screen.areas if one.ui_type == "IMAGE_EDITOR")


def region(kind: str = "WINDOW") -> bpy.types.Region:
    return next(one for one in editor().regions if one.type == kind)


def within():
    return bpy.context.temp_override(window=window(), area=editor(), region=region())


def addon(part: str):
    return sys.modules[f"{MODULE}.{part}"]


def shot(name: str) -> str:
    """The whole screen; Blender's own screenshot is black under OpenGL without a GPU."""
    path = f"{out}/retouch_{next(shots):02}_{name}.png"
    subprocess.run(["import", "-window", "root", path], check=True)
    return path


def seen(path: str) -> np.ndarray:
    """float32 H×W×3: the middle of the picture in a screenshot, without the titles at its top."""
    made = bpy.data.images.load(path)
    values = np.array(made.pixels, np.float32).reshape(made.size[1], made.size[0], -1)[..., :3]
    bpy.data.images.remove(made)
    part = region()
    return values[part.y + 10 : part.y + part.height - 60, part.x + 10 : part.x + part.width - 10]


def image() -> bpy.types.Image:
    return editor().spaces.active.image


def masks() -> list[str]:
    return [one.name for one in image().segaddon.masks]


def covered() -> np.ndarray:
    return addon("operators.retouch_masks").together(image(), tuple(image().size))


def of(*names: str) -> np.ndarray:
    maps = addon("api").find_picture(image()).maps
    return np.isin(maps.instance_map, [one.id for one in maps.instances if one.object in names])


def middle(name: str) -> tuple[int, int]:
    """Where the picture shows an object, in pixels of the window: of its pixels the one nearest to its middle."""
    rows, columns = np.nonzero(of(name))
    order = np.hypot(rows - rows.mean(), columns - columns.mean()).argmin()
    return at((columns[order] + 0.5) / image().size[0], (rows[order] + 0.5) / image().size[1])


def at(x: float, y: float) -> tuple[int, int]:
    """A place of the picture (0..1 from its top left corner) in pixels of the window."""
    place = region().view2d.view_to_region(x, 1 - y, clip=False)
    return region().x + place[0], region().y + place[1]


def event(kind: str, value: str, place: tuple[int, int], **modifiers: bool) -> None:
    window().event_simulate(type=kind, value=value, x=place[0], y=place[1], **modifiers)


def click(place: tuple[int, int], **modifiers: bool) -> Iterator[float]:
    event("MOUSEMOVE", "NOTHING", place)
    yield 0.2
    event("LEFTMOUSE", "PRESS", place, **modifiers)
    yield 0.2
    event("LEFTMOUSE", "RELEASE", place, **modifiers)
    yield 0.8


def drag(start: tuple[int, int], end: tuple[int, int], name: str = "") -> Iterator[float]:
    event("MOUSEMOVE", "NOTHING", start)
    yield 0.2
    event("LEFTMOUSE", "PRESS", start)
    for part in (0.3, 0.7, 1.0):
        yield 0.2
        event("MOUSEMOVE", "NOTHING", tuple(int(one + (two - one) * part) for one, two in zip(start, end, strict=True)))
    yield 0.5
    if name:
        shot(name)
    event("LEFTMOUSE", "RELEASE", end)
    yield 0.8


def press(kind: str, **modifiers: bool) -> Iterator[float]:
    """A key or the wheel, with the mouse over the picture."""
    place = at(0.5, 0.5)
    event("MOUSEMOVE", "NOTHING", place)
    yield 0.2
    letter = {"unicode": kind.lower()} if len(kind) == 1 and not modifiers else {}
    window().event_simulate(type=kind, value="PRESS", x=place[0], y=place[1], **letter, **modifiers)
    if "WHEEL" not in kind:
        event(kind, "RELEASE", place, **modifiers)
    yield 0.8


def typed(text: str, place: tuple[int, int]) -> Iterator[float]:
    """Into the field at a place of the window."""
    yield from click(place)
    for letter in text:
        window().event_simulate(type=letter.upper(), value="PRESS", x=place[0], y=place[1], unicode=letter)
        event(letter.upper(), "RELEASE", place)
        yield 0.2
    event("RET", "PRESS", place)
    event("RET", "RELEASE", place)
    yield 0.8


def until_made(longest: float = 60) -> Iterator[float]:
    end = time.monotonic() + longest
    yield 0.3
    while addon("operators.running").current is not None and time.monotonic() < end:
        yield 0.1
    check(addon("operators.running").current is None, "a picture takes too long")
    yield 0.8


def prepare() -> Iterator[float]:
    """The add-on, the street, and one large Image Editor beside a viewport."""
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    yield 0.5
    bpy.ops.wm.open_mainfile(filepath=blend)
    yield 0.5
    area = next(one for one in window().screen.areas if one.type == "VIEW_3D")
    area.ui_type = "IMAGE_EDITOR"
    yield 0.5
    editor().spaces.active.show_region_ui = editor().spaces.active.show_region_toolbar = True
    yield 0.5
    region("UI").active_panel_category = "SegAddon"
    editor().tag_redraw()
    yield 0.5
    shot("nothing_open")
    with within():
        bpy.ops.segaddon.generate("EXEC_DEFAULT", prompt="sunset")
        editor().spaces.active.image = bpy.context.scene.segaddon.picture
        bpy.ops.image.view_all(fit_view=True)
        bpy.ops.ed.undo_push(message="Picture")
    yield 0.8
    shot("picture_open")


def masking() -> Iterator[float]:
    with within():
        bpy.ops.wm.tool_set_by_id(name="segaddon.retouch")
    yield 0.5
    yield from click(middle(TARGET))
    check(masks() == [TARGET], f"a click made masks {masks()}")
    check((covered() == of(TARGET)).all(), "a click does not mask the object exactly")
    yield 1.0  # panels that grow move for a moment
    shot("clicked")
    yield from click(middle(OTHER), shift=True)
    check((covered() == of(TARGET, OTHER)).all(), "Shift-click does not add the other object")
    shot("shift_clicked")
    yield from click(middle(OTHER), ctrl=True)
    check((covered() == of(TARGET)).all(), "Ctrl-click does not take the other object away")
    shot("ctrl_clicked")
    yield from press("Z", ctrl=True)
    check((covered() == of(TARGET, OTHER)).all(), "undo does not bring the click back")
    yield from press("Z", ctrl=True, shift=True)
    check((covered() == of(TARGET)).all(), "redo does not bring the click back")
    yield from press("ESC")
    check(masks() == [], f"Esc left masks {masks()}")
    yield from click(middle(OTHER))
    before = covered().sum()
    yield from press("WHEELDOWNMOUSE")
    mask = image().segaddon.masks[0]
    check(len(mask.candidates) == 2 and mask.candidate == 1, "the wheel does not step candidates")
    check(covered().sum() > before, "the second candidate is no larger")
    shot("second_candidate")
    yield from press("BACK_SPACE")
    maps = addon("api").find_picture(image()).maps
    x0, y0, x1, y1 = next(one for one in maps.instances if one.object == TARGET).bbox
    width, height = image().size
    yield from drag(at(x0 / width, y0 / height), at(x1 / width, y1 / height), "box_drawn")
    check(masks() and masks()[0] == TARGET, f"a box made masks {masks()}")
    yield from press("RET")
    check(not image().segaddon.is_open, "Enter does not accept the mask")
    image().segaddon.masks[0].grow, image().segaddon.feather = 4, 8
    yield 0.8
    shot("mask_accepted")
    yield from zoomed()


def zoomed() -> Iterator[float]:
    rows, columns = np.nonzero(of(TARGET))
    width, height = image().size
    aside = (columns.mean() - width / 2, height / 2 - rows.mean())
    with within():
        bpy.ops.image.view_zoom_ratio(ratio=3.0)
        bpy.ops.image.view_pan(offset=aside)
    yield 0.8
    shot("zoomed_in")
    with within():
        bpy.ops.image.view_zoom_ratio(ratio=0.25)
        bpy.ops.image.view_pan(offset=(-aside[0], -aside[1]))
    yield 0.8
    shot("zoomed_out")
    fit()
    yield 0.5


def fit() -> None:
    with within():
        bpy.ops.image.view_all(fit_view=True)


def inpainting() -> Iterator[float]:
    first = image().name
    settings = bpy.context.scene.segaddon.retouch
    settings.count = 2
    yield from typed("gold", PROMPT)
    check(settings.prompt == "gold", f"what was typed as a prompt is {settings.prompt!r}")
    shot("prompt_typed")
    mask = covered().copy()
    image().segaddon.feather = 0
    with within():
        bpy.ops.segaddon.inpaint("INVOKE_DEFAULT", True)
    yield from until_made()
    check(len(image().segaddon.results) == 2, f"{len(image().segaddon.results)} results, not 2")
    shot("result")
    yield from press("WHEELDOWNMOUSE")
    check(image().segaddon.result == 1, "the wheel does not step results")
    yield 0.8
    there = float(np.nonzero(mask)[1].mean() / image().size[0])
    yield from drag(at(0.5, 0.5), at(there, 0.5))
    check(abs(settings.wipe - there) < 0.02, f"the line between before and after is at {settings.wipe}, not {there}")
    shot("wiped")
    settings.wipe = 0.0
    with within():
        bpy.ops.image.view_zoom_ratio(ratio=2.0)  # Blender's way to make pictures smaller is its own
    yield 0.8
    zoom = editor().spaces.active.zoom[0]
    over = shot("result_alone")
    before = addon("api").find_picture(image()).pixels
    yield from press("RET")
    check(image().name != first, "Enter does not accept the result")
    after = addon("api").find_picture(image()).pixels
    check((before[~mask] == after[~mask]).all(), "pixels outside of the mask changed")
    check((before[mask] != after[mask]).any(), "nothing was painted")
    check(abs(zoom - editor().spaces.active.zoom[0]) < 0.01, "accepting changes the zoom")
    difference = np.abs(seen(over) - seen(shot("accepted"))).mean() * 255
    print(f"a result and the same picture accepted differ on screen by {difference:.2f} of 255")
    fit()
    yield 0.8
    shot("accepted_whole")
    check(difference < 1.0, f"a result is shown in other colors than the same picture: {difference:.1f} of 255")
    second = image().name
    yield from press("Z", ctrl=True)
    check(image() and image().name == first, f"after undo the editor shows {image()}")
    check(image() and len(image().segaddon.results) == 2, "undo does not bring the results back")
    shot("undone")
    yield from press("Z", ctrl=True, shift=True)
    check(image() and image().name == second, f"after redo the editor shows {image()}")
    shot("redone")


def history() -> Iterator[float]:
    second = image().name
    with within():
        bpy.ops.segaddon.history_show("INVOKE_DEFAULT", True, step=0)
    yield 0.5
    check(image().name != second, "the history does not go back")
    shot("gone_back")
    with within():
        bpy.ops.segaddon.history_show("INVOKE_DEFAULT", True, step=1)
    yield 0.5
    check(image().name == second, "the history does not go forward")


def by_button() -> Iterator[float]:
    """The same without the tool."""
    with within():
        bpy.ops.wm.tool_set_by_id(name="builtin.sample")
        bpy.ops.segaddon.retouch_pick("INVOKE_DEFAULT")
    yield 0.5
    yield from click(middle(OTHER))
    shot("picking_by_button")
    check(OTHER in masks(), f"picking by the button made masks {masks()}")
    yield from press("RET")
    check(not image().segaddon.is_open, "Enter does not end picking")
    with within():
        bpy.ops.segaddon.remove("INVOKE_DEFAULT", True)
    yield from until_made()
    shot("removed")
    yield from press("Z", ctrl=True)
    check(not len(image().segaddon.results), "undo leaves results of a removal")


def reopened() -> Iterator[float]:
    path, names = f"{out}/retouched.blend", masks()
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 1.0
    region("UI").active_panel_category = "SegAddon"
    yield 1.5
    shot("reopened")
    check(image() is not None and masks() == names, f"after reopening the masks are {masks()}, not {names}")
    check(max(image().pixels[:4000]) > 0, "the picture is black after reopening")
    steps = [one.did for one in addon("operators.retouch_history").steps_of(image())]
    check(steps == ["Original", "Replace: gold"], f"after reopening the history is {steps}")
    check(addon("api").image_overlay_is_shown(), "masks are not drawn after reopening")
    Path(path).unlink()


def story() -> Iterator[float]:
    yield 0.5
    yield from prepare()
    yield from masking()
    yield from inpainting()
    yield from history()
    yield from by_button()
    yield from reopened()


def step() -> float | None:
    try:
        return next(steps)
    except StopIteration:
        pass
    except BaseException:  # noqa: BLE001 - Blender must end, or the caller waits for ever
        failures.append(traceback.format_exc())
        traceback.print_exc()
    Path(out, "retouch_failures.txt").write_text("\n".join(failures))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


bpy.context.preferences.view.show_splash = False
bpy.context.preferences.system.use_region_overlap = False  # the sidebar beside the picture, not over it
bpy.context.preferences.system.viewport_aa = "OFF"  # without a GPU each of its passes takes half a second
steps = story()
bpy.app.timers.register(step, first_interval=1.0, persistent=True)
