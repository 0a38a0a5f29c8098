"""Figures of bakes: time an object, and the render of the baked scene against the picture. Run with a bpy environment.

    python -m scripts.bench_bake SCENE.blend [--size 1024x576] [--budget 16777216] [--objects 30] [--json FILE]

Each object's time includes its UV layout; ``cpu_seconds`` counts all threads'
processor time. The PSNR is over the pixels of the baked objects that the scene's view can
show, from the picture's own camera; ``psnr_projected`` is the same before the bake, with the projection itself.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import bpy
import numpy as np

from blender_segaddon import api, capture, texturing
from blender_segaddon.flows.picture import Picture, Recipe
from scripts.lib.figures import reported_psnr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scene")
    parser.add_argument("--size", default="1024x576", help="of the picture")
    parser.add_argument("--budget", type=int, default=4096 * 4096, help="texels of all textures together")
    parser.add_argument("--objects", type=int, default=0, help="bake only so many, those that fill most of the picture")
    parser.add_argument("--own-meshes", action="store_true", help="as api.bake's own_meshes")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="write the renders there as PNG files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    bpy.ops.wm.open_mainfile(filepath=options.scene)
    figures = measure(
        bpy.context.scene, (width, height), options.budget, options.objects, options.own_meshes, options.images
    )
    figures = {"scene": Path(options.scene).name, "blender": bpy.app.version_string, "size": options.size, **figures}
    print("\n".join(f"{key:>24}  {value}" for key, value in figures.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def measure(
    scene: bpy.types.Scene, size: tuple[int, int], budget: int, count: int, own_meshes: bool, images: Path | None
) -> dict[str, object]:
    """Figures of one scene, seen by its camera (one is made where there is none)."""
    scene.render.dither_intensity = 0
    if scene.camera is None:
        capture.add_framing_camera(scene)
    maps = api.capture(scene, size=size)
    pixels = picture(size)
    placed = api.project(Picture(pixels, Recipe(maps)))
    shown = {"projected": texturing.render_view(scene, size=size)[..., :3]}
    names = _largest(maps, scene, placed.skipped, count)
    start, cpu = time.perf_counter(), time.process_time()
    baked = api.apply_bake(names, budget=budget, local_copies=True, own_meshes=own_meshes)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    shown["baked"] = texturing.render_view(scene, size=size)[..., :3]
    if images:
        _write(images, {"picture": pixels, **shown})
    of_them = np.isin(
        maps.instance_map, [one.id for one in maps.instances if one.object in names and not one.instancer]
    )
    reachable = of_them & texturing.to_scene_linear(pixels, scene).reachable
    return {
        "view": scene.view_settings.view_transform,
        "objects": len(baked),
        "texels": sum(image.size[0] * image.size[1] for image in baked),
        "largest": "×".join(map(str, max((tuple(image.size) for image in baked), key=lambda one: one[0] * one[1]))),
        "share_of_picture": round(float(of_them.mean()), 3),
        "seconds": round(seconds, 2),
        "seconds_an_object": round(seconds / len(baked), 3),
        "cpu_seconds_an_object": round(cpu / len(baked), 3),
        "seconds_for_1024_squared": round(seconds * 1024**2 / sum(one.size[0] * one.size[1] for one in baked), 3),
        "psnr_projected": reported_psnr(shown["projected"], pixels, reachable),
        "psnr_baked": reported_psnr(shown["baked"], pixels, reachable),
    }


def picture(size: tuple[int, int]) -> np.ndarray:
    """uint8 H×W×3: soft waves with hard edges every 8 pixels, in colours that every view can show."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 90 / width, y * 90 / height, 45 + 45 * np.sin(x / 9.0) * np.cos(y / 7.0)], axis=-1) + 60
    return (base + ((x // 8 + y // 8) % 2 * 40)[..., None]).astype(np.uint8)


def _largest(maps: api.SceneMaps, scene: bpy.types.Scene, skipped: tuple[str, ...], count: int) -> list[str]:
    seen: dict[str, int] = {}
    for one in maps.instances:
        known = scene.objects.get(one.object)
        if known is not None and known.type == "MESH" and not one.instancer and one.object not in skipped:
            seen[one.object] = seen.get(one.object, 0) + one.pixels
    ordered = sorted(seen, key=lambda name: (-seen[name], name))
    return ordered[:count] if count else ordered


def _write(folder: Path, pictures: dict[str, np.ndarray]) -> None:
    from blender_segaddon.core.png import write_png

    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.items():
        write_png(folder / f"{name}.png", pixels)


if __name__ == "__main__":
    main()
