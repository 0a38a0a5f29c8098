"""Small scenes for the preview's tests, ray cast in numpy: boxes on a ground."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from blender_segaddon.core import preview
from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import SceneMaps

_TABLE = Path(preview.__file__).parent.parent / "vocabularies" / "ade20k.csv"
with _TABLE.open(encoding="utf-8", newline="") as _file:
    NAMES = tuple(row["name"] for row in csv.DictReader(_file))

Box = tuple[str, tuple[float, float, float], tuple[float, float, float]]
"""class, lower corner, upper corner; metres, z up; the camera looks along +y"""


def camera(width: int, height: int, eye: tuple[float, float, float]) -> Camera:
    projection = np.diag([1.2, 1.2 * width / height, -1.0, 0.0])
    projection[2, 3], projection[3, 2] = -0.2, -1.0
    matrix = np.array([[1, 0, 0, eye[0]], [0, 0, -1, eye[1]], [0, 1, 0, eye[2]], [0, 0, 0, 1]], float)
    return Camera("PERSP", width, height, 0.1, 1000.0, matrix, projection)


def cast(boxes: list[Box], width: int, height: int, eye: tuple[float, float, float] = (0, 0, 1.7)) -> SceneMaps:
    """Maps of axis-aligned boxes, also from within a box; background sky."""
    view = camera(width, height, eye)
    ray = view.rays() @ view.matrix_world[:3, :3].T
    ray = np.where(np.abs(ray) < 1e-9, 1e-9, ray)
    depth, axis = np.full((height, width), np.inf), np.zeros((height, width), int)
    ids, classes = np.zeros((height, width), np.uint32), np.full((height, width), NAMES.index("sky"), np.uint16)
    for number, (name, low, high) in enumerate(boxes, 1):
        first, second = ((np.array(corner) - eye) / ray for corner in (low, high))
        near, far = np.minimum(first, second), np.maximum(first, second)
        enter, leave = near.max(-1), far.min(-1)
        inside = enter < 0
        reach = np.where(inside, leave, enter)
        hit = (enter <= leave) & (leave > 0) & (reach < depth)
        side = np.where(inside, far.argmin(-1), near.argmax(-1))
        depth, axis = np.where(hit, reach, depth), np.where(hit, side, axis)
        ids[hit], classes[hit] = number, NAMES.index(name)
    world = -np.sign(np.take_along_axis(ray, axis[..., None], -1)) * np.eye(3)[axis]
    normal = np.where(np.isfinite(depth)[..., None], world @ view.matrix_world[:3, :3], 0)
    return SceneMaps(ids, classes, depth.astype(np.float32), normal.astype(np.float32), (), view)


def street(width: int, height: int) -> SceneMaps:
    boxes: list[Box] = [
        ("road", (-3, -5, -1), (3, 80, 0)),
        ("sidewalk", (-6, -5, -1), (-3, 80, 0.15)),
        ("sidewalk", (3, -5, -1), (6, 80, 0.15)),
        ("building", (-14, 3, 0), (-6, 24, 9)),
        ("building", (6, 5, 0), (14, 30, 8)),
        ("car", (-2.4, 9, 0.2), (-0.6, 13, 1.6)),
        ("tree", (3.4, 11, 0), (5.6, 13, 6)),
        ("person", (1.9, 8, 0), (2.4, 8.3, 1.75)),
    ]
    return cast(boxes, width, height)


def room(width: int, height: int) -> SceneMaps:
    boxes: list[Box] = [
        ("wall", (-3, -1, 0), (3, 6, 2.7)),
        ("floor", (-3, -1, -0.1), (3, 6, 0.01)),
        ("ceiling", (-3, -1, 2.69), (3, 6, 2.8)),
        ("windowpane", (-1, 5.9, 0.9), (1, 6, 2.2)),
        ("sofa", (-2.6, 3.6, 0), (-0.4, 4.5, 0.85)),
        ("table", (0.5, 3, 0), (1.7, 3.8, 0.75)),
        ("painting", (2.95, 3, 1.2), (3, 4.2, 2)),
    ]
    return cast(boxes, width, height)


def empty(width: int, height: int) -> SceneMaps:
    return cast([], width, height)
