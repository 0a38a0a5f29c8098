"""The camera of a capture as a Blender camera again: also when the scene's own was moved or deleted since."""

from __future__ import annotations

import bpy
from mathutils import Matrix

from ..core.camera import Camera
from .cameras import panorama
from .framing import remove_camera

__all__ = ["remove_camera", "stored_camera"]


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
