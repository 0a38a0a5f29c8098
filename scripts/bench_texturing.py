"""Figures of pictures on a scene: exactness, leaks, misses, times. Run with a bpy environment's Python.

    python -m scripts.bench_texturing SCENE.blend|heavy [--size 512x288] [--view NAME …] [--drawn] [--json FILE]

What is visible from both cameras, and what is not, is found by Blender's own ray casting. ``heavy`` is a scene of 1.4
million triangles that is made on the spot. Times: ``first_apply_s`` is all that the first projection of a picture
takes when nothing was prepared, with the finer look for outlines (``outlines_s``) and the inverse of the view;
``apply_s`` the same for the next picture of these maps. ``prepare_s`` is what is done while a server makes the first
picture, ``prepared_apply_s`` what is left of that one's projection then; of the last two the medians of some runs.
``_cpu_s`` counts all threads' processor time, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import bpy
import numpy as np

from blender_segaddon import api, capture, texturing
from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.flows import preparing
from blender_segaddon.flows.picture import Picture, Recipe
from scripts.lib.figures import reported_psnr
from scripts.lib.heavy_scene import build_heavy
from tests.blender.truth import neighbourhood, side_view

HEAVY = "heavy"
RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scene")
    parser.add_argument("--size", default="512x288")
    parser.add_argument("--view", nargs="*", default=[""], help="view transforms, one after the other; the scene's own")
    parser.add_argument("--drawn", action="store_true", help="outlines are drawn, as in a window, not rendered")
    parser.add_argument("--times-only", action="store_true", help="no renders: heavy scenes in little time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    rows = []
    for view in options.view:
        scene = _opened(options.scene, view)
        if options.drawn:
            capture.capture(scene, size=(16, 16), engine="gpu")  # from then on Blender can draw
        figures = {"scene": Path(options.scene).name, "blender": bpy.app.version_string, "size": options.size}
        figures |= times(scene, (width, height))
        figures |= {} if options.times_only else measure(scene, (width, height))
        print("\n".join(f"{key:>24}  {value}" for key, value in figures.items()), flush=True)
        rows.append(figures)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def _opened(path: str, view: str) -> bpy.types.Scene:
    """The scene, with a camera, and with a view transform if one is named."""
    if path == HEAVY:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        build_heavy()
    else:
        bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    if view:
        scene.view_settings.view_transform = view
    if scene.camera is None:
        capture.add_framing_camera(scene)
    return scene


def times(scene: bpy.types.Scene, size: tuple[int, int]) -> dict[str, object]:
    """Seconds to apply a picture, as a script does."""
    clock = _Clock()
    maps = clock.time("capture", lambda: api.capture(scene, size=size))
    _apply(clock, "first_apply", scene, maps, _picture(size))
    for run in range(RUNS):
        _apply(clock, "apply", scene, maps, np.roll(255 - _picture(size), run, axis=0))
    for _ in range(RUNS):
        fresh = replace(maps, outlines=None)  # of which nothing is known
        clock.time("prepare", lambda: preparing.prepare(fresh, lambda: False))  # noqa: B023
        _apply(clock, "prepared_apply", scene, fresh, _picture(size))
    return clock.times


def _apply(clock: _Clock, name: str, scene: bpy.types.Scene, maps: SceneMaps, pixels: np.ndarray) -> None:
    placed = clock.time(name, lambda: api.project(Picture(pixels, Recipe(maps)), scene=scene))
    api.remove_placement(placed)


def measure(scene: bpy.types.Scene, size: tuple[int, int]) -> dict[str, object]:
    """Figures of one scene from its camera and from one beside it."""
    picture, clock = _picture(size), _Clock()
    maps = clock.time("plain_capture", lambda: capture.capture(scene, size=size))
    maps = clock.time("outlines", lambda: capture.add_outlines(maps, scene))
    seen = maps.instance_map > 0
    linear = texturing.to_scene_linear(picture, scene)
    placed = clock.time("project", lambda: texturing.project(scene, linear.pixels, maps))
    behind = clock.time("backdrop", lambda: texturing.backdrop(scene, linear.pixels, maps))
    shown = clock.time("render", lambda: texturing.render_view(scene, size=size))[..., :3]
    texturing.remove(behind)
    figures = {
        "view": scene.view_settings.view_transform,
        "instances": len(maps.instances),
        "unreachable": round(linear.unreachable, 5),
        "psnr_objects": reported_psnr(shown, picture, seen & linear.reachable),
        "psnr_background": reported_psnr(shown, picture, ~seen & linear.reachable),
        "skipped": len(placed.skipped),
    }
    figures |= _from_the_side(scene, maps, picture, placed)
    return {**figures, "id_bleed": _bleed(scene, maps), **_other_cameras(scene, maps), **clock.times}


def _from_the_side(scene, maps, picture: np.ndarray, placed) -> dict[str, float]:
    size = maps.width, maps.height
    side = capture.second_camera(scene, scene.camera, maps)
    bpy.context.view_layer.update()
    truth = side_view(scene, maps.camera, side, size)
    first = texturing.render_view(scene, camera=side, size=size)[..., :3]
    texturing.remove(placed)
    # What a second, opposite picture changes is what was painted.
    opposite = texturing.to_scene_linear(255 - picture, scene)
    again = texturing.project(scene, opposite.pixels, maps)
    second = texturing.render_view(scene, camera=side, size=size)[..., :3]
    texturing.remove(again)
    painted = np.abs(first.astype(int) - second).max(axis=-1) > 2
    low, high = neighbourhood(picture, truth.pixels)
    right = ((first >= low - 2) & (first <= high + 2)).all(axis=-1)
    # half a pixel at the frame's border belongs to neither: the picture reaches farther than its pixels' centres
    inside = ((truth.pixels >= 0.5) & (truth.pixels <= np.array(size) - 0.5)).all(axis=-1)
    hidden = truth.hit & ~truth.visible & inside
    return {
        "side_visible": round(float(truth.visible.mean()), 4),
        "side_right": round(float(right[truth.visible].mean()), 5),
        "side_missed": round(float((~painted)[truth.visible].mean()), 5),
        "side_leaks": round(float(painted[hidden].mean()) if hidden.any() else 0.0, 5),
    }


def _bleed(scene, maps) -> float:
    """Share of the points that a picture with a colour for each instance paints in another instance's colour."""
    size = maps.width, maps.height
    side = capture.second_camera(scene, scene.camera, maps)
    bpy.context.view_layer.update()
    seen = capture.capture(scene, camera=side, size=size)
    numbers = {_identity(one): one.id for one in maps.instances}
    ids = np.array([0, *(numbers.get(_identity(one), 0) for one in seen.instances)])[seen.instance_map]
    shades = np.array(
        [(90 + 16 * (n % 6), 90 + 16 * (n // 6 % 6), 90 + 16 * (n // 36 % 6)) for n in range(216)], np.uint8
    )
    views = []
    for shift in (0, 107):  # what changes was painted
        flat = shades[(maps.instance_map * 5 + shift) % 216]
        placed = texturing.project(scene, texturing.to_scene_linear(flat, scene).pixels, maps)
        views.append(texturing.render_view(scene, camera=side, size=size)[..., :3].astype(int))
        texturing.remove(placed)
    painted = (np.abs(views[0] - views[1]).max(axis=-1) > 2) & (ids > 0)
    own = shades[(ids * 5) % 216].astype(int)
    return round(float((np.abs(views[0] - own).max(axis=-1) > 4)[painted].mean()), 6)


def _identity(one) -> tuple[object, ...]:
    return one.instancer, one.object, one.library, one.persistent_id


def _other_cameras(scene, maps) -> dict[str, float | None]:
    """PSNR of re-renders through other kinds of cameras at the same place."""
    size = maps.width // 2, maps.height // 2
    near = float(np.median(maps.depth[np.isfinite(maps.depth)]))
    picture, figures = _picture(size), {}
    linear = texturing.to_scene_linear(picture, scene)
    for kind in ("ORTHO", "SHIFT", "PANO"):
        camera = _camera(scene, kind, near)
        seen = capture.capture(scene, camera=camera, size=size)
        placed = texturing.project(scene, linear.pixels, seen)
        shown = texturing.render_view(scene, camera=camera, size=size)[..., :3]
        figures[f"psnr_{kind.lower()}"] = reported_psnr(shown, picture, (seen.instance_map > 0) & linear.reachable)
        texturing.remove(placed)
        capture.remove_camera(camera)
    return figures


def _camera(scene, kind: str, near: float) -> bpy.types.Object:
    """A copy of the scene's camera of another kind; an orthographic one sees as much at the distance ``near``."""
    camera = scene.camera.copy()
    camera.data = data = scene.camera.data.copy()
    if kind == "SHIFT":
        data.shift_x, data.shift_y = 0.2, -0.1
    else:
        data.type, data.ortho_scale = kind, near * data.sensor_width / data.lens
    if kind == "PANO":
        scene.render.engine = "CYCLES"
        (data if hasattr(data, "panorama_type") else data.cycles).panorama_type = "EQUIRECTANGULAR"
    scene.collection.objects.link(camera)
    bpy.context.view_layer.update()
    return camera


class _Clock:
    """Seconds of work by name; the medians of what is done several times."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}

    @property
    def times(self) -> dict[str, float]:
        return {name: round(median(several), 3) for name, several in self._seconds.items()}

    def time(self, name, work):
        start, cpu = time.perf_counter(), time.process_time()
        result = work()
        self._seconds.setdefault(f"{name}_s", []).append(time.perf_counter() - start)
        self._seconds.setdefault(f"{name}_cpu_s", []).append(time.process_time() - cpu)
        return result


def _picture(size: tuple[int, int]) -> np.ndarray:
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 90 / width, y * 90 / height, 45 + 45 * np.sin(x / 9.0) * np.cos(y / 7.0)], axis=-1) + 60
    return (base + ((x // 8 + y // 8) % 2 * 40)[..., None]).astype(np.uint8)


if __name__ == "__main__":
    main()
