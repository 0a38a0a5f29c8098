"""How long the gpu engine and the live overlay take, and how far the engine agrees with Cycles. In a bpy environment:

.venv-bpy-4.5/bin/python -m scripts.bench_gpu [--size 512x512] [--repeat 9] [--json FILE]

Scenes: the example street, the heavy scene, and those below SEGADDON_SCENES. A frame is what the overlay does when the
view has moved: draw all ids, and wait until they are there. Without a GPU Mesa draws on the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np

from blender_segaddon.capture import add_framing_camera, capture
from blender_segaddon.capture.gpu import Canvas, LiveScene, Viewpoint
from blender_segaddon.core.maps import SceneMaps
from scripts.lib import example_scenes, heavy_scene

_NAMES = ("kenney_city/kenney_city.blend", "aws_small_house/aws_small_house.blend", "bge_traffic/city.blend")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="512x512", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--repeat", type=int, default=9, help="times; the median counts")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    rows = [measure(name, load(), (width, height), options.repeat) for name, load in _scenes()]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if options.json:
        drawn_by = {"blender": bpy.app.version_string, "renderer": gpu.platform.renderer_get()}
        options.json.write_text(json.dumps({**drawn_by, "date": str(date.today()), "scenes": rows}, indent=2))


def _scenes() -> Iterator[tuple[str, Callable[[], bpy.types.Scene]]]:
    yield "street", lambda: _made(example_scenes.build_street)
    yield "heavy", lambda: _made(heavy_scene.build_heavy)
    folder = os.environ.get("SEGADDON_SCENES")
    for name in _NAMES if folder else ():
        yield Path(name).stem, lambda name=name: _opened(Path(folder) / name)


def _made(build: Callable[[], bpy.types.Scene]) -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return build()


def _opened(path: Path) -> bpy.types.Scene:
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return bpy.context.scene


def measure(name: str, scene: bpy.types.Scene, size: tuple[int, int], repeat: int) -> dict[str, Any]:
    """One scene: milliseconds of a capture by either engine (in turn), of the overlay's build, of its frames."""
    if scene.camera is None:
        add_framing_camera(scene)
    bpy.context.view_layer.update()
    times: dict[str, list[float]] = {"cycles": [], "gpu": []}
    maps: dict[str, SceneMaps] = {}
    for _ in range(max(repeat // 3, 1)):
        for engine, taken in times.items():
            began = time.perf_counter()
            maps[engine] = capture(scene, size=size, engine=engine)
            taken.append(time.perf_counter() - began)
    began = time.perf_counter()
    live = LiveScene()
    live.update(bpy.context.evaluated_depsgraph_get())
    build = time.perf_counter() - began
    live.forget_names()
    began = time.perf_counter()
    live.update(bpy.context.evaluated_depsgraph_get())
    again = time.perf_counter() - began
    return {
        "scene": name,
        "instances": len(live.things),
        "triangles": live.crowd.triangles,
        "frame_ms": _ms(_frames(live, maps["gpu"], size, repeat)),
        "build_ms": _ms([build]),
        "after_a_change_ms": _ms([again]),
        "capture_gpu_ms": _ms(times["gpu"]),
        "capture_cycles_ms": _ms(times["cycles"]),
        "agreement": round(agreement(maps["cycles"], maps["gpu"]), 6),
    }


def _frames(live: LiveScene, maps: SceneMaps, size: tuple[int, int], repeat: int) -> list[float]:
    """Seconds of frames of a view that turns a little each time; the first, which compiles, is left out."""
    canvas, camera, taken = Canvas(*size), maps.camera, []
    for number in range(repeat + 1):
        angle = 0.01 * number
        turn = np.eye(4)
        turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        view = Viewpoint(
            np.linalg.inv(camera.matrix_world) @ turn, camera.projection_matrix, *size, clip_end=camera.clip_end
        )
        began = time.perf_counter()
        canvas.draw(live.crowd, view)
        canvas.id_at(0, 0)  # waits for the drawing
        taken.append(time.perf_counter() - began)
    return taken[1:]


def agreement(one: SceneMaps, other: SceneMaps) -> float:
    """Share of the pixels at which two captures see the same instance."""

    def identities(maps: SceneMaps) -> list[tuple[object, ...]]:
        return [(each.instancer, each.object, each.library, each.persistent_id) for each in maps.instances]

    known = {identity: number for number, identity in enumerate(identities(one), start=1)}
    table = np.array([0, *(known.get(identity, -1) for identity in identities(other))])
    return float(np.mean(one.instance_map == table[other.instance_map]))


def _ms(seconds: list[float]) -> float:
    return round(1000 * statistics.median(seconds), 1)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # the bpy wheels may crash in their own end
