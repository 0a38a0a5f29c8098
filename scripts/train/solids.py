"""Boxes, ellipsoids and cones seen by a camera: exact maps of them, by rays, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from blender_segaddon.core import vocabulary as vocabularies
from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import Instance, SceneMaps

_F = np.float32
_FAR = _F(np.inf)
_NEAR = _F(1e-3)

Rays = tuple[np.ndarray, np.ndarray]
"""origin float32 3 and directions float32 N×3, in the solid's own axes"""


@dataclass(frozen=True)
class Solid:
    """One solid; several may make up one thing."""

    kind: Literal["box", "ellipsoid", "cone"]
    centre: tuple[float, float, float]
    """metres, z up"""
    half: tuple[float, float, float]
    """half its size along its own axes; a cone stands with its tip at the top"""
    yaw: float = 0.0
    """radians about z"""


@dataclass(frozen=True)
class Thing:
    """What has one id and one class."""

    class_name: str
    solids: tuple[Solid, ...]


def look(eye: Sequence[float], target: Sequence[float], fov: float, size: tuple[int, int]) -> Camera:
    """A camera at ``eye`` that looks at ``target``; ``fov`` in radians over the picture's longer side.

    Args:
        size: (width, height) in pixels.
    """
    back = np.subtract(eye, target).astype(float)
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    world = np.eye(4)
    world[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    world[:3, 3] = eye
    width, height = size
    focal = 1 / np.tan(fov / 2)
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = focal * max(size) / width, focal * max(size) / height
    projection[2, 2], projection[2, 3], projection[3, 2] = -1.0, -0.2, -1.0
    return Camera("PERSP", width, height, 0.1, 1000.0, world, projection)


def capture(things: Sequence[Thing], camera: Camera, background: str = "sky") -> SceneMaps:
    """The maps of these things, as the add-on's capture gives them; only what is seen has an id."""
    directions = (camera.rays() @ camera.matrix_world[:3, :3].T).astype(_F)
    depth = np.full(directions.shape[:2], _FAR)
    normal = np.zeros(directions.shape, _F)
    owner = np.zeros(directions.shape[:2], np.int32)
    for number, thing in enumerate(things, 1):
        for solid in thing.solids:
            part = _part(solid, camera)
            shape = directions[part].shape
            distance, facing = _hit(solid, camera.matrix_world[:3, 3], directions[part].reshape(-1, 3))
            distance, facing = distance.reshape(shape[:2]), facing.reshape(shape)
            nearer = distance < depth[part]
            depth[part][nearer], owner[part][nearer], normal[part][nearer] = distance[nearer], number, facing[nearer]
    return _maps(things, camera, background, depth, normal @ camera.matrix_world[:3, :3].astype(_F), owner)


def _part(solid: Solid, camera: Camera) -> tuple[slice, slice]:
    """The rows and columns in which a solid may be seen: those of its bounding box."""
    signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), axis=-1).reshape(8, 3)
    corners = signs * solid.half @ _turn(solid).T + solid.centre
    pixels, depth = camera.project(corners)
    if depth.min() < camera.clip_start:
        return slice(None), slice(None)
    low = np.clip(np.floor(pixels.min(axis=0)), 0, (camera.width, camera.height)).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)), 0, (camera.width, camera.height)).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _turn(solid: Solid) -> np.ndarray:
    """float64 3×3: own axes → world."""
    c, s = np.cos(solid.yaw), np.sin(solid.yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _maps(
    things: Sequence[Thing], camera: Camera, background: str, depth: np.ndarray, normal: np.ndarray, owner: np.ndarray
) -> SceneMaps:
    known = vocabularies.load("ade20k")
    shape = (camera.height, camera.width)
    seen, ids = np.unique(owner, return_inverse=True)
    if seen[0] != 0:
        seen, ids = np.concatenate([[0], seen]), ids + 1
    names = [background, *(things[number - 1].class_name for number in seen[1:])]
    classes = np.array([known.find(name).id for name in names], np.uint16)  # pyright: ignore[reportOptionalMemberAccess]
    ids = ids.reshape(shape).astype(np.uint32)
    pixels = np.bincount(ids.ravel(), minlength=len(seen))
    instances = tuple(
        Instance(
            number,
            f"{name}.{number:03}",
            tuple(np.eye(4).ravel()),
            name,
            int(classes[number]),
            "object name",
            "",
            int(pixels[number]),
            (0, 0, 0, 0),
        )
        for number, name in enumerate(names)
        if number
    )
    return SceneMaps(
        instance_map=ids,
        class_map=classes[ids],
        depth=depth.reshape(shape).astype(_F),
        normal=normal.reshape(*shape, 3).astype(_F),
        instances=instances,
        camera=camera,
        background=background,
    )


def _hit(solid: Solid, eye: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distance N in units of the direction, inf where missed; outward normal N×3 in the world)."""
    turn = _turn(solid).astype(_F)
    half = np.asarray(solid.half, _F)
    rays = ((eye - solid.centre).astype(_F) @ turn / half, directions @ turn / half)  # a unit solid
    distance, facing = {"box": _box, "ellipsoid": _ball, "cone": _cone}[solid.kind](rays)
    facing = facing / half
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), _F(1e-9))
    return distance, facing @ turn.T


def _box(rays: Rays) -> tuple[np.ndarray, np.ndarray]:
    origin, direction = rays
    safe = np.where(np.abs(direction) < 1e-9, _F(1e-9), direction)
    first, second = (-1 - origin) / safe, (1 - origin) / safe
    near, far = np.minimum(first, second), np.maximum(first, second)
    enter, leave = near.max(axis=1), far.min(axis=1)
    inside = enter < _NEAR
    distance = np.where(inside, leave, enter)
    hit = (enter <= leave) & (distance > _NEAR)
    axis = np.where(inside, far.argmin(axis=1), near.argmax(axis=1))
    rows = np.arange(len(direction))
    facing = np.zeros_like(direction)
    facing[rows, axis] = -np.sign(safe[rows, axis])
    return np.where(hit, distance, _FAR), facing


def _ball(rays: Rays) -> tuple[np.ndarray, np.ndarray]:
    origin, direction = rays
    a = (direction * direction).sum(axis=1)
    b = direction @ origin
    root = b * b - a * (origin @ origin - 1)
    distance = (-b - np.sqrt(np.maximum(root, 0))) / a
    hit = (root > 0) & (distance > _NEAR)
    return np.where(hit, distance, _FAR), origin + direction * distance[:, None]


def _cone(rays: Rays) -> tuple[np.ndarray, np.ndarray]:
    """x² + y² = (1 - z)²/4 for z in -1..1; it stands on the ground, so that its base is not drawn."""
    origin, direction = rays
    rise, fall = 1 - origin[2], -direction[:, 2]
    a = direction[:, 0] ** 2 + direction[:, 1] ** 2 - fall**2 / 4
    b = direction[:, 0] * origin[0] + direction[:, 1] * origin[1] - rise * fall / 4
    c = origin[0] ** 2 + origin[1] ** 2 - rise**2 / 4
    root = np.sqrt(np.maximum(b * b - a * c, 0))
    safe = np.where(np.abs(a) < 1e-9, _F(1e-9), a)
    best = np.full(len(direction), _FAR)
    for sign in (-1, 1):
        distance = (-b + sign * root) / safe
        z = origin[2] + direction[:, 2] * distance
        hit = (b * b > a * c) & (distance > _NEAR) & (np.abs(z) < 1)
        best = np.where(hit & (distance < best), distance, best)
    with np.errstate(invalid="ignore"):
        place = origin + direction * np.where(np.isfinite(best), best, 0)[:, None]
    facing = np.stack([place[:, 0], place[:, 1], (1 - place[:, 2]) / 4], axis=1)
    return best, facing
