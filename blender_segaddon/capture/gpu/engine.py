"""The engine that rasterises: quick, where the scene is opaque; see ``shot`` for what an engine is.

What a render shows is asked of Blender as for Cycles (a depsgraph made for rendering), so that visibility, subdivision
and the numbers of the instances are the same. Alpha, hair and points are not seen; the notes name them.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, field

import bpy
import numpy as np

from ...core.camera import Camera
from ...protocol.errors import SceneError
from ..cameras import read_camera
from ..ids_engine import Job, registered, run
from ..instances import Row, collect
from ..moment import moment
from ..scene_copy import scene_copy
from ..shot import Shot, View
from .canvas import Canvas, Crowd, Viewpoint
from .context import check_can_draw
from .shapes import Shapes
from .stage import render_stage

log = logging.getLogger(__name__)

NAME = "gpu"

_PIECE = 1 << 20
"""pixels that are read at once where a window waits"""


def shoot(view: View) -> Shot:
    """See ``shot``. Raises SceneError for panoramas, CaptureError where there is no GPU context to be had."""
    shot = look(view)
    for note in shot.notes:
        log.warning(note)
    return shot


def look(view: View, normals: bool = True) -> Shot:
    """As ``shoot``; what is not exact is only in the notes. Without ``normals`` they are 0, and it is quicker."""
    if view.camera.data.type == "PANO":
        raise SceneError(f"The gpu engine draws no panorama as of {view.camera.name!r}", "Use the engine 'cycles'")
    check_can_draw()
    seen = _Seen(view.size, normals)
    with registered(with_gpu=True), scene_copy(view.scene, view.view_layer, view.camera, view.size) as copy:
        run(Job(seen.visit, moment(view.scene)), copy.scene, copy.view_layer)
    view.check_cancelled()
    shown, depth, normal = seen.maps
    return Shot(seen.rows, shown, depth, normal, seen.camera, NAME, seen.notes)


def keys_in_pieces(view: View, keys: np.ndarray, depth: np.ndarray) -> Generator[None, None, bool]:
    """Draw a view, and between yields read it line by line: for a window that must not wait. Gives whether it is exact;
    where not, nothing is read.

    Args:
        keys, depth: float32 H×W each, to be filled: Object Info Random, 0 for background; scene units, inf for that.
    """
    check_can_draw()
    seen = _Seen(view.size, normals=False, reads=False)
    with registered(with_gpu=True), scene_copy(view.scene, view.view_layer, view.camera, view.size) as copy:
        run(Job(seen.visit, moment(view.scene)), copy.scene, copy.view_layer)
    yield
    if seen.notes or seen.canvas is None:
        return False
    known = np.array([0.0, *(row.key[0] for row in seen.rows)], np.float32)
    step = max(_PIECE // view.size[0], 1)
    for top in range(0, view.size[1], step):
        lines = slice(top, min(top + step, view.size[1]))
        ids, found = seen.canvas.read_lines(top, lines.stop - top)
        keys[lines] = known[ids]
        depth[lines] = np.where(ids == 0, np.float32(np.inf), found)
        yield
    return True


@dataclass
class _Seen:
    """What is drawn of the evaluated scene while it is there."""

    size: tuple[int, int]
    normals: bool
    reads: bool = True
    """else ``canvas`` is left to be read"""
    canvas: Canvas | None = None
    rows: list[Row] = field(default_factory=list)
    camera: Camera | None = None
    maps: tuple[np.ndarray, np.ndarray, np.ndarray] | tuple[()] = ()
    notes: tuple[str, ...] = ()

    def visit(self, depsgraph: bpy.types.Depsgraph) -> bool:
        self.camera = read_camera(depsgraph, self.size)
        self.rows = collect(depsgraph)
        stage = render_stage(depsgraph, self.rows, Shapes(self.normals))
        self.notes = stage.notes
        if self.reads:
            self.maps = draw_maps(stage.crowd, self.camera, self.normals)
        elif not self.notes:
            self.canvas = drawn(stage.crowd, self.camera, self.normals)
        return False  # Cycles has nothing to render


def draw_maps(crowd: Crowd, camera: Camera, normals: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(id - 1 as int32 H×W, depth float32 H×W with inf for -1, normal float32 H×W×3) of what a camera sees."""
    ids, depth, *rest = drawn(crowd, camera, normals).read()
    nothing = ids == 0
    depth[nothing] = np.inf
    normal = rest[0] if rest else np.broadcast_to(np.float32(0), (*ids.shape, 3))
    if rest:
        normal[nothing] = 0.0
    return ids.view(np.int32) - 1, depth, normal


def drawn(crowd: Crowd, camera: Camera, normals: bool) -> Canvas:
    """What a camera sees, to be read."""
    canvas = Canvas(camera.width, camera.height, depth=True, normals=normals)
    view = np.linalg.inv(camera.matrix_world)
    canvas.draw(crowd, Viewpoint(view, camera.projection_matrix, camera.width, camera.height, _clip_end(camera)))
    return canvas


def _clip_end(camera: Camera) -> float:
    return camera.clip_end if camera.type == "PERSP" else np.inf
