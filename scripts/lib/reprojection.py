"""Does the picture sit on the scene? Judged from a second camera by ray casting, independent of capture and shader."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from blender_segaddon.capture import camera_of
from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import SceneMaps

_RAYS = 40_000
"""about as many pixels of the second view are looked at, evenly spread"""
_SAME_POINT = 1e-3
"""Relative: a ray that ends this close to the point, seen from the source camera, has met the point itself."""
_TOLERANCE = 6
"""of 255, added to the range of the picture's colours around the point: half a pixel of sampling, and rounding"""


@dataclass(frozen=True)
class Agreement:
    """What was found."""

    share: float
    """0..1: points seen from both cameras that have the picture's colour in the second view"""
    points: int
    """seen from both cameras"""
    rays: int
    """cast from the second camera"""


def agreement(
    scene: bpy.types.Scene, maps: SceneMaps, picture: np.ndarray, side_camera: bpy.types.Object, side: np.ndarray
) -> Agreement:
    """Compare the second view with the picture, point by point.

    Args:
        picture: uint8 H×W×3, what was projected from ``maps.camera``.
        side: uint8 h×w×3, the scene rendered from ``side_camera`` with the projection in it.
    """
    graph = _render_like_depsgraph(scene)
    height, width = side.shape[:2]
    eye = camera_of(scene, side_camera, (width, height))
    step = max(1, round((height * width / _RAYS) ** 0.5))
    rows, columns = np.mgrid[step // 2 : height : step, step // 2 : width : step]
    rows, columns = rows.ravel(), columns.ravel()
    starts, directions = _world_rays(eye)
    points, colours = [], []
    for row, column in zip(rows, columns, strict=True):
        hit = _cast(scene, graph, starts[row, column], directions[row, column], eye.clip_end)
        if hit is not None and _visible(scene, graph, maps.camera, hit):
            points.append(hit)
            colours.append(side[row, column])
    if not points:
        return Agreement(0.0, 0, len(rows))
    pixels, _ = maps.camera.project(np.array(points))
    inside = ((pixels >= 1) & (pixels < (maps.width - 1, maps.height - 1))).all(axis=-1)
    low, high = _range_around(picture, pixels[inside])
    seen = np.array(colours, np.int16)[inside]
    fits = ((seen >= low - _TOLERANCE) & (seen <= high + _TOLERANCE)).all(axis=-1)
    return Agreement(round(float(fits.mean()), 5) if fits.size else 0.0, int(inside.sum()), len(rows))


def _render_like_depsgraph(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    window_layer = scene.view_layers[0]
    window_layer.update()
    return window_layer.depsgraph


def _world_rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Start points and unit directions, H×W×3 each, world space."""
    near = camera.world_points(np.full((camera.height, camera.width), camera.clip_start))
    far = camera.world_points(np.full((camera.height, camera.width), camera.clip_start * 2 + 1.0))
    directions = far - near
    return near, directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def _cast(scene, graph, start: np.ndarray, direction: np.ndarray, far: float) -> np.ndarray | None:
    hit, location, *_ = scene.ray_cast(graph, Vector(start), Vector(direction), distance=far)
    return np.array(location) if hit else None


def _visible(scene, graph, camera: Camera, point: np.ndarray) -> bool:
    """Whether nothing stands between the camera and the point."""
    eye = camera.matrix_world[:3, 3]
    if camera.type == "ORTHO":
        forward = -camera.matrix_world[:3, 2]
        eye = point - forward * ((point - eye) @ forward - camera.clip_start)
    way = point - eye
    distance = float(np.linalg.norm(way))
    first = _cast(scene, graph, eye, way / distance, distance * 2)
    return first is not None and float(np.linalg.norm(first - point)) <= _SAME_POINT * distance


def _range_around(picture: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest colour (N×3 int16 each) of the 3×3 pixels around each point."""
    column, row = np.floor(pixels).astype(int).T
    around = np.stack([picture[row + dy, column + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]).astype(np.int16)
    return around.min(axis=0), around.max(axis=0)
