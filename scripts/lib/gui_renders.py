"""A program for a graphical Blender: F12 and Ctrl F12 with scene maps, and the export dialog; screenshots of each.

    blender --factory-startup --enable-event-simulate --python gui_renders.py -- ZIP BLEND OUT

Like gui_story.py, but what it shows runs in Blender's render thread, which background mode does not have. Writes
OUT/renders_NN_name.png and, last, OUT/renders_failures.txt: empty if all was well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parents[2]))  # Blender runs this file alone
from scripts.lib import gui_person
from scripts.lib.gui_person import addon, archive, blend, check, out, run, sidebar, window, within

shot = partial(gui_person.shot, chapter="renders")


def click(x: int, y: int) -> None:
    """On the screen, pixels from the top left."""
    for kind, value in (("MOUSEMOVE", "NOTHING"), ("LEFTMOUSE", "PRESS"), ("LEFTMOUSE", "RELEASE")):
        window().event_simulate(type=kind, value=value, x=x, y=window().height - y)


def until(ended, what: str, longest: float = 60) -> Iterator[float]:
    end = time.monotonic() + longest
    while not ended() and time.monotonic() < end:
        yield 0.1
    check(ended(), f"{what} takes too long")


def refused(text: str) -> bool:
    """Whether the maps of the last render are refused with these words."""
    try:
        addon("api").maps_of()
    except addon("api").SegAddonError as error:
        return text in str(error)
    return False


def made() -> bool:
    try:
        return addon("api").maps_of() is not None
    except addon("api").SegAddonError:
        return False


def render(**options: object) -> None:
    with within():
        bpy.ops.render.render("INVOKE_DEFAULT", **options)


def prepare() -> Iterator[float]:
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    yield 0.5
    bpy.ops.wm.open_mainfile(filepath=blend)
    yield 0.5
    bpy.context.preferences.view.render_display_type = "NONE"
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 8, "CPU"
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    yield from sidebar()
    click(1060, 258)  # the header of the panel for files and renders
    yield 0.5
    shot("option_off")


def still() -> Iterator[float]:
    scene = bpy.context.scene
    render()
    yield from until(lambda: not bpy.app.is_job_running("RENDER"), "a render")
    yield 1.0
    check(refused("without maps"), "a render without the option does not say so")
    scene.segaddon.maps_with_renders = True
    render()
    yield from until(made, "maps of a still")
    maps = addon("api").maps_of(bpy.data.images["Render Result"])
    check((maps.width, maps.height) == (320, 180), "maps of a still have another size")
    yield 0.5
    shot("maps_of_f12")


def changed_meanwhile() -> Iterator[float]:
    """Somebody moves a house while it is being rendered."""
    scene = bpy.context.scene
    scene.cycles.samples = 400
    render()
    yield 0.3
    check(bpy.app.is_job_running("RENDER"), "the render was too quick to be disturbed")
    bpy.data.objects["House.Left"].location.x += 1
    yield from until(lambda: refused("changed after its render began"), "a refusal")
    yield 0.5
    shot("stale")
    bpy.data.objects["House.Left"].location.x -= 1
    scene.cycles.samples = 8


def animation() -> Iterator[float]:
    scene = bpy.context.scene
    scene.render.filepath, scene.frame_start, scene.frame_end = f"{out}/renders_frame_", 1, 2
    house = bpy.data.objects["House.Left"]
    for frame in (1, 2):
        house.location.x += 0.5
        house.keyframe_insert("location", frame=frame)
    scene.frame_set(2)
    render(animation=True)
    paths = [f"{out}/renders_frame_000{frame}.png" for frame in (1, 2)]
    yield from until(lambda: Path(f"{paths[1]}.maps/render.json").exists(), "maps of an animation")
    both = [addon("api").maps_of(path) for path in paths]
    check([one.frame for one in both] == [1, 2], "maps of an animation are of other frames")
    check((both[0].instance_map != both[1].instance_map).any(), "both frames have the same maps")
    check(scene.frame_current == 2, f"the scene was left at frame {scene.frame_current}")


def dialog() -> Iterator[float]:
    with within():
        bpy.ops.segaddon.export_maps("INVOKE_DEFAULT")
    yield 1.5
    shot("export_dialog")
    with within():
        result = bpy.ops.segaddon.export_maps(directory=f"{out}/renders_export", cryptomatte=True, coverage=4)
    check(result == {"FINISHED"}, "the export failed")


def story() -> Iterator[float]:
    yield 0.5
    yield from prepare()
    yield from still()
    yield from changed_meanwhile()
    yield from animation()
    yield from dialog()


run(story(), "renders")
