"""A program for a graphical Blender: an artist paints a mask with the brush, extends a picture, retouches a render.

    blender --factory-startup --enable-event-simulate --python gui_paint.py -- ZIP BLEND OUT

Like gui_retouch.py. Writes OUT/paint_NN_name.png and, last, OUT/paint_failures.txt: empty if all was well.
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
    prepare,
    press,
    seen,
    shot,
    until_made,
    within,
)
from scripts.lib.gui_person import addon, check, run

TARGET = "Boat_Fishing"


def painted() -> np.ndarray:
    return addon("api").painted_mask(image()) >= 0.5


def painting() -> Iterator[float]:
    picture = image()
    with within():
        bpy.ops.wm.tool_set_by_id(name="segaddon.retouch")
    yield 0.5
    yield from click(middle(TARGET))
    before = covered().copy()
    with within():
        bpy.ops.segaddon.mask_paint("INVOKE_DEFAULT", True)
    yield 1.0
    check(editor().spaces.active.ui_mode == "PAINT", "painting a mask is not Blender's paint mode")
    check(image() != picture and (painted() == before).all(), "what is painted on is not the mask")
    shot("begun")
    if bpy.context.tool_settings.image_paint.brush is None:
        print("this Blender came without brushes: nothing is painted")
    else:
        yield from stroking(before)
    stroke = painted()
    with within():
        bpy.ops.segaddon.mask_painted("INVOKE_DEFAULT", True)
    yield 1.0
    check(image() == picture and editor().spaces.active.ui_mode == "VIEW", f"after painting the editor shows {image()}")
    check((covered() == stroke).all(), "the mask is not what was painted")
    shot("done")
    yield from press("Z", ctrl=True)
    yield 0.5
    shot("undone")
    check(image() is not None, "after undo the editor shows nothing")
    yield from press("Z", ctrl=True, shift=True)
    yield 0.5
    check(image() is not None and not image().segaddon.painted_for, f"after redo the editor shows {image()}")
    check(masks() == [TARGET] and (covered() == stroke).all(), "redo does not bring the painted mask back")


def stroking(before: np.ndarray) -> Iterator[float]:
    yield from drag(at(0.3, 0.3), at(0.45, 0.35))
    stroke = painted()
    check(stroke.sum() > before.sum() + 100, "a stroke masks nothing")
    shot("stroke")
    yield from press("Z", ctrl=True)
    check((painted() == before).all(), "undo does not take the stroke back")
    yield from press("Z", ctrl=True, shift=True)
    check((painted() == stroke).all(), "redo does not bring the stroke back")


def extending() -> Iterator[float]:
    width, height = image().size
    with within():
        bpy.ops.segaddon.extend("INVOKE_DEFAULT", True, margins=(96, 96, 0, 0))
    yield from until_made()
    fit()
    yield 0.5
    check(tuple(image().size) == (width + 192, height), f"the extended picture has {tuple(image().size)} pixels")
    shot("extended")


def rendering() -> Iterator[float]:
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 4, "CPU"
    scene.cycles.use_denoising = False  # some builds of Blender cannot
    scene.render.resolution_percentage = 50
    with within():
        addon("api").render_with_maps(scene, write_still=False)
    yield 0.5
    result = bpy.data.images["Render Result"]
    editor().spaces.active.image = result
    fit()
    yield 1.0
    maps = addon("api").maps_of()
    ids = [one.id for one in maps.instances if one.object == TARGET]
    rows, columns = np.nonzero(np.isin(maps.instance_map, ids))
    order = np.hypot(rows - rows.mean(), columns - columns.mean()).argmin()
    yield from click(at((columns[order] + 0.5) / maps.width, (rows[order] + 0.5) / maps.height))
    size = (maps.width, maps.height)
    mask = addon("operators.retouch_masks").together(result, size)
    check(mask is not None and (mask == np.isin(maps.instance_map, ids)).all(), "a click on a render masks no object")
    shot("render_clicked")
    with within():
        bpy.ops.segaddon.inpaint("INVOKE_DEFAULT", True, prompt="gold", intent="REPLACE", count=1)
    yield from until_made()
    shot("render_result")
    scene.segaddon.retouch.wipe = 0.0
    yield 0.8
    over = shot("render_result_alone")
    yield from press("RET")
    yield 0.5
    check(image() != result and image().is_float, f"accepting shows {image()}")
    check(addon("api").render_patch() is not None, "the compositor has no patch")
    fit()
    yield 0.5
    colors = [seen(one).mean(axis=(0, 1)) for one in (over, shot("render_accepted"))]  # the noise lies a pixel apart
    difference = np.abs(colors[0] - colors[1]).max() * 255
    check(difference < 1.0, f"a retouched render is shown in other colors than its result: {difference:.1f} of 255")
    with within():
        bpy.ops.render.render(scene=scene.name)
    editor().spaces.active.image = result
    fit()
    yield 2.0  # panels move to their places
    shot("rendered_again")
    yield from press("Z", ctrl=True)
    check(addon("api").render_patch() is None, "undo leaves the patch in the compositor")


def story() -> Iterator[float]:
    yield 0.5
    yield from prepare()
    yield from painting()
    yield from extending()
    yield from rendering()


run(story(), "paint")
