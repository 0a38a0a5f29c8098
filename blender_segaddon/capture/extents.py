"""Where the things of a scene are: the boxes that a framing camera has to show."""

from __future__ import annotations

import bpy
import numpy as np

from .ids_engine import Job, registered, run
from .instances import world_matrices
from .moment import moment
from .scene_copy import scene_copy

_SOLID = {"MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD"}


def renderable_boxes(scene: bpy.types.Scene, view_layer: str, camera: bpy.types.Object) -> np.ndarray:
    """World-space corners of everything that a render shows: float64 N×8×3. ``camera`` only lets Blender start."""
    boxes: list[np.ndarray] = []

    def visit(depsgraph: bpy.types.Depsgraph) -> bool:
        for one, matrix in zip(depsgraph.object_instances, world_matrices(depsgraph), strict=True):
            if one.show_self and one.object.type in _SOLID and one.object.visible_camera:
                corners = np.array(one.object.bound_box, np.float64)
                if np.ptp(corners, axis=0).max() > 0:
                    boxes.append(corners @ matrix[:3, :3].T + matrix[:3, 3])
        return False

    with registered(), scene_copy(scene, view_layer, camera, (8, 8)) as copy:
        run(Job(visit, moment(scene)), copy.scene, copy.view_layer)
    return np.array(boxes).reshape(-1, 8, 3)


def content(boxes: np.ndarray) -> np.ndarray:
    """The boxes without sky domes, endless grounds and things that lie far off: M×8×3, M >= 1."""
    boxes = _without_giants(_without_sky(boxes))
    if len(boxes) < 10:
        return boxes
    centres = boxes.mean(axis=1)
    distance = np.linalg.norm(centres - np.median(centres, axis=0), axis=1)
    return boxes[distance <= 4 * np.percentile(distance, 90) + 1e-9]


def _without_sky(boxes: np.ndarray) -> np.ndarray:
    """Leave out a shell around everything else that reaches far below it: nothing stands on the floor of a sky."""
    low, high = boxes.min(axis=1), boxes.max(axis=1)
    for index in range(len(boxes)):
        others = np.arange(len(boxes)) != index
        if not others.any():
            break
        floor = low[others, 2].min()
        around = (low[index] < low[others].min(axis=0)).all() and (high[index] > high[others].max(axis=0)).all()
        if around and floor - low[index, 2] > 0.15 * (high[index, 2] - low[index, 2]):
            return boxes[others]
    return boxes


def _without_giants(boxes: np.ndarray) -> np.ndarray:
    """Leave out what is more than three times as large as all that is smaller together."""
    size = np.linalg.norm(np.ptp(boxes, axis=1), axis=1)
    boxes = boxes[np.argsort(size)]
    low = np.minimum.accumulate(boxes.min(axis=1))
    high = np.maximum.accumulate(boxes.max(axis=1))
    together = np.linalg.norm(high - low, axis=1)
    sizes = np.sort(size)
    jumps = np.flatnonzero(sizes[1:] > 3 * together[:-1])
    return boxes[: jumps[0] + 1] if len(jumps) and jumps[0] >= _few(len(boxes)) else boxes


def _few(count: int) -> int:
    """The smallest things alone (the screws) are no scene: at least half of all must stay."""
    return (count - 1) // 2
