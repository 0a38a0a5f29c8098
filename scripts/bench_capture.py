"""How long a capture takes. Run it with the Python of a bpy environment:

.venv-bpy-4.5/bin/python scripts/bench_capture.py SCENE... [--size 1024x576] [--repeat 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bpy

from blender_segaddon.capture import add_framing_camera, capture, second_camera
from blender_segaddon.core.maps import SceneMaps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="+", type=Path, metavar="SCENE", help=".blend, .gltf or .glb")
    parser.add_argument("--size", default="1024x576", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--repeat", type=int, default=5, help="captures; the median counts")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    rows = [measure(path, (width, height), options.repeat) for path in options.scenes]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if options.json:
        machine = {"blender": bpy.app.version_string, "machine": platform.processor() or platform.machine()}
        options.json.write_text(json.dumps({**machine, "date": str(date.today()), "captures": rows}, indent=2))


def _timed_capture(scene: bpy.types.Scene, size: tuple[int, int]) -> tuple[SceneMaps, float]:
    start = time.perf_counter()
    maps = capture(scene, size=size)
    return maps, time.perf_counter() - start


def measure(path: Path, size: tuple[int, int], repeat: int) -> dict[str, Any]:
    """Seconds for one scene: framing it if it has no camera, capturing it (median), a side view."""
    scene = load(path)
    start = time.perf_counter()
    camera = scene.camera or add_framing_camera(scene)
    framing = time.perf_counter() - start
    maps, first = _timed_capture(scene, size)
    times = [first, *(_timed_capture(scene, size)[1] for _ in range(repeat - 1))]
    start = time.perf_counter()
    second_camera(scene, camera, maps)
    return {
        "scene": path.name,
        "size": f"{size[0]}x{size[1]}",
        "instances": len(maps.instances),
        "framing_s": round(framing, 3),
        "capture_s": round(statistics.median(times), 3),
        "slowest_s": round(max(times), 3),
        "side_view_s": round(time.perf_counter() - start, 3),
    }


def load(path: Path) -> bpy.types.Scene:
    """Open a file and return its scene."""
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.import_scene.gltf(filepath=str(path))
    return bpy.context.scene


if __name__ == "__main__":
    main()
