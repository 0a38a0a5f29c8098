"""The exact engine: a render by Cycles in which every pixel says which instance it shows.

The picture is rendered in bands of lines, so that a cancel is heard soon and memory does not grow with the picture;
the scene is evaluated and built once for all bands, and for all views of one ``Session``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from ..core.camera import Camera
from ..core.maps import Inexact
from .cameras import read_camera
from .evaluated import write_objects
from .ids_engine import Job, registered, run
from .inexact import inexact_materials, inexact_objects, inexact_pixels, inexact_rows
from .instances import Row, collect, decode, number_objects
from .moment import moment
from .scene_copy import SceneCopy, scene_copy, set_band, set_view
from .shaders import use_stand_in, write_ids
from .shot import MissingInternals, Shot, View
from .transparency import Transparency
from .writer import FACE_PASS, INDEX_PASS, KEY_PASS, MATERIAL_PASS, NORMAL_PASS, PASSES

log = logging.getLogger(__name__)

NAME = "cycles"

FAR = 1e9
"""scene units; Cycles writes 1e10 where it hits nothing"""
_ONE_BAND = 3 << 18
"""pixels; pictures up to this size are not cut"""
_FIRST_BAND = 1 << 17
"""pixels; small, since it also waits for the build of the scene"""
_BAND_SECONDS = 0.15
"""wanted for each later band: what a cancel waits for"""
_MOST_VISITS = 3
"""evaluations before the first render; one that is disturbed still renders right, but is built again for the next"""
_TURNED = 1 << 16
"""normals at a time: they stay in the processor's cache"""
_BAND_LIMIT = 1 << 19
"""pixels"""


def shoot(view: View) -> Shot:
    """See ``shot``. Raises CaptureError if Blender does not render, MissingInternals."""
    with session(view, once=is_one_band(view.size)) as opened:
        return opened.shoot(view)


@contextmanager
def session(view: View, *, once: bool = False, sharp: bool = True) -> Iterator[Session]:
    """For several views of one scene between which nothing but cameras and sizes change: it is built once.

    No script of the user's may run meanwhile: changes that Blender is not told of are not seen.

    Args:
        view: the first one.
        once: there will be one render only.
        sharp: without depth of field, at the shutter's middle; False: at the frame itself.
    """
    with registered(), scene_copy(view.scene, view.view_layer, view.camera, view.size, soft=not sharp) as copy:
        yield Session(copy, moment(view.scene, sharp), once, sharp)


class Session:
    """What is kept between the renders of one scene."""

    def __init__(self, copy: SceneCopy, frame: float, once: bool = False, sharp: bool = True) -> None:
        self.copy, self.frame = copy, frame
        self.rows: list[Row] = []
        """all instances, once the scene was evaluated"""
        self.materials: dict[bpy.types.Material, int] = {}
        """the user's own, and their numbers from 1 up"""
        self.inexact: tuple[Inexact, ...] = ()
        """of the scene, once it was evaluated"""
        self._view: View | None = None
        self._camera: Camera | None = None
        self._visits = 0
        self._sharp = sharp
        self._most_visits = 1 if once else _MOST_VISITS

    def shoot(self, view: View) -> Shot:
        """``view`` of the scene that the session was opened for. Cancel is heard between bands of lines."""
        self.begin(view)
        plate = Plate(view.size)
        for top, lines in bands(view.size):
            view.check_cancelled()
            plate.develop(top, self.render(top, lines), self.rows)
        view.check_cancelled()
        return self.shot(plate)

    def begin(self, view: View) -> None:
        """Set the camera and size that the next bands are of."""
        self._view, self._camera = view, None
        set_view(self.copy.scene, view.camera, view.size)

    def job(self, top: int, lines: int) -> Job:
        """The render of a band, to be run with ``copy.scene``; ``rendered`` stays False if it has to be run again."""
        set_band(self.copy.scene, self._view.size[1], top, lines)
        return Job(self.visit, self.frame)

    def shot(self, plate: Plate) -> Shot:
        """After all bands are developed."""
        plate.turn_normals(self._camera)
        return Shot(
            rows=self.rows,
            shown=plate.shown,
            depth=plate.depth,
            normal=plate.normal,
            camera=self._camera,
            engine=NAME,
            material=plate.material,
            materials=(None, *self.materials),
            face=plate.face,
            inexact=(*self.inexact, *inexact_pixels(plate.unknown)),
        )

    def render(self, top: int, lines: int) -> dict[str, np.ndarray]:
        """The passes of a band of lines."""
        while True:
            job = self.job(top, lines)
            run(job, self.copy.scene, self.copy.view_layer)
            if job.rendered:
                return job.passes

    def visit(self, depsgraph: bpy.types.Depsgraph) -> bool:
        """Make the evaluated scene show ids, and note what stands in it; later only what Blender evaluated anew."""
        self._view.check_cancelled()
        first, self._visits = self._visits == 0, self._visits + 1
        changed = list(depsgraph.ids) if first else [one.id for one in depsgraph.updates]
        transparency, writer = Transparency(), self.copy.writer.evaluated_get(depsgraph)
        for one in changed:
            if isinstance(one, bpy.types.Material) and one.original != self.copy.stand_in:
                write_ids(one, self._number(one.original), transparency, writer, soft=not self._sharp)
            elif self._sharp and isinstance(one, bpy.types.Camera):
                one.dof.use_dof = False
        if not self.rows or any(isinstance(one, bpy.types.Object) and one.type != "CAMERA" for one in changed):
            if not self._settle(depsgraph, changed):
                return False
            self.rows = collect(depsgraph)
            self.inexact = (
                *inexact_objects(depsgraph),
                *inexact_materials(transparency),
                *inexact_rows(self.rows),
            )
        if self._camera is None:
            self._camera = read_camera(depsgraph, self._view.size)
        self._view.check_cancelled()
        return True

    def _number(self, material: bpy.types.Material) -> int:
        return self.materials.setdefault(material, len(self.materials) + 1) & 0xFFFF

    def _settle(self, depsgraph: bpy.types.Depsgraph, changed: list[bpy.types.ID]) -> bool:
        """Change objects; False where that makes Blender evaluate them again, which is better done before Cycles
        builds them."""
        number_objects(depsgraph)
        disturbed = use_stand_in(depsgraph, self.copy.stand_in.evaluated_get(depsgraph))
        if any(isinstance(one, bpy.types.Object) and _hides(one) for one in changed):
            for name in ("is_holdout", "is_shadow_catcher"):
                disturbed |= write_objects(
                    depsgraph, name, lambda one, name=name: one.type == "LIGHT" and getattr(one, name)
                )
        return self._visits >= self._most_visits or not disturbed


def _hides(one: bpy.types.Object) -> bool:
    """Whether a render does not show its surface. A light has none, and is a catcher's by default."""
    return one.type != "LIGHT" and (one.is_holdout or one.is_shadow_catcher)


def is_one_band(size: tuple[int, int]) -> bool:
    """Whether a picture (width, height) is rendered in one go."""
    return size[0] * size[1] <= _ONE_BAND


def bands(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """(top, lines) from the top down; each as high as the time between two steps of the loop suggests."""
    width, height = size
    top, lines = 0, height if is_one_band(size) else max(_FIRST_BAND // width, 1)
    while top < height:
        began = time.perf_counter()
        yield top, min(lines, height - top)
        seconds = max(time.perf_counter() - began, 1e-3)
        top += lines
        growth = min(_BAND_SECONDS / seconds, 2.0) if top > lines else 1.0  # the first one's time says nothing
        lines = max(min(int(lines * growth), _BAND_LIMIT // width), 1)


class Plate:
    """The maps of a view as they come into being, band by band."""

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        self.shown = np.full((height, width), -1, np.int32)
        """as ``Shot.shown``"""
        self.depth = np.full((height, width), np.inf, np.float32)
        """as ``Shot.depth``"""
        self.normal = np.zeros((height, width, 3), np.float32)
        """world space and of any length until ``turn_normals``"""
        self.material = np.zeros((height, width), np.uint16)
        """as ``Shot.material``"""
        self.face = np.zeros((height, width), np.uint16)
        """as ``Shot.face``"""
        self.unknown = 0
        """pixels that show a surface of which nothing is known"""

    def develop(self, top: int, passes: dict[str, np.ndarray], rows: list[Row]) -> None:
        """Decode a band's passes into place. Needs no Blender; may run in any thread."""
        if not {"Depth", *PASSES} <= passes.keys():
            raise MissingInternals("This Blender's Cycles gives no passes of ours", "Use engine 'passes'")
        depth = passes["Depth"][..., 0]
        band = slice(top, top + len(depth))
        hit = depth < FAR
        shown = decode(passes[KEY_PASS], passes[INDEX_PASS], hit, rows)
        seen = shown >= 0
        self.unknown += int(np.count_nonzero(hit & ~seen))
        self.shown[band] = shown
        np.copyto(self.depth[band], depth, where=seen)
        np.copyto(self.normal[band], passes[NORMAL_PASS][..., :3], where=seen[..., None])
        for target, name in ((self.material, MATERIAL_PASS), (self.face, FACE_PASS)):
            np.copyto(target[band], np.rint(passes[name][..., 0]), where=seen, casting="unsafe")

    def turn_normals(self, camera: Camera) -> None:
        """World → camera space, unit length, in place and in bands."""
        turn = camera.matrix_world[:3, :3].astype(np.float32)
        flat = self.normal.reshape(-1, 3)
        for start in range(0, len(flat), _TURNED):
            part = flat[start : start + _TURNED]
            turned = part @ turn
            length = np.sqrt(np.einsum("nc,nc->n", turned, turned))[:, None]
            np.divide(turned, length, out=part, where=length > 0)
