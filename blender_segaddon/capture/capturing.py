"""Captures that block: one view, by any engine, and several views of one scene."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix

from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput
from . import cycles, gpu, passes
from .scene_maps import Wanted
from .shot import MissingInternals, Shot, View

log = logging.getLogger(__name__)

Engine = Callable[[View], Shot]
Place = bpy.types.Object | Sequence[Sequence[float]]


def _auto(view: View) -> Shot:
    """Exact where this Blender allows it, else by documented passes."""
    try:
        return cycles.shoot(view)
    except MissingInternals as error:
        log.warning("%s: ids are those of objects, not of instances", error.message)
        return passes.shoot(view)


ENGINES: dict[str, Engine] = {
    "auto": _auto,
    cycles.NAME: cycles.shoot,
    gpu.NAME: gpu.shoot,
    passes.NAME: passes.shoot,
}
"""What ``capture`` takes as ``engine``."""


def engine_of(name: str) -> Engine:
    """Raises InvalidInput for an unknown name."""
    if name not in ENGINES:
        raise InvalidInput(f"Unknown capture engine {name!r}", f"Choose one of: {', '.join(ENGINES)}")
    return ENGINES[name]


def capture(
    scene: bpy.types.Scene,
    *,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    vocabulary: str = "ade20k",
    background: str = "sky",
    engine: str = "auto",
    view_layer: bpy.types.ViewLayer | str | None = None,
    split: str = "object",
    cancelled: Callable[[], bool] | None = None,
) -> SceneMaps:
    """The exact maps of the scene's current frame as its render would show it; the scene is left as it was.

    Instances are numbered 1..N over the visible ones, sorted by (name of the instancer, name of the object, path of
    the object's library, persistent id), and by material where the map is split so. Depth of field is ignored; motion
    is shown at the middle of the shutter's time; volumes and lights are seen through; a surface is there where its
    alpha is at least one half. Objects that are holdouts or shadow catchers are seen; collections that the view layer
    holds out are background. What cannot be exact is listed in ``SceneMaps.inexact``. Handlers for renders and frames
    do not run. The render runs on the CPU, whatever the scene says: no kernels are compiled, and its ids were shown to
    be exact.

    Args:
        scene: need not be the active one.
        camera: None takes the scene's own.
        size: (width, height) in pixels, 4..16384 each; None takes the scene's resolution and percentage.
        vocabulary: name of the class list.
        background: class of what no object covers; "" for none.
        engine: "cycles" (exact); "gpu" (drawn: quick, exact where the scene is opaque, no panoramas); "passes" (slower,
            one id for all instances of an object, only what Blender documents); "auto": "cycles", or "passes" with a
            warning where this Blender does not allow it.
        view_layer: its name or itself; None takes the active one.
        split: "object": each instance has an id; "material": each material of an instance has one.
        cancelled: asked several times a second but while Cycles builds the scene, in this thread.

    Raises:
        SceneError: no camera, or no object in its sight.
        InvalidInput: a size, class, vocabulary, view layer or engine that cannot be.
        CaptureError: Blender does not render.
        Cancelled: ``cancelled`` said so.
    """
    shoot = engine_of(engine)
    wanted = Wanted.of(scene, size, vocabulary, background, view_layer, cancelled, split)
    return wanted.maps(shoot(wanted.view(camera or scene.camera)))


def capture_views(
    scene: bpy.types.Scene,
    cameras: Sequence[Place],
    *,
    size: tuple[int, int] | None = None,
    vocabulary: str = "ade20k",
    background: str = "sky",
    view_layer: bpy.types.ViewLayer | str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[SceneMaps]:
    """The maps from several places: each is what ``capture`` gives, but the scene is evaluated and built only once.

    Args:
        cameras: camera objects, or 4×4 matrices (camera to world space): the scene's camera, put there.

    Other arguments and errors as of ``capture``; InvalidInput for what is neither camera nor matrix.
    """
    options = {"vocabulary": vocabulary, "background": background, "view_layer": view_layer, "cancelled": cancelled}
    return list(iterate_views(scene, cameras, size=size, **options))


def iterate_views(
    scene: bpy.types.Scene,
    cameras: Sequence[Place],
    *,
    size: tuple[int, int] | None = None,
    vocabulary: str = "ade20k",
    background: str = "sky",
    view_layer: bpy.types.ViewLayer | str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[SceneMaps]:
    """As ``capture_views``, one at a time; the copy of the scene that it renders goes when this ends or is closed."""
    wanted = Wanted.of(scene, size, vocabulary, background, view_layer, cancelled)
    places = [_matrix(one) if _is_place(one) else None for one in cameras]
    views = [wanted.view(scene.camera if _is_place(one) else one) for one in cameras]
    if not views:
        return
    with cycles.session(views[0]) as session, _mover(session, scene) as mover:
        shots = (
            session.shoot(view) if place is None else _shoot_from(session, view, mover, place)
            for view, place in zip(views, places, strict=True)
        )
        for shot in shots:
            yield wanted.maps(shot)


def _is_place(one: Place) -> bool:
    return not isinstance(one, bpy.types.Object)


def _matrix(place: Place) -> Matrix:
    numbers = np.array(place, np.float64)
    if numbers.shape != (4, 4):
        raise InvalidInput(f"A place of {numbers.shape} numbers cannot be", "Give a camera object or a 4×4 matrix")
    return Matrix(numbers.tolist())


@contextmanager
def _mover(session: cycles.Session, scene: bpy.types.Scene) -> Iterator[bpy.types.Object | None]:
    """A camera that can be put anywhere; None for a scene without a camera."""
    if scene.camera is None:
        yield None
        return
    mover = bpy.data.objects.new("Moving Camera", scene.camera.data)
    try:
        session.copy.scene.collection.objects.link(mover)
        yield mover
    finally:
        with suppress(ReferenceError):  # an undo took it
            bpy.data.objects.remove(mover)


def _shoot_from(session: cycles.Session, view: View, mover: bpy.types.Object, place: Matrix) -> Shot:
    mover.matrix_world = place
    shot = session.shoot(replace(view, camera=mover))
    return replace(shot, camera=replace(shot.camera, name=view.camera.name))
