"""The fallback engine: only what Blender documents, so that it works where the exact engine's way is closed.

An ordinary render by Cycles with the passes Cryptomatte (Object), Depth and Normal, through an OpenEXR file. Nothing
of the user's is changed for it. All instances of an object share one id, as do objects of one name from two libraries;
normals have their bump.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from ..core.camera import Camera
from ..core.cryptomatte import name_hash
from ..core.exr_reading import read_channels
from ..protocol.errors import CaptureError
from .cameras import read_camera
from .ids_engine import check_idle, render_quietly, result_kept
from .instances import Row
from .scene_copy import SceneCopy, scene_copy
from .shot import Shot, View

NAME = "passes"

_FAR = 1e9
"""scene units; Cycles writes 1e10 where it hits nothing"""
_NOTE = "All instances of an object share one id: this Blender does not allow exact captures"


def shoot(view: View) -> Shot:
    """See ``shot``. Raises CaptureError if Blender does not render."""
    check_idle()
    view.check_cancelled()
    with (
        result_kept(),
        _sharp(view.camera) as camera,
        scene_copy(view.scene, view.view_layer, camera, view.size) as copy,
    ):
        copy.scene.collection.objects.link(camera)
        _set_passes(copy.scene, copy.view_layer)
        channels = _rendered(copy.scene, copy.view_layer)
        seen_by = _camera(copy, view)
    view.check_cancelled()
    return _shot(channels, _rows(), seen_by)


def _shot(channels: dict[str, np.ndarray], rows: list[Row], seen_by: Camera) -> Shot:
    depth = np.ascontiguousarray(_channel(channels, "Depth.Z"))
    hashes = np.ascontiguousarray(_channel(channels, "CryptoObject00.r")).view(np.uint32)
    shown = np.where(depth < _FAR, _found(hashes, rows), -1)
    depth[shown < 0] = np.inf
    world = np.stack([_channel(channels, f"Normal.{axis}") for axis in "XYZ"], axis=-1)
    normal = world @ seen_by.matrix_world[:3, :3].astype(np.float32)
    normal[shown < 0] = 0.0
    return Shot(rows, shown, depth, normal, seen_by, NAME, (_NOTE,))


def _camera(copy: SceneCopy, view: View) -> Camera:
    layer = copy.scene.view_layers[copy.view_layer]
    layer.update()
    return replace(read_camera(layer.depsgraph, view.size), name=view.camera.name)


@contextmanager
def _sharp(camera: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """A copy of a camera without depth of field."""
    copy, data = camera.copy(), camera.data.copy()
    try:
        copy.data, data.dof.use_dof = data, False
        yield copy
    finally:
        bpy.data.objects.remove(copy)
        bpy.data.cameras.remove(data)


def _rows() -> list[Row]:
    """Every object of the file, in the order of ``Row.order``."""
    rows = (Row(one, None, (), _numbers(one), (0.0, 0.0, 0.0), 0) for one in bpy.data.objects)
    return sorted(rows, key=lambda row: row.order)


def _numbers(one: bpy.types.Object) -> tuple[float, ...]:
    return tuple(value for line in one.matrix_world for value in line)


def _found(hashes: np.ndarray, rows: list[Row]) -> np.ndarray:
    """int32, which row's name has each hash (uint32); -1 for none."""
    table = np.array([name_hash(row.object.name) for row in rows], np.uint32)
    names, first = np.unique(table, return_index=True)
    place = np.minimum(np.searchsorted(names, hashes), len(names) - 1)
    return np.where(names[place] == hashes, first[place], -1).astype(np.int32)


def _set_passes(scene: bpy.types.Scene, view_layer: str) -> None:
    layer = scene.view_layers[view_layer]
    while layer.aovs:
        layer.aovs.remove(layer.aovs[0])
    layer.use_pass_cryptomatte_object = layer.use_pass_normal = True
    layer.pass_cryptomatte_depth = 2
    scene.render.engine = "CYCLES"
    scene.render.use_persistent_data = False
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"


def _rendered(scene: bpy.types.Scene, view_layer: str) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory(prefix="segaddon-") as folder:
        path = Path(folder, "maps.exr")
        scene.render.filepath = str(path)
        scene.render.use_file_extension = False
        render_quietly(scene, view_layer, write_still=True)
        return read_channels(path)


def _channel(channels: dict[str, np.ndarray], wanted: str) -> np.ndarray:
    """By its name without the view layer's."""
    for name, values in channels.items():
        if name.lower().endswith(f".{wanted.lower()}"):
            return values
    raise CaptureError(f"Blender's render has no pass {wanted}", f"It has: {', '.join(sorted(channels))}")
