"""A program for a graphical Blender: an artist retouches a picture in the Image Editor; screenshots of every state.

    blender --factory-startup --enable-event-simulate --python gui_retouch.py -- ZIP BLEND OUT

Like gui_story.py; works on the picture of the scene in BLEND by mouse, wheel and keys. Writes OUT/retouch_NN_name.png
and, last, OUT/retouch_failures.txt: empty if all was well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # Blender runs this file alone
from scripts.lib.gui_editor import (
    at,
    click,
    covered,
    drag,
    editor,
    fit,
    image,
    masks,
    middle,
    of,
    prepare,
    press,
    region,
    seen,
    shot,
    typed,
    until_made,
    within,
)
from scripts.lib.gui_person import addon, check, out, run

PROMPT = (1210, 424)
"""Where the panel has its prompt when one mask with candidates is accepted, in pixels from the lower left."""
TARGET, OTHER = "Boat_Fishing", "House.Left"


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


run(story(), "retouch")
