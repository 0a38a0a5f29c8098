"""The camera of a capture as a Blender camera again: also when the scene's own was moved or deleted since."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix

from ..core.camera import Camera
from .cameras import panorama, read_camera
from .framing import remove_camera

__all__ = ["is_seen_through", "remove_camera", "stored_camera"]
_CLOSE = 1e-4
"""Difference of a matrix' number that nobody sees, as a share of the largest one."""


def stored_camera(camera: Camera, name: str = "Capture Camera") -> bpy.types.Object:
    """A new camera object, in no collection yet, that sees what ``camera`` saw (at its width to height)."""
    data = bpy.data.cameras.new(name)
    data.type, data.sensor_fit = camera.type, "HORIZONTAL"
    data.clip_start, data.clip_end = camera.clip_start, camera.clip_end
    if camera.type == "PANO":
        _set_panorama(data, camera)
    else:
        _set_frame(data, camera)
    one = bpy.data.objects.new(name, data)
    one.matrix_world = Matrix(camera.matrix_world.tolist())
    return one


def _set_frame(data: bpy.types.Camera, camera: Camera) -> None:
    p = camera.projection_matrix
    ortho = camera.type == "ORTHO"
    column = 3 if ortho else 2
    sign = -0.5 if ortho else 0.5
    data.shift_x = sign * p[0, column]
    data.shift_y = sign * p[1, column] * p[0, 0] / p[1, 1]  # both are shares of the width
    if ortho:
        data.ortho_scale = 2 / p[0, 0]
    else:
        data.lens = p[0, 0] * data.sensor_width / 2


def _set_panorama(data: bpy.types.Camera, camera: Camera) -> None:
    lens = panorama(data)
    lens.panorama_type = "EQUIRECTANGULAR"
    names = ("latitude_min", "latitude_max", "longitude_min", "longitude_max")
    for name, value in zip(names, camera.pano_range, strict=True):
        setattr(lens, name, value)


def is_seen_through(scene: bpy.types.Scene, camera: Camera) -> bool:
    """Whether the scene's camera still sees what ``camera`` saw."""
    if scene.camera is None:
        return False
    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        now = read_camera(bpy.context.evaluated_depsgraph_get(), (camera.width, camera.height))
    pairs = ((now.matrix_world, camera.matrix_world), (now.projection_matrix, camera.projection_matrix))
    near = all(np.abs(a - b).max() <= _CLOSE * max(1.0, float(np.abs(b).max())) for a, b in pairs)
    return near and now.type == camera.type and np.allclose(now.pano_range, camera.pano_range)
