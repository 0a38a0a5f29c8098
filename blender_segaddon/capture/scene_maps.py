"""Scene → ``SceneMaps``: one render, decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy
import numpy as np

from ..core import vocabulary as vocabularies
from ..core.maps import NO_CLASS, Instance, SceneMaps
from ..core.naming import classify
from ..core.vocabulary import Vocabulary
from ..protocol.errors import InvalidInput, SceneError
from . import cycles, gpu
from .cameras import check_camera
from .evidence import EvidenceReader
from .instances import Row, Runs
from .shot import Shot, View

MIN_SIZE = 4
"""pixels, each side; Blender renders none smaller"""
MAX_SIZE = 16384
"""pixels, each side"""

_BAND = 1 << 20
"""pixels that are worked on at once"""

Engine = Callable[[View], Shot]

ENGINES: dict[str, Engine] = {"auto": cycles.shoot, cycles.NAME: cycles.shoot, gpu.NAME: gpu.shoot}
"""What ``capture`` takes as ``engine``."""


def capture(
    scene: bpy.types.Scene,
    *,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    vocabulary: str = "ade20k",
    background: str = "sky",
    engine: str = "auto",
    view_layer: bpy.types.ViewLayer | str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SceneMaps:
    """The exact maps of the scene's current frame as its render would show it; the scene is left as it was.

    Instances are numbered 1..N over the visible ones, sorted by (name of the instancer, name of the object, path of
    the object's library, persistent id). Depth of field and motion blur are ignored, volumes are seen through, a
    surface is there where its alpha is at least one half. Objects that are holdouts or shadow catchers are seen;
    collections that the view layer holds out are background. Handlers for renders and frames do not run.

    Args:
        scene: need not be the active one.
        camera: None takes the scene's own.
        size: (width, height) in pixels, 4..16384 each; None takes the scene's resolution and percentage.
        vocabulary: name of the class list.
        background: class of what no object covers; "" for none.
        engine: "cycles", or "auto", which takes it too.
        view_layer: its name or itself; None takes the active one.
        cancelled: asked between the steps (not while Cycles builds and renders).

    Raises:
        SceneError: no camera, or no object in its sight.
        InvalidInput: a size, class, vocabulary, view layer or engine that cannot be.
        CaptureError: Blender does not render.
        Cancelled: ``cancelled`` said so.
    """
    shoot = _engine(engine)
    classes = vocabularies.load(vocabulary)
    background_id = classes.lookup(background).id if background else NO_CLASS
    camera = camera or scene.camera
    if camera is None:
        raise SceneError(f"Scene {scene.name!r} has no camera", "Add one, or let the add-on frame the scene")
    check_camera(camera)
    checked = check_size(size) if size is not None else render_size(scene)
    shot = shoot(View(scene, layer_name(scene, view_layer), camera, checked, cancelled))
    return _maps(shot, scene, classes, background_id)


def _maps(shot: Shot, scene: bpy.types.Scene, classes: Vocabulary, background_id: int) -> SceneMaps:
    rows, instance_map = _number_visible(shot)
    if not rows:
        raise SceneError(f"Camera {shot.camera.name!r} sees no object", "Aim it at the scene, or make it renderable")
    instances = describe(rows, instance_map, classes)
    class_of = np.array([background_id, *(one.class_id for one in instances)], np.uint16)
    return SceneMaps(
        instance_map=instance_map,
        class_map=_looked_up(class_of, instance_map),
        depth=shot.depth,
        normal=shot.normal,
        instances=instances,
        camera=shot.camera,
        vocabulary=classes.name,
        background="" if background_id == NO_CLASS else classes.classes[background_id].name,
        unit_scale=scene.unit_settings.scale_length,
        scene=scene.name,
        frame=scene.frame_current,
        engine=shot.engine,
    )


def _engine(engine: str) -> Engine:
    if engine not in ENGINES:
        raise InvalidInput(f"Unknown capture engine {engine!r}", f"Choose one of: {', '.join(ENGINES)}")
    return ENGINES[engine]


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
    """(the visible rows, instance map uint32 H×W)."""
    counts = np.zeros(len(shot.rows) + 1, np.int64)
    for part in in_bands(shot.shown):
        counts += np.bincount(part.ravel() + 1, minlength=len(counts))
    visible = np.flatnonzero(counts[1:])
    ids = np.zeros(len(counts), np.uint32)
    ids[visible + 1] = np.arange(1, len(visible) + 1, dtype=np.uint32)
    return [shot.rows[index] for index in visible], _looked_up(ids, shot.shown, 1)


def in_bands(image: np.ndarray) -> Iterator[np.ndarray]:
    """Views of an image, some lines each, so that what is computed from them never takes as much room as the image."""
    step = max(_BAND // image.shape[1], 1)
    return (image[top : top + step] for top in range(0, len(image), step))


def _looked_up(table: np.ndarray, image: np.ndarray, offset: int = 0) -> np.ndarray:
    """``table[image + offset]``, without numpy's 64-bit copy of the whole image."""
    made = np.empty(image.shape, table.dtype)
    for source, target in zip(in_bands(image), in_bands(made), strict=True):
        np.take(table, source + offset if offset else source, out=target)
    return made


def describe(rows: list[Row], instance_map: np.ndarray, vocabulary: Vocabulary) -> tuple[Instance, ...]:
    """What the rows are; row k has the id k + 1 in the map. One without a pixel there has an empty box."""
    reader = EvidenceReader()
    pixels, boxes = _measure(instance_map, len(rows))
    described = []
    for number, row in enumerate(rows, start=1):
        match = classify(reader.evidence(row), vocabulary)
        described.append(
            Instance(
                id=number,
                object=row.object.name,
                matrix_world=row.matrix_world,
                class_name=match.class_name,
                class_id=match.class_id,
                class_source=match.source,
                text=reader.text(row),
                pixels=int(pixels[number]),
                bbox=tuple(boxes[number].tolist()),
                instancer=row.instancer.name if row.instancer else "",
                persistent_id=row.persistent_id,
                key=row.key,
                library=row.library,
            )
        )
    return tuple(described)


def _measure(instance_map: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (int64) and box (int64 ×4: x0, y0, x1, y1, ends exclusive) of each id 0..count."""
    pixels = np.zeros(count + 1, np.int64)
    boxes = np.zeros((count + 1, 4), np.int64)
    boxes[:, :2] = np.iinfo(np.int64).max
    top = 0
    for part in in_bands(instance_map):
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
