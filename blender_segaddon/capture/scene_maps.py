"""Scene → ``SceneMaps``: what an engine saw, numbered and described."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ..core import geometry
from ..core import vocabulary as vocabularies
from ..core.camera import Camera
from ..core.maps import NO_CLASS, Inexact, Instance, SceneMaps
from ..core.vocabulary import Vocabulary
from ..protocol.errors import InvalidInput, SceneError
from .cameras import check_camera
from .evidence import EvidenceReader, is_around
from .inexact import inexact_scene
from .instances import Row, Runs
from .moment import moment
from .parts import SPLITS, Sorter, Thing, looked_up
from .shot import Shot, View

MIN_SIZE = 4
"""pixels, each side; Blender renders none smaller"""
MAX_SIZE = 16384
"""pixels, each side"""

_BAND = 1 << 18
"""pixels that are worked on at once"""
_NOTEWORTHY = 0.01
"""of the picture: what is smaller neither surrounds the camera nor stands in its way"""


@dataclass(frozen=True)
class Wanted:
    """What the maps of one scene shall be; checked."""

    scene: bpy.types.Scene
    view_layer: str
    size: tuple[int, int]
    """(width, height) in pixels"""
    classes: Vocabulary
    background: int
    """class, or ``NO_CLASS``"""
    cancelled: Callable[[], bool] | None
    split: str = "object"
    """one of ``SPLITS``"""

    @classmethod
    def of(
        cls,
        scene: bpy.types.Scene,
        size: tuple[int, int] | None,
        vocabulary: str,
        background: str,
        view_layer: bpy.types.ViewLayer | str | None,
        cancelled: Callable[[], bool] | None,
        split: str = "object",
    ) -> Wanted:
        """See ``capture``. Raises InvalidInput."""
        if split not in SPLITS:
            raise InvalidInput(f"Maps cannot be split by {split!r}", f"Choose one of: {', '.join(SPLITS)}")
        classes = vocabularies.load(vocabulary)
        return cls(
            scene,
            layer_name(scene, view_layer),
            check_size(size) if size is not None else render_size(scene),
            classes,
            classes.lookup(background).id if background else NO_CLASS,
            cancelled,
            split,
        )

    def view(self, camera: bpy.types.Object | None) -> View:
        """Raises SceneError for no camera, or one whose maps could not be used."""
        if camera is None:
            raise SceneError(f"Scene {self.scene.name!r} has no camera", "Add one, or let the add-on frame the scene")
        check_camera(camera)
        return View(self.scene, self.view_layer, camera, self.size, self.cancelled)

    def maps(self, shot: Shot) -> SceneMaps:
        """Number and describe what was seen. Raises SceneError where that is nothing."""
        maps = self.assemble(Seen.of(shot), self.sorter())
        return geometry.classified(maps)

    def sorter(self) -> Sorter:
        """What tells the classes of instances; one a capture."""
        return Sorter(EvidenceReader(), self.classes, self.split)

    def assemble(self, seen: Seen, sorter: Sorter) -> SceneMaps:
        """The last step with Blender; classes by shape are still to come."""
        shot = seen.shot
        things, instance_map, class_map = sorter.things(shot, seen.rows, seen.instance_map, self.background)
        same = instance_map is seen.instance_map
        pixels, boxes = (seen.pixels, seen.boxes) if same else _measure(instance_map, len(things))
        instances = tuple(describe(things, pixels, boxes, instance_map.size, shot.camera))
        return SceneMaps(
            instance_map=instance_map,
            class_map=class_map,
            depth=shot.depth,
            normal=shot.normal,
            instances=instances,
            camera=shot.camera,
            vocabulary=self.classes.name,
            background="" if self.background == NO_CLASS else self.classes.classes[self.background].name,
            unit_scale=self.scene.unit_settings.scale_length,
            scene=self.scene.name,
            frame=moment(self.scene),
            engine=shot.engine,
            split=self.split,
            inexact=(*inexact_scene(self.scene), *(Inexact("", note) for note in shot.notes), *shot.inexact),
        )


@dataclass(frozen=True, eq=False)
class Seen:
    """A shot whose visible instances have their numbers."""

    shot: Shot
    rows: list[Row]
    """the visible ones; number 1 comes first"""
    instance_map: np.ndarray
    """uint32 H×W, 0 for background"""
    pixels: np.ndarray
    """int64, of each number from 0"""
    boxes: np.ndarray
    """int64 ×4, of each number from 0: x0, y0, x1, y1, ends exclusive"""

    @classmethod
    def of(cls, shot: Shot) -> Seen:
        """Needs no Blender; may run in any thread. Raises SceneError where nothing is seen."""
        rows, instance_map = _number_visible(shot)
        if not rows:
            raise SceneError(f"Camera {shot.camera.name!r} sees no object", "Aim it at the scene, or unhide objects")
        return cls(shot, rows, instance_map, *_measure(instance_map, len(rows)))


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """``size`` if both sides are whole numbers in ``MIN_SIZE``..``MAX_SIZE``, else InvalidInput."""
    if len(size) != 2 or not all(isinstance(side, (int, np.integer)) and MIN_SIZE <= side <= MAX_SIZE for side in size):
        shown = "×".join(map(str, size))
        raise InvalidInput(
            f"A picture of {shown} pixels cannot be made", f"Use {MIN_SIZE} to {MAX_SIZE} pixels for each side"
        )
    return int(size[0]), int(size[1])


def layer_name(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer | str | None) -> str:
    """Name of the asked view layer; None: the active one, or the first of a scene that is not active."""
    if view_layer is None:
        active = bpy.context.view_layer if bpy.context.scene == scene else None
        return active.name if active is not None else scene.view_layers[0].name
    name = view_layer if isinstance(view_layer, str) else view_layer.name
    if name not in scene.view_layers:
        known = ", ".join(layer.name for layer in scene.view_layers)
        raise InvalidInput(f"Scene {scene.name!r} has no view layer {name!r}", f"Choose one of: {known}")
    return name


def render_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """(width, height) in pixels of the scene's own render. Raises InvalidInput where it is too large."""
    render = scene.render
    width, height = (side * render.resolution_percentage // 100 for side in (render.resolution_x, render.resolution_y))
    return check_size((max(width, MIN_SIZE), max(height, MIN_SIZE)))


def _number_visible(shot: Shot) -> tuple[list[Row], np.ndarray]:
    """(the visible rows, instance map uint32 H×W). Needs no Blender; may run in any thread."""
    counts = np.zeros(len(shot.rows) + 1, np.int64)
    for part in _in_bands(shot.shown):
        counts += np.bincount(part.ravel() + 1, minlength=len(counts))
    visible = np.flatnonzero(counts[1:])
    ids = np.zeros(len(counts), np.uint32)
    ids[visible + 1] = np.arange(1, len(visible) + 1, dtype=np.uint32)
    return [shot.rows[index] for index in visible], looked_up(ids, shot.shown, 1)


def _in_bands(image: np.ndarray) -> Iterator[np.ndarray]:
    """Views of an image, some lines each, so that what is computed from them never takes as much room as the image."""
    step = max(_BAND // image.shape[1], 1)
    return (image[top : top + step] for top in range(0, len(image), step))


def describe(
    things: list[Thing], pixels: np.ndarray, boxes: np.ndarray, size: int, camera: Camera
) -> Iterator[Instance]:
    """What the things are, in the order of their ids; ``pixels`` and ``boxes`` as ``_measure`` gives them, ``size`` in
    pixels."""
    least, eye = _NOTEWORTHY * size, camera.matrix_world[:3, 3]
    for number, thing in enumerate(things, start=1):
        row, match = thing.row, thing.match
        yield Instance(
            id=number,
            object=row.object.name,
            matrix_world=row.matrix_world,
            class_name=match.class_name,
            class_id=match.class_id,
            class_source=match.source,
            text=thing.text,
            pixels=int(pixels[number]),
            bbox=tuple(boxes[number].tolist()),
            instancer=row.instancer.name if row.instancer else "",
            persistent_id=row.persistent_id,
            key=row.key,
            library=row.library,
            class_score=match.score,
            around_camera=bool(pixels[number] > least and is_around(row, eye)),
            material=thing.material.name if thing.material else "",
            parts=thing.parts,
        )


def _measure(instance_map: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (int64) and box (int64 ×4: x0, y0, x1, y1, ends exclusive) of each id 0..count."""
    pixels = np.zeros(count + 1, np.int64)
    boxes = np.zeros((count + 1, 4), np.int64)
    boxes[:, :2] = np.iinfo(np.int64).max
    top = 0
    for part in _in_bands(instance_map):
        runs = Runs.of(part[..., None])
        ids = part.ravel()[runs.start]
        y, x = np.divmod(runs.start, runs.width)
        pixels += np.bincount(ids, weights=runs.length, minlength=count + 1).astype(np.int64)
        for column, values in ((0, x), (1, y + top)):
            np.minimum.at(boxes[:, column], ids, values)
        for column, values in ((2, x + runs.length), (3, y + top + 1)):
            np.maximum.at(boxes[:, column], ids, values)
        top += len(part)
    boxes[pixels == 0] = 0
    return pixels, boxes
