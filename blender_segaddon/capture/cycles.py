"""The exact engine: one render by Cycles in which every pixel says which instance it shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy
import numpy as np

from ..core.camera import Camera
from .cameras import read_camera
from .ids_engine import Job, run
from .instances import Row, collect, decode, number_objects
from .scene_copy import INDEX_PASS, KEY_PASS, NORMAL_PASS, scene_copy
from .shaders import use_stand_in, write_ids
from .shot import Shot, View
from .transparency import Transparency

NAME = "cycles"

_FAR = 1e9
"""scene units; Cycles writes 1e10 where it hits nothing"""


def shoot(view: View) -> Shot:
    """See ``shot``. Raises CaptureError if Blender does not render."""
    evaluated = _Evaluated(view.size)
    job = Job(evaluated.prepare, cancelled=view.cancelled)
    with scene_copy(view.scene, view.view_layer, view.camera, view.size) as copy:
        evaluated.stand_in = copy.stand_in
        run(job, copy.scene, copy.view_layer)
    view.check_cancelled()
    return _decode(job.passes, evaluated)


@dataclass
class _Evaluated:
    """What is read from the evaluated scene while it is there."""

    size: tuple[int, int]
    stand_in: bpy.types.Material | None = None
    rows: list[Row] = field(default_factory=list)
    camera: Camera | None = None

    def prepare(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Make the evaluated scene show ids, and note what stands in it."""
        transparency = Transparency()
        for one in depsgraph.ids:
            if isinstance(one, bpy.types.Material):
                write_ids(one, transparency)
            elif isinstance(one, bpy.types.Object):
                one.is_holdout = one.is_shadow_catcher = False
            elif isinstance(one, bpy.types.Camera):
                one.dof.use_dof = False
        number_objects(depsgraph)
        use_stand_in(depsgraph, self.stand_in.evaluated_get(depsgraph))
        self.camera = read_camera(depsgraph, self.size)
        self.rows = collect(depsgraph)


def _decode(passes: dict[str, np.ndarray], evaluated: _Evaluated) -> Shot:
    depth = np.ascontiguousarray(passes["Depth"][..., 0])
    keys = np.concatenate([passes[KEY_PASS][..., :3], passes[INDEX_PASS]], axis=-1)
    shown = decode(keys, depth < _FAR, evaluated.rows)
    depth[shown < 0] = np.inf
    normal = _camera_normals(passes[NORMAL_PASS][..., :3], shown >= 0, evaluated.camera)
    return Shot(evaluated.rows, shown, depth, normal, evaluated.camera, NAME)


def _camera_normals(normal: np.ndarray, seen: np.ndarray, camera: Camera) -> np.ndarray:
    """World → camera space, unit length, 0 on the background: float32 H×W×3."""
    turned = normal @ camera.matrix_world[:3, :3].astype(np.float32)
    length = np.linalg.norm(turned, axis=-1, keepdims=True)
    return np.divide(turned, length, out=np.zeros_like(turned), where=seen[..., None] & (length > 0))
