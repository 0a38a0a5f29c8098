"""Captures and renders of real scenes, to evaluate the models on what they have never seen the like of.

    .venv-bpy-4.5/bin/python -m scripts.train.captured SCENE.blend … --into DIR [--size 512x288] [--samples 24]

Of each scene the view of its camera (one that shows all, if it has none), one from the side, and the middle of both. A
folder each with the maps (as ``core.files`` has them) and ``render.png``: the scene's own materials and lamps under a
sun more, and an even sky where it has no world.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy

from blender_segaddon import capture, texturing
from blender_segaddon.core.files import save_maps
from blender_segaddon.core.png import write_png
from scripts.lib import scene_files

_NEARER = 1.8
"""times as large is what the narrower views show"""


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="scripts.train.captured", description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="+", type=Path, metavar="SCENE")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--size", default="512x288")
    parser.add_argument("--samples", type=int, default=24)
    given = parser.parse_args(arguments)
    width, height = (int(part) for part in given.size.split("x"))
    for path in given.scenes:
        scene = scene_files.load_scene(path)
        _light(scene)
        for number, camera in enumerate(_views(scene, (width, height))):
            folder = given.into / f"{path.stem}-{number}"
            save_maps(capture.capture(scene, camera=camera, size=(width, height)), folder)
            shown = texturing.render_view(scene, camera=camera, size=(width, height), samples=given.samples)
            write_png(folder / "render.png", shown[..., :3])
            print(folder, flush=True)


def _light(scene: bpy.types.Scene) -> None:
    if scene.world is None:
        scene_files.add_even_light(scene)
    lamp = bpy.data.lights.new("Sun", "SUN")
    lamp.energy, lamp.angle = 2.0, 0.2
    sun = bpy.data.objects.new("Sun", lamp)
    sun.rotation_euler = (0.5, 0.3, 0.2)
    scene.collection.objects.link(sun)


def _views(scene: bpy.types.Scene, size: tuple[int, int]) -> Iterator[bpy.types.Object]:
    camera = scene.camera or capture.add_framing_camera(scene)
    side = capture.second_camera(scene, camera, capture.capture(scene, camera=camera, size=size))
    for one in (camera, side):
        yield one
        if one.data.type != "ORTHO":
            one.data.angle = 2 * math.atan(math.tan(one.data.angle / 2) / _NEARER)
            yield one


if __name__ == "__main__":
    main(sys.argv[1:])
