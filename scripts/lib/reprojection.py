"""Does the picture sit on the scene? Judged from a second camera by ray casting, independent of capture and shader."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from blender_segaddon.core.camera import Camera

_RAYS = 8_000
"""about as many pixels of the second view are looked at, evenly spread; fewer where objects are many …"""
_OBJECT_TESTS = 4_000_000
"""… since Blender tests every ray against every object, some 3 million a second"""
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


def agreement(scene: bpy.types.Scene, source: Camera, picture: np.ndarray, eye: Camera, side: np.ndarray) -> Agreement:
    """Compare the second view with the picture, point by point.

    Args:
        picture: uint8 H×W×3, what was projected from the camera ``source``.
        side: uint8 h×w×3, the scene rendered from the camera ``eye`` with the projection in it.
    """
    graph = _evaluated(scene)
    height, width = side.shape[:2]
    wanted = min(_RAYS, _OBJECT_TESTS / max(len(graph.object_instances), 1))
    step = max(1, round((height * width / wanted) ** 0.5))
    rows, columns = (index.ravel() for index in np.mgrid[step // 2 : height : step, step // 2 : width : step])
    starts, directions = _world_rays(eye)
    rays = zip(starts[rows, columns].tolist(), directions[rows, columns].tolist(), strict=True)
    hits = [_cast(scene, graph, Vector(start), Vector(way), eye.clip_end) for start, way in rays]
    both = [k for k, hit in enumerate(hits) if hit is not None and _visible(scene, graph, source, hit)]
    if not both:
        return Agreement(0.0, 0, len(hits))
    pixels, _ = source.project(np.array([hits[k] for k in both]))
    inside = ((pixels >= 1) & (pixels < (source.width - 1, source.height - 1))).all(axis=-1)
    low, high = _range_around(picture, pixels[inside])
    seen = side[rows[both], columns[both]].astype(np.int16)[inside]
    fits = ((seen >= low - _TOLERANCE) & (seen <= high + _TOLERANCE)).all(axis=-1)
    return Agreement(round(float(fits.mean()), 5) if fits.size else 0.0, int(inside.sum()), len(hits))


def _evaluated(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    layer = scene.view_layers[0]
    layer.update()
    return layer.depsgraph


def _world_rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Start points and unit directions, H×W×3 each, world space."""
    near = camera.world_points(np.full((camera.height, camera.width), camera.clip_start))
    far = camera.world_points(np.full((camera.height, camera.width), camera.clip_start * 2 + 1.0))
    directions = far - near
    return near, directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def _cast(scene, graph, start: Vector, direction: Vector, far: float) -> Vector | None:
    hit, location, *_ = scene.ray_cast(graph, start, direction, distance=far)
    return location if hit else None


def _visible(scene, graph, camera: Camera, point: Vector) -> bool:
    """Whether nothing stands between the camera and the point."""
    eye = Vector(camera.matrix_world[:3, 3].tolist())
    if camera.type == "ORTHO":
        forward = -Vector(camera.matrix_world[:3, 2].tolist())
        eye = point - forward * ((point - eye).dot(forward) - camera.clip_start)
    way = point - eye
    first = _cast(scene, graph, eye, way.normalized(), way.length * 2)
    return first is not None and (first - point).length <= _SAME_POINT * way.length


def _range_around(picture: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest colour (N×3 int16 each) of the 3×3 pixels around each point."""
    column, row = np.floor(pixels).astype(int).T
    around = np.stack([picture[row + dy, column + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]).astype(np.int16)
    return around.min(axis=0), around.max(axis=0)
