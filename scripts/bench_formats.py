"""How long soft mattes and files of maps take. Run it with the Python of a bpy environment:

.venv-bpy-4.5/bin/python -m scripts.bench_formats SCENE... [--size 1024x576] [--repeat 5] [--samples 16] [--json FILE]

Coverage stands beside Blender's own Cryptomatte of objects (which knows no instances) with as many samples a pixel.
All are taken in turn in one run; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import bpy

from blender_segaddon.capture import add_coverage, add_framing_camera, capture
from blender_segaddon.core.export import FORMATS, export_maps
from blender_segaddon.core.maps import SceneMaps
from scripts.bench_capture import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="+", type=Path, metavar="SCENE", help=".blend, .gltf or .glb")
    parser.add_argument("--size", default="1024x576", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--samples", type=int, default=16, help="rays a pixel of the coverage")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    rows = [measure(path, (width, height), given.samples, given.repeat) for path in given.scenes]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if given.json:
        about = {"blender": bpy.app.version_string, "machine": platform.processor() or platform.machine()}
        given.json.write_text(json.dumps({**about, "date": str(date.today()), "formats": rows}, indent=2))


def measure(path: Path, size: tuple[int, int], samples: int, repeat: int) -> dict[str, Any]:
    """Seconds for one scene: sharp maps, coverage, Blender's Cryptomatte, and each format of the soft maps."""
    scene = load(path)
    camera = scene.camera or add_framing_camera(scene)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *size, 100
    maps = capture(scene)
    soft = add_coverage(maps, scene, camera, samples=samples)
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[], object]] = {
            "capture": lambda: capture(scene),
            "coverage": lambda: add_coverage(maps, scene, camera, samples=samples),
            "blender_cryptomatte": lambda: cryptomatte(scene, samples, Path(folder)),
        }
        ways |= {name: _writing(soft, Path(folder) / name, name) for name in FORMATS}
        seconds = in_turn(ways, repeat)
    files = sum(seconds[name] for name in FORMATS)
    return {
        "scene": path.name,
        "size": f"{size[0]}x{size[1]}",
        "samples": samples,
        "instances": len(soft.instances),
        **{f"{name}_s": round(value, 3) for name, value in seconds.items()},
        "all_formats_s": round(files, 3),
        "coverage_to_capture": round(seconds["coverage"] / seconds["capture"], 1),
        "coverage_to_blender": round(seconds["coverage"] / seconds["blender_cryptomatte"], 2),
    }


def in_turn(ways: dict[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Median seconds of each, all of them once a round: what slows the machine meanwhile slows all."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def cryptomatte(scene: bpy.types.Scene, samples: int, folder: Path) -> None:
    """Blender's own Cryptomatte of objects, by Cycles without light bounces, written as multilayer EXR."""
    copy = scene.copy()
    try:
        render, cycles = copy.render, copy.cycles
        render.engine, cycles.device, cycles.samples, cycles.max_bounces = "CYCLES", "CPU", samples, 0
        cycles.use_denoising = cycles.use_adaptive_sampling = False
        render.use_compositing, render.filepath = False, str(folder / "blender.exr")
        copy.view_layers[0].use_pass_cryptomatte_object = True
        if bpy.app.version >= (5, 0):
            render.image_settings.media_type = "MULTI_LAYER_IMAGE"
        render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
        bpy.ops.render.render(scene=copy.name, write_still=True)
    finally:
        bpy.data.scenes.remove(copy)


def _writing(maps: SceneMaps, folder: Path, name: str) -> Callable[[], object]:
    return lambda: export_maps(maps, folder, [name])


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # the bpy wheel now and then crashes in the interpreter's own end
