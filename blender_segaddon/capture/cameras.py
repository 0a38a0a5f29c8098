"""A Blender camera as the plain numbers of ``core.camera``."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.camera import Camera
from ..protocol.errors import SceneError


def check_camera(camera: bpy.types.Object) -> None:
    """Raises SceneError for what is no camera, and for lenses whose maps could not be used."""
    if camera.type != "CAMERA":
        raise SceneError(f"{camera.name!r} is no camera", "Choose a camera object")
    data = camera.data
    if data.type not in ("PERSP", "ORTHO", "PANO"):
        raise SceneError(f"Camera {camera.name!r} has the type {data.type}", "Use perspective, orthographic, panoramic")
    if data.type == "PANO" and panorama(data).panorama_type != "EQUIRECTANGULAR":
        raise SceneError(
            f"Camera {camera.name!r} has the panorama type {panorama(data).panorama_type}",
            "Set it to Equirectangular in the camera's lens settings",
        )


def panorama(data: bpy.types.Camera) -> Any:
    """Where the panorama settings are: on the camera since Blender 5.0, before that in Cycles' settings."""
    return data if hasattr(data, "panorama_type") else data.cycles


def read_camera(depsgraph: bpy.types.Depsgraph, size: tuple[int, int]) -> Camera:
    """The camera of an evaluated scene, for a picture of ``size`` (width, height) with the scene's pixel aspect."""
    width, height = size
    camera, render = depsgraph.scene_eval.camera, depsgraph.scene_eval.render
    data, pano = camera.data, panorama(camera.data)
    projection = np.eye(4)
    if data.type != "PANO":
        projection = np.array(
            camera.calc_matrix_camera(
                depsgraph, x=width, y=height, scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y
            ),
            np.float64,
        )
    matrix = np.array(camera.matrix_world, np.float64)
    matrix[:3, :3] /= np.linalg.norm(matrix[:3, :3], axis=0)
    return Camera(
        type=data.type,
        width=width,
        height=height,
        clip_start=data.clip_start,
        clip_end=data.clip_end,
        matrix_world=matrix,
        projection_matrix=projection,
        name=camera.original.name,
        pano_range=(pano.latitude_min, pano.latitude_max, pano.longitude_min, pano.longitude_max),
    )
