"""A program for a graphical Blender: what is prepared for a projection while a server would be making the picture.

    blender --factory-startup --enable-event-simulate --python gui_apply.py -- ZIP BLEND OUT

On 1.4 million triangles at 1024². Prints how long the add-on holds Blender's thread up meanwhile, and what is left of
the projection then. Writes OUT/apply_failures.txt: one line for each thing that was not as it should be.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # Blender runs this file alone
from scripts.lib.gui_person import addon, archive, check, do, placed, run, running, settings, shot, window
from scripts.lib.heavy_scene import build_heavy

SIZE = (1024, 1024)
LONGEST = 0.06
"""seconds of our own work in Blender's thread at a time, as the processor counts them; but for one: the first question
to a view makes Blender build its transform"""
PATIENCE = 120
"""seconds: without a GPU, on two processors"""


class Server:
    """In the place of a server: a job that takes as long as it is let."""

    progress, message = 0.0, "Waiting"

    def __init__(self, _maps: object) -> None:
        self.ended = False

    def done(self) -> bool:
        return self.ended

    def cancel(self) -> None:
        self.ended = True

    let_go = cancel

    def wait(self, _timeout: float) -> bool:
        return self.ended

    def result(self) -> None:
        return None


def timed(owner: type, name: str, ticks: list[tuple[float, float]]) -> Callable[[], None]:
    """Note (the processor's seconds, the clock's) of a method's calls; call what is returned to end that."""
    method = getattr(owner, name)

    def noted(self: Any) -> Any:
        began, clock = time.thread_time(), time.perf_counter()
        try:
            return method(self)
        finally:
            ticks.append((time.thread_time() - began, time.perf_counter() - clock))

    setattr(owner, name, noted)
    return lambda: setattr(owner, name, method)


def until(holds: Callable[[], bool], what: str) -> Iterator[float]:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            check(False, f"{what} takes too long")
            return
        yield 0.02


def captured() -> Generator[float, None, tuple[Any, Any, Server]]:
    """(the capture and what comes after it, the capture, what comes after it), as soon as that is under way."""
    made: list[Server] = []
    job = addon("api").start_capture(bpy.context.scene, size=SIZE)
    both = job.then(lambda maps: made.append(Server(maps)) or made[0], closer=True)
    yield from until(lambda: bool(both.done() or made), "a capture")
    return both, job, made[0]


def projected(maps: object, pixels: np.ndarray) -> float:
    """Seconds."""
    api, flows = addon("api"), addon("flows.picture")
    picture = flows.Picture(pixels, flows.Recipe(maps))
    began = time.perf_counter()
    placed = api.project(picture, scene=bpy.context.scene)
    took = time.perf_counter() - began
    api.remove_placement(placed)
    return took


def prepared() -> Iterator[float]:
    """A server takes its time: everything is found meanwhile."""
    ticks: list[tuple[float, float]] = []
    restore = timed(addon("capture.background").CaptureJob, "_tick", ticks)
    both, job, server = yield from captured()
    ticks.clear()
    files = addon("texturing.evidence")._last
    yield from until(lambda: bool(both.done() or len(files)), "the preparation")
    restore()
    server.ended = True
    yield from until(both.done, "the end")
    check(addon("texturing.colour")._inverses, "the view was not measured")
    check(any(one.outlines for one in files), "no outlines were found")
    work, clock = (sorted(one, reverse=True)[:3] for one in zip(*ticks, strict=True))
    told = "ms of work {}, {}, {}; by the clock {}, {}, {}".format(*(round(1000 * one) for one in (*work, *clock)))
    print(f"longest ticks while a projection is prepared: {told}", flush=True)
    check(work[1] <= LONGEST, f"too much work in one tick while a projection is prepared: {told}")
    seconds = []
    for shift in range(3):
        yield 0.5
        seconds.append(projected(job.result(), colours(shift)))
    told = ", ".join(f"{one:.2f}" for one in seconds)
    print(f"capture of 1.4 million triangles, projections of pictures of it: {told} s", flush=True)


def in_a_hurry() -> Iterator[float]:
    """The picture comes at once, or somebody needs the scene: the closer look ends, and all is as it was."""
    both, job, server = yield from captured()
    yield 1.0
    both.give_way()
    yield from until(lambda: not both.holds_scene(), "to give way")
    server.ended = True
    yield from until(both.done, "the end")
    yield 0.5
    check(len(bpy.data.scenes) == 1, f"scenes were left: {[one.name for one in bpy.data.scenes]}")
    maps = addon("api").capture(bpy.context.scene, size=(64, 64))
    check(maps.width == 64 and job.result().width == SIZE[0], "no capture after another gave way")


def by_buttons() -> Iterator[float]:
    """Generate and project, by a model that is quick: the closer look is cut off, and nobody notices."""
    turned = [one for one in window().screen.areas if one.type == "TEXT_EDITOR"]
    turned[0].type = "VIEW_3D"
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 480, 270
    settings().model = "preview"
    yield 2.0
    do(bpy.ops.segaddon.generate)
    yield from until(lambda: running() is None, "a picture")
    check(settings().picture is not None, "no picture was made")
    do(bpy.ops.segaddon.project)
    yield 0.5
    check(placed() == ["projection"], f"the button placed {placed()}")
    check(len(bpy.data.scenes) == 1, f"scenes were left: {[one.name for one in bpy.data.scenes]}")
    yield 2.0
    shot("apply")


def colours(shift: int) -> np.ndarray:
    """uint8 H×W×3: a picture of many colours."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    noise = np.random.default_rng(shift).normal(0, 4, (*x.shape, 3))
    soft = np.stack([60 + x / 8, 60 + y / 8, 120 + 40 * np.sin(x / 90 + shift)], axis=-1)
    return np.clip(soft + noise, 0, 255).astype(np.uint8)


def story() -> Iterator[float]:
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    yield 0.5
    for one in window().screen.areas:  # what Blender itself draws does not count, and takes a second without a GPU
        one.type = "TEXT_EDITOR" if one.type == "VIEW_3D" else one.type
    build_heavy()
    yield 2.0
    yield from prepared()
    yield from in_a_hurry()
    yield from by_buttons()


run(story(), "apply")
