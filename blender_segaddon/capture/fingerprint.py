"""What a scene looks like to a render, in one line: cheap enough to take at every render."""

from __future__ import annotations

import hashlib

import bpy
import numpy as np

from ..core.renders import Fingerprint
from .cameras import panorama
from .scene_maps import render_size

_LENS = (
    "type",
    "lens",
    "ortho_scale",
    "sensor_width",
    "sensor_height",
    "sensor_fit",
    "shift_x",
    "shift_y",
    "clip_start",
    "clip_end",
)
_PANORAMA = ("latitude_min", "latitude_max", "longitude_min", "longitude_max")


def fingerprint(scene: bpy.types.Scene) -> Fingerprint:
    """Of the scene as it stands: frame, camera, size, and where its objects are. Does not see into meshes or nodes."""
    width, height = render_size(scene)
    return Fingerprint(
        scene=scene.name,
        frame=scene.frame_current,
        subframe=scene.frame_subframe,
        camera=scene.camera.name if scene.camera else "",
        width=width,
        height=height,
        state=_state(scene),
    )


def _state(scene: bpy.types.Scene) -> str:
    objects = scene.objects
    places = np.empty(16 * len(objects), np.float32)
    hidden = np.empty(len(objects), bool)
    objects.foreach_get("matrix_world", places)
    objects.foreach_get("hide_render", hidden)
    names = [f"{one.name}\0{one.data.name if one.data else ''}" for one in objects]
    text = repr((names, _lens(scene.camera), scene.render.engine))
    data = text.encode("utf-8", "surrogateescape") + places.tobytes() + hidden.tobytes()
    return hashlib.sha256(data).hexdigest()


def _lens(camera: bpy.types.Object | None) -> tuple[object, ...]:
    if camera is None or camera.type != "CAMERA":
        return ()
    data = camera.data
    values = [getattr(data, name) for name in _LENS] + [getattr(panorama(data), name) for name in _PANORAMA]
    return (*values, data.dof.use_dof, data.dof.focus_distance, data.dof.aperture_fstop)
