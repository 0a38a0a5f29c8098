"""Removes objects from renders of a real scene and compares with renders in which they never were.

    python -m scripts.bench_retouch_remove SCENE.blend [--seed 0] [--count 10] [--size WxH] [--json FILE] [--out DIR]

Runs beside the bpy wheel. PSNR in dB over the pixels of the mask, display-referred 8-bit RGB. The scene gets a light
and three views of its rooms where it has none of its own; the objects are drawn by seed among those that a person would
pick: visible in one piece, between 0.3 and 12 % of the picture, not the walls or the floor.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from blender_segaddon import api
from blender_segaddon.core.png import write_png
from blender_segaddon.texturing.images import load_raw

VIEWS = (
    ((4.0, 2.2, 1.9), (0.6, -3.4, 0.6)),
    ((-3.2, -1.2, 1.9), (-7.4, 2.2, 0.6)),
    ((4.6, -2.6, 2.0), (7.4, 1.6, 0.5)),
)
"""Eye and target, scene units: the rooms of aws_small_house."""
SHARE = (0.003, 0.12)


@dataclass(frozen=True, eq=False)
class Case:
    """One object in one view."""

    view: int
    name: str
    maps: api.SceneMaps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--size", default="480x270", help="WxH")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--model", default="classical", help="what removes: a generator's name")
    parser.add_argument("--guess", action="store_true", help="what is behind is guessed from the maps, not captured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write before, after and truth as pictures")
    given = parser.parse_args()
    size = tuple(int(part) for part in given.size.split("x"))
    bpy.ops.wm.open_mainfile(filepath=str(given.scene.resolve()))
    scene = bpy.context.scene
    prepare(scene)
    cases = choose(scene, size, given.seed, given.count)
    rows = [measured(scene, case, given) for case in cases]
    result = {
        "median_psnr": round(statistics.median(row["psnr"] for row in rows), 2),
        "median_seconds": round(statistics.median(row["seconds"] for row in rows), 2),
        "size": size,
        "seed": given.seed,
        "behind": "guessed" if given.guess else "captured",
        "blender": bpy.app.version_string,
        "objects": rows,
    }
    print(f"median {result['median_psnr']} dB, {result['median_seconds']} s")
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))


def prepare(scene: bpy.types.Scene) -> None:
    """Even light from everywhere, and a camera."""
    if scene.world is None:
        scene.world = bpy.data.worlds.new("Bench")
        scene.world.color = (0.9, 0.95, 1.0)
    scene.camera = scene.camera or bpy.data.objects.new("Bench", bpy.data.cameras.new("Bench"))
    if scene.camera.name not in scene.collection.all_objects:
        scene.collection.objects.link(scene.camera)
    scene.camera.data.lens = 24
    lamp = bpy.data.lights.new("Bench", "SUN")
    lamp.energy, lamp.angle = 2.0, 0.2
    sun = bpy.data.objects.new("Bench sun", lamp)
    sun.rotation_euler = (0.5, 0.3, 0.2)
    scene.collection.objects.link(sun)


def aim(scene: bpy.types.Scene, view: int) -> None:
    """Point the camera at a view."""
    eye, target = (Vector(one) for one in VIEWS[view])
    scene.camera.location = eye
    scene.camera.rotation_euler = (target - eye).to_track_quat("-Z", "Y").to_euler()
    bpy.context.view_layer.update()


def choose(scene: bpy.types.Scene, size: tuple[int, int], seed: int, count: int) -> list[Case]:
    """The objects by seed."""
    cases = []
    for view in range(len(VIEWS)):
        aim(scene, view)
        maps = api.capture(scene, size=size)
        pixels = maps.width * maps.height
        cases += [Case(view, one.object, maps) for one in maps.instances if is_thing(one, pixels)]
    order = np.random.default_rng(seed).permutation(len(cases))
    return [cases[k] for k in order[:count]]


def is_thing(one, pixels: int) -> bool:
    """Something that a person would take away."""
    x0, y0, x1, y1 = one.bbox
    shell = ("wall", "floor", "ceiling", "windowpane", "door")
    return (
        SHARE[0] <= one.pixels / pixels <= SHARE[1]
        and one.class_name not in shell
        and one.pixels >= 0.25 * (x1 - x0) * (y1 - y0)
    )


def measured(scene: bpy.types.Scene, case: Case, given: argparse.Namespace) -> dict:
    """One removal against the truth."""
    aim(scene, case.view)
    before = rendered(scene, case, given, f"view {case.view}")
    with without(case.name):
        truth = rendered(scene, case, given, f"without {case.name} {case.view}")
    started = time.perf_counter()
    mask = case.maps.instance_map == next(one.id for one in case.maps.instances if one.object == case.name)
    if given.guess:
        after = api.remove(before, mask, maps=case.maps, model=given.model, seed=1)
    else:
        after = api.remove(before, objects=[case.name], maps=case.maps, model=given.model, seed=1)
    seconds = time.perf_counter() - started
    error = (after.pixels[mask].astype(float) - truth[mask]) ** 2
    row = {
        "object": case.name,
        "view": case.view,
        "share": round(float(mask.mean()), 4),
        "psnr": round(float(10 * np.log10(255**2 / max(error.mean(), 1e-9))), 2),
        "seconds": round(seconds, 2),
    }
    print(
        f"{row['psnr']:6.2f} dB  {row['seconds']:5.2f} s  {row['share']:6.1%}  {case.name} (view {case.view})",
        flush=True,
    )
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        sheet = np.concatenate([before, after.pixels, truth], axis=1)
        write_png(given.out / f"{case.view}_{case.name.strip()}.png", sheet)
    return row


_seen: dict[str, np.ndarray] = {}


def rendered(scene: bpy.types.Scene, case: Case, given: argparse.Namespace, key: str) -> np.ndarray:
    """uint8 H×W×3: the view as it renders now, denoised; the same key is rendered once."""
    if key not in _seen:
        render, cycles = scene.render, scene.cycles
        render.engine, render.resolution_percentage = "CYCLES", 100
        render.resolution_x, render.resolution_y = case.maps.width, case.maps.height
        render.dither_intensity = 0
        cycles.samples, cycles.use_denoising = given.samples, True
        cycles.pixel_filter_type, cycles.filter_width = "GAUSSIAN", 0.01
        render.filepath = str(Path(bpy.app.tempdir or "/tmp") / f"bench_{os.getpid()}.png")
        if hasattr(render.image_settings, "media_type"):
            render.image_settings.media_type = "IMAGE"
        render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
        bpy.ops.render.render(write_still=True)
        _seen[key] = np.rint(load_raw(render.filepath)[..., :3] * 255).astype(np.uint8)
        Path(render.filepath).unlink()
    return _seen[key]


@contextmanager
def without(name: str) -> Iterator[None]:
    """The scene without an object."""
    thing = bpy.data.objects[name]
    thing.hide_render = True
    try:
        yield
    finally:
        thing.hide_render = False


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
