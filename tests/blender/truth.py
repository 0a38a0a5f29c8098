"""What a second camera should see of a projected picture, by Blender's ray casting alone."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from blender_segaddon.core.camera import Camera

from .cast import camera_of, rays_of
from .raycast import depsgraph_of

NEAR = 1e-3
"""Share of the distance within which the source camera's ray counts as having reached the point."""


@dataclass(frozen=True, eq=False)
class SideView:
    """Per pixel of the second camera, row 0 at the top."""

    hit: np.ndarray
    """bool H×W: it sees an object"""
    visible: np.ndarray
    """bool H×W: the source camera sees this point too, on the same side"""
    pixels: np.ndarray
    """float64 H×W×2: where the point falls in the source picture"""


def side_view(scene: bpy.types.Scene, source: Camera, camera: bpy.types.Object, size: tuple[int, int]) -> SideView:
    """Casts two rays a pixel: from the second camera, and from the source camera to what that one met."""
    depsgraph = depsgraph_of(scene)
    side = camera_of(scene, size, camera)
    origins, directions = rays_of(side)
    shape = origins.shape[:2]
    hit, visible, pixels = np.zeros(shape, bool), np.zeros(shape, bool), np.zeros((*shape, 2))
    for at in np.ndindex(shape):
        found, point, normal, *_ = scene.ray_cast(depsgraph, origins[at], directions[at])
        if not found:
            continue
        hit[at] = True
        towards_side = np.dot(np.array(normal), directions[at])
        where, _ = source.project(np.array(point))
        pixels[at] = where
        visible[at] = _seen(scene, depsgraph, source, np.array(point), np.array(normal) * -np.sign(towards_side))
    return SideView(hit, visible, pixels)


def _seen(scene, depsgraph, source: Camera, point: np.ndarray, normal: np.ndarray) -> bool:
    """Whether the source camera sees ``point`` from the side that ``normal`` looks to."""
    where, depth = source.project(point)
    inside = (where >= 0.5).all() and (where <= np.array([source.width, source.height]) - 0.5).all()
    if depth <= 0 or not inside:
        return False
    origin, direction = source.matrix_world[:3, 3], point - source.matrix_world[:3, 3]
    if source.type == "ORTHO":
        direction = -source.matrix_world[:3, 2] * depth
        origin = point - direction
    if np.dot(direction, normal) >= 0:
        return False
    found, met, *_ = scene.ray_cast(depsgraph, origin, direction)
    distance = np.linalg.norm(direction)
    return bool(found and abs(np.linalg.norm(np.array(met) - origin) - distance) < NEAR * distance)


def neighbourhood(picture: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lowest, highest) colours of the 3×3 picture pixels around each place: int H×W×3 each."""
    height, width = picture.shape[:2]
    x = np.clip(np.floor(np.nan_to_num(pixels[..., 0])).astype(int), 0, width - 1)
    y = np.clip(np.floor(np.nan_to_num(pixels[..., 1])).astype(int), 0, height - 1)
    around = [
        picture[np.clip(y + j, 0, height - 1), np.clip(x + i, 0, width - 1)].astype(int)
        for j in (-1, 0, 1)
        for i in (-1, 0, 1)
    ]
    return np.min(around, axis=0), np.max(around, axis=0)
