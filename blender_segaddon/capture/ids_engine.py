"""A render engine of our own that drives Cycles' session, so that nothing has to pass through files or the compositor.

Blender evaluates the scene for rendering and hands us the result (``visit``) before Cycles reads it: what is changed
there is gone after the render, and the user's data is never touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from ..protocol.errors import Cancelled, CaptureError

log = logging.getLogger(__name__)

_HANDLERS = (
    "render_init",
    "render_pre",
    "render_post",
    "render_stats",
    "render_write",
    "render_complete",
    "render_cancel",
    "frame_change_pre",
    "frame_change_post",
    "depsgraph_update_pre",
    "depsgraph_update_post",
)


@dataclass
class Job:
    """One render: what to do with the evaluated scene, and what came of it."""

    visit: Callable[[bpy.types.Depsgraph], None]
    """called once with the depsgraph of the render, before Cycles reads it; may change the evaluated copies"""
    with_passes: bool = True
    """False: stop after ``visit``, render nothing"""
    with_gpu: bool = False
    """True: have a GPU context in ``visit`` and afterwards, also without a window"""
    cancelled: Callable[[], bool] | None = None
    passes: dict[str, np.ndarray] = field(default_factory=dict)
    """name → float32 H×W×channels, row 0 at the top"""
    failure: BaseException | None = None

    def check_cancelled(self) -> None:
        """Raises Cancelled if the user wants no more."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("The capture was cancelled")


class IdsEngine(bpy.types.RenderEngine):
    """Registered only while a render of ours runs: the bpy wheel hangs at exit with such a class still registered."""

    bl_idname = "SEGADDON_IDS"
    bl_label = "Scene Maps"

    # Job | None; without an annotation: a registered class that has any makes the bpy 4.5 wheel hang at exit.
    job = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = None

    def update(self, data: bpy.types.BlendData, depsgraph: bpy.types.Depsgraph) -> None:
        job = self.job
        if job is None:
            return
        try:
            job.check_cancelled()
            job.visit(depsgraph)
            job.check_cancelled()
            if job.with_passes:
                cycles = _cycles()
                cycles.create(self, data)
                cycles.reset(self, data, depsgraph)
        except BaseException as error:  # noqa: BLE001 - Blender would print it and go on; run() raises it
            job.failure = error

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        job = self.job
        if job is None or self.session is None:
            return
        cycles = _cycles()
        try:
            if job.failure is None:
                job.check_cancelled()
                cycles.render(self, depsgraph)
                cycles.render_frame_finish(self)
                job.check_cancelled()
                job.passes = _read_passes(self.get_result())
        except BaseException as error:  # noqa: BLE001 - as in update
            job.failure = error
        finally:
            cycles.free(self)

    def update_render_passes(self, scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> None:
        _cycles().register_passes(self, scene, view_layer)


def run(job: Job, scene: bpy.types.Scene, view_layer: str) -> None:
    """Render ``scene`` (one of our own, prepared; its camera set) with ``job``.

    Raises what ``job.visit`` raised, Cancelled, or CaptureError if Blender does not render.
    """
    if bpy.app.is_job_running("RENDER"):
        raise CaptureError("Blender is rendering", "Wait until the render has ended, then capture again")
    with _registered(job), _handlers_silent(), _render_result_kept():
        scene.render.engine = IdsEngine.bl_idname
        try:
            bpy.ops.render.render(scene=scene.name, layer=view_layer)
        except RuntimeError as error:
            if job.failure is None:
                raise CaptureError("Blender could not render the maps", str(error).strip()) from error
    if job.failure is not None:
        raise job.failure
    if job.with_passes and not job.passes:
        raise CaptureError("The render of the maps was stopped", "Capture again and let it end")


def _cycles() -> Any:
    try:
        from cycles import engine  # pyright: ignore[reportMissingImports]  # comes with Blender
    except ImportError as error:
        raise CaptureError("Cycles is not there", "Enable 'Cycles Render Engine' in Preferences > Add-ons") from error
    return engine


@contextmanager
def _registered(job: Job) -> Iterator[None]:
    IdsEngine.bl_use_gpu_context = job.with_gpu
    bpy.utils.register_class(IdsEngine)
    IdsEngine.job = job
    try:
        yield
    finally:
        IdsEngine.job = None
        bpy.utils.unregister_class(IdsEngine)


@contextmanager
def _handlers_silent() -> Iterator[None]:
    """Scripts that people hang on renders and frames (mail me when done) have no business with ours."""
    kept = {name: list(getattr(bpy.app.handlers, name)) for name in _HANDLERS if hasattr(bpy.app.handlers, name)}
    for name in kept:
        getattr(bpy.app.handlers, name).clear()
    try:
        yield
    finally:
        for name, functions in kept.items():
            getattr(bpy.app.handlers, name)[:] = functions


@contextmanager
def _render_result_kept() -> Iterator[None]:
    """Blender makes the image "Render Result" at the first render; a file that had none shall have none."""
    before = set(bpy.data.images)
    try:
        yield
    finally:
        for image in set(bpy.data.images) - before:
            bpy.data.images.remove(image)


def _read_passes(result: bpy.types.RenderResult) -> dict[str, np.ndarray]:
    width, height = result.resolution_x, result.resolution_y
    passes = {}
    for one in result.layers[0].passes:
        flat = np.empty(width * height * one.channels, np.float32)
        one.rect.foreach_get(flat)
        passes[one.name] = flat.reshape(height, width, one.channels)[::-1]
    return passes
