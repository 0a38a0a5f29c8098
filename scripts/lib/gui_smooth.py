"""A program for a graphical Blender: how steadily the window redraws while a picture is made, against how it does idle.

    blender --factory-startup --enable-event-simulate --python gui_smooth.py -- ZIP BLEND OUT SERVER_PYTHON STATE_DIR

The viewport asks to be redrawn all the time, ten seconds before and ten after a generation of at least thirty, and each
redraw is noted. The generator for tests draws: it takes its time and no processor, as on a GPU; what is left is
what the add-on does. Writes OUT/NN_smooth.png, OUT/smooth.json and, last, OUT/smooth_failures.txt. On a machine that
does other things the redraws are told and not judged.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parents[2]))  # Blender runs this file alone
from scripts.lib import gui_ticks, processors
from scripts.lib.gui_person import (
    MODULE,
    archive,
    area,
    blend,
    check,
    do,
    out,
    region,
    run,
    running,
    server,
    settings,
    shot,
    sidebar,
    window,
)

SIDE = 2048
"""pixels of each picture"""
COUNT, STEPS, STEP_SECONDS = 4, 16, 0.5
IDLE_SECONDS, LEAST_SECONDS, MOST_SECONDS = 10.0, 30.0, 200.0
LONGEST_DIFFERENCE = 0.05
"""seconds that the gap between two redraws may be longer than idle"""
ASKED = 0.01
"""seconds between two wishes for a redraw"""

stamps: list[float] = []


def stamp() -> None:
    stamps.append(time.perf_counter())


def redrawn(while_: Callable[[], bool]) -> Iterator[float]:
    """Redraw the viewport without a pause, as long as that holds."""
    while while_():
        region("WINDOW").tag_redraw()
        yield ASKED


def gaps(began: float, ended: float) -> list[float]:
    """Seconds between neighbouring redraws of that time."""
    of_then = [one for one in stamps if began <= one <= ended]
    return [b - a for a, b in itertools.pairwise(of_then)]


def figures(seconds: list[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(seconds)
    told = {
        "median": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
        "longest": ordered[-1],
    }
    return {name: round(1000 * value, 1) for name, value in told.items()} | {"redraws": len(ordered) + 1}


def idle() -> Iterator[float]:
    """Ten seconds; returns (gaps, the share of the processors that others had)."""
    machine, began = processors.Processors(), time.perf_counter()
    yield from redrawn(lambda: time.perf_counter() < began + IDLE_SECONDS)
    return gaps(began, time.perf_counter()), machine.others()


def made() -> Iterator[float]:
    """From the click until the picture is there; returns (gaps, gaps while the maps were made, seconds)."""
    began = time.perf_counter()
    do(bpy.ops.segaddon.generate)
    captured = 0.0

    def goes_on() -> bool:
        nonlocal captured
        now = running()
        if now is not None and not captured and now.job.message != "Capturing":
            captured = time.perf_counter()
        return now is not None and time.perf_counter() < began + MOST_SECONDS

    yield from redrawn(goes_on)
    check(running() is None, "the pictures take too long")
    ended = time.perf_counter()
    lasting = ended + 1.0  # what they are shown by comes with the redraws that follow
    yield from redrawn(lambda: time.perf_counter() < lasting)
    return gaps(began, lasting), gaps(began, captured), ended - began


def prepared() -> Iterator[float]:
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bpy.ops.wm.open_mainfile(filepath=blend)
    yield 0.5
    yield from sidebar()
    values = bpy.context.preferences.addons[MODULE].preferences
    values.server_python, values.state_dir = server
    check(bpy.ops.segaddon.check_server() == {"FINISHED"}, "the server does not answer")
    render = bpy.context.scene.render
    render.resolution_x = render.resolution_y = SIDE
    render.resolution_percentage = 100
    settings().model, settings().generation.count = "rehearsal", COUNT
    settings().prompt = f"{STEPS} {STEP_SECONDS} shown"
    view = area().spaces.active  # the less drawing itself takes, the more of a gap is ours
    view.shading.light, view.overlay.show_overlays = "FLAT", False
    yield from redrawn_for(5.0)  # shaders are compiled


def redrawn_for(seconds: float) -> Iterator[float]:
    end = time.perf_counter() + seconds
    yield from redrawn(lambda: time.perf_counter() < end)


def story() -> Iterator[float]:
    yield 0.5
    yield from prepared()
    handler = bpy.types.SpaceView3D.draw_handler_add(stamp, (), "WINDOW", "POST_PIXEL")
    before, others_before = yield from idle()
    with gui_ticks.of_generating() as ticks:
        during, capturing, seconds = yield from made()
    shot("smooth")
    check(settings().picture is not None, "no picture was made")
    yield from redrawn_for(2.0)
    after, others_after = yield from idle()
    bpy.types.SpaceView3D.draw_handler_remove(handler, "WINDOW")
    slowest, told = gui_ticks.longest(ticks)
    print(f"longest tick at {SIDE}²: {told}", flush=True)
    others = max(others_before, others_after)
    if others <= processors.QUIET:
        check(slowest <= gui_ticks.LONGEST_TICK, f"{1000 * slowest:.0f} ms of work in one tick: {told}")
    report(figures(before + after), figures(during), figures(capturing), seconds, others)


def report(rest: dict, during: dict, capturing: dict, seconds: float, others: float) -> None:
    """Tell the figures; judge them where nothing else ran."""
    kinds = ("median", "p99", "longest")
    more = {kind: round(during[kind] - rest[kind], 1) for kind in kinds}
    told = {"idle": rest, "generating": during, "of it capturing": capturing, "difference": more}
    told |= {"seconds": round(seconds, 1), "pictures": f"{COUNT} × {SIDE}²", "others": round(others, 2)}
    Path(out, "smooth.json").write_text(json.dumps(told, indent=1))
    for name in ("idle", "generating", "of it capturing", "difference"):
        values = ", ".join(f"{kind} {told[name][kind]:.0f}" for kind in kinds)
        print(f"redraws, {name}: ms between two: {values}", flush=True)
    print(f"redraws, of a generation of {seconds:.0f} s; others had {others:.0%} of the processors", flush=True)
    check(seconds >= LEAST_SECONDS, f"the generation took only {seconds:.0f} s")
    if others > processors.QUIET:
        print(f"redraws, not judged: other programs had {others:.0%} of the processors", flush=True)
        return
    for kind, value in more.items():
        check(value <= 1000 * LONGEST_DIFFERENCE, f"{kind} gap between redraws is {value:.0f} ms longer than idle")


run(story(), "smooth")
