"""Scene → ``SceneMaps``: one render, decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import bpy
import numpy as np

from ..core import vocabulary as vocabularies
from ..core.camera import Camera
from ..core.maps import NO_CLASS, Instance, SceneMaps
from ..core.naming import classify
from ..core.vocabulary import Vocabulary
from ..protocol.errors import InvalidInput, SceneError
from .cameras import check_camera, read_camera
from .evidence import EvidenceReader
from .ids_engine import Job, run
from .instances import Row, Runs, collect, decode, number_objects
from .scene_copy import INDEX_PASS, KEY_PASS, NORMAL_PASS, scene_copy
from .shaders import use_stand_in, write_ids

MIN_SIZE = 4
"""pixels, each side; Blender renders none smaller"""
MAX_SIZE = 16384
"""pixels, each side"""

_ENGINES = ("auto", "cycles")
FAR = 1e9
"""scene units; Cycles writes 1e10 where it hits nothing"""


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
    if engine not in _ENGINES:
        raise InvalidInput(f"Unknown capture engine {engine!r}", f"Choose one of: {', '.join(_ENGINES)}")
    classes = vocabularies.load(vocabulary)
    background_id = classes.lookup(background).id if background else NO_CLASS
    camera = camera or scene.camera
    if camera is None:
        raise SceneError(f"Scene {scene.name!r} has no camera", "Add one, or let the add-on frame the scene")
    check_camera(camera)
    shot = Shot(check_size(size) if size is not None else render_size(scene))
    job = Job(shot.prepare, cancelled=cancelled)
    with scene_copy(scene, layer_name(scene, view_layer), camera, shot.size) as copy:
        shot.stand_in = copy.stand_in
        run(job, copy.scene, copy.view_layer)
    job.check_cancelled()
    depth, rows, instance_map = _decode(job.passes, shot.rows)
    if not rows:
        raise SceneError(f"Camera {camera.name!r} sees no object", "Aim it at the scene, or make objects renderable")
    instances = describe(rows, instance_map, classes)
    class_of = np.array([background_id, *(one.class_id for one in instances)], np.uint16)
    return SceneMaps(
        instance_map=instance_map,
        class_map=class_of[instance_map],
        depth=depth,
        normal=_camera_normals(job.passes[NORMAL_PASS][..., :3], instance_map, shot.camera),
        instances=instances,
        camera=shot.camera,
        vocabulary=vocabulary,
        background=background,
        unit_scale=scene.unit_settings.scale_length,
        scene=scene.name,
        frame=scene.frame_current,
    )


@dataclass
class Shot:
    """What is read from the evaluated scene while it is there."""

    size: tuple[int, int]
    sharp: bool = True
    """without depth of field"""
    stand_in: bpy.types.Material | None = None
    rows: list[Row] = field(default_factory=list)
    camera: Camera | None = None

    def prepare(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Make the evaluated scene show ids, and note what stands in it."""
        for one in depsgraph.ids:
            if isinstance(one, bpy.types.Material):
                write_ids(one)
            elif isinstance(one, bpy.types.Object):
                one.is_holdout = one.is_shadow_catcher = False
            elif self.sharp and isinstance(one, bpy.types.Camera):
                one.dof.use_dof = False
        number_objects(depsgraph)
        use_stand_in(depsgraph, self.stand_in.evaluated_get(depsgraph))
        self.camera = read_camera(depsgraph, self.size)
        self.rows = collect(depsgraph)


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


def _decode(passes: dict[str, np.ndarray], rows: list[Row]) -> tuple[np.ndarray, list[Row], np.ndarray]:
    """(depth float32 H×W with inf for background, the visible rows, instance map uint32 H×W)."""
    depth = np.ascontiguousarray(passes["Depth"][..., 0])
    keys = np.concatenate([passes[KEY_PASS][..., :3], passes[INDEX_PASS]], axis=-1)
    shown = decode(keys, depth < FAR, rows)
    depth[shown < 0] = np.inf
    visible = np.flatnonzero(np.bincount(shown.ravel() + 1, minlength=len(rows) + 1)[1:])
    ids = np.zeros(len(rows) + 1, np.uint32)
    ids[visible + 1] = np.arange(1, len(visible) + 1, dtype=np.uint32)
    return depth, [rows[index] for index in visible], ids[shown + 1]


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
    runs = Runs.of(instance_map[..., None])
    ids = instance_map.ravel()[runs.start]
    y, x = np.divmod(runs.start, runs.width)
    pixels = np.bincount(ids, weights=runs.length, minlength=count + 1).astype(np.int64)
    boxes = np.zeros((count + 1, 4), np.int64)
    boxes[:, :2] = np.iinfo(np.int64).max
    for column, values, narrow in ((0, x, np.minimum), (1, y, np.minimum)):
        narrow.at(boxes[:, column], ids, values)
    for column, values in ((2, x + runs.length), (3, y + 1)):
        np.maximum.at(boxes[:, column], ids, values)
    boxes[pixels == 0] = 0
    return pixels, boxes


def _camera_normals(normal: np.ndarray, instance_map: np.ndarray, camera: Camera) -> np.ndarray:
    """World → camera space, unit length, 0 on the background: float32 H×W×3."""
    turned = normal @ camera.matrix_world[:3, :3].astype(np.float32)
    length = np.linalg.norm(turned, axis=-1, keepdims=True)
    seen = (instance_map[..., None] > 0) & (length > 0)
    return np.divide(turned, length, out=np.zeros_like(turned), where=seen)
