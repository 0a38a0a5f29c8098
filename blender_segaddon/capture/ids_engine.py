"""A render engine of our own that drives Cycles' session, so that nothing has to pass through files or the compositor.

Blender evaluates the scene for rendering and hands us the result (``visit``) before Cycles reads it: what is changed
there never reaches the user's data.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np

from ..core.console import without_progress
from ..protocol.errors import CaptureError
from .shot import MissingInternals

log = logging.getLogger(__name__)

RENDER_HANDLERS = (
    "render_init",
    "render_pre",
    "render_post",
    "render_stats",
    "render_write",
    "render_complete",
    "render_cancel",
)
FRAME_HANDLERS = ("frame_change_pre", "frame_change_post")
_UPDATE_HANDLERS = ("depsgraph_update_pre", "depsgraph_update_post")
_DRIVEN = ("create", "reset", "render", "render_frame_finish", "free", "register_passes")
"""What has to be in the module ``cycles.engine``; undocumented, there in Blender 4.2 to 5.2"""


class Stopped(CaptureError):
    """Blender ended the render before it was done."""

    def __init__(self) -> None:
        super().__init__("The render of the maps was stopped", "Capture again and let it end")


class Interrupted(Stopped):
    """Somebody pressed Esc, or an undo took the scene away."""


@dataclass
class Job:
    """One render: what to do with the evaluated scene, and what came of it."""

    visit: Callable[[bpy.types.Depsgraph], bool]
    """called with the depsgraph of the render, before Cycles reads it; may change the evaluated copies. Returns
    whether to go on; False: render nothing"""
    frame: float
    """the moment to show; Blender itself starts at the active scene's frame"""
    rendered: bool = False
    """``visit`` said to go on"""
    passes: dict[str, np.ndarray] = field(default_factory=dict)
    """name → float32 H×W×channels, row 0 at the top"""
    failure: BaseException | None = None
    begun: bool = False
    """Blender has begun with it"""
    ended: bool = False
    """the engine has nothing more to do; set in Blender's render thread"""

    def check(self) -> None:
        """Raises what went wrong, Stopped if nothing was rendered."""
        if self.failure is not None:
            raise self.failure
        if self.rendered and not self.passes:
            raise Stopped


class IdsEngine(bpy.types.RenderEngine):
    """Registered only while a capture is under way: the bpy wheel hangs at exit with such a class still registered."""

    bl_idname = "SEGADDON_IDS"
    bl_label = "Scene Maps"

    # Without annotations: a registered class that has any makes the bpy 4.5 wheel hang at exit.
    job = None  # Job | None
    give_way = staticmethod(lambda: None)  # ends what goes on beside the window and is only of use
    kept = SimpleNamespace(session=None)  # Cycles' session between the renders of one capture

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = None

    def update(self, data: bpy.types.BlendData, depsgraph: bpy.types.Depsgraph) -> None:
        job = self.job
        if job is None:
            return
        job.begun = True
        try:
            if job.frame != depsgraph.scene.frame_float:
                self.frame_set(math.floor(job.frame), job.frame - math.floor(job.frame))
            job.rendered = job.visit(depsgraph)
            if job.rendered:
                self._sync(data, depsgraph)
        except BaseException as error:  # noqa: BLE001 - Blender would print it and go on; Job.check raises it
            job.failure = error

    def _sync(self, data: bpy.types.BlendData, depsgraph: bpy.types.Depsgraph) -> None:
        cycles = driver()
        if self.session is None:  # another instance than at the last render, or the first
            free_session()
            _drive(cycles.create, self, data)
            IdsEngine.kept.session = self.session
        _drive(cycles.reset, self, data, depsgraph)

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        job = self.job
        if job is None:
            return
        try:
            if job.rendered and job.failure is None:
                cycles = driver()
                _drive(cycles.render, self, depsgraph)
                _drive(cycles.render_frame_finish, self)
                if self.test_break():  # what is there is not whole
                    raise Interrupted
                job.passes = _read_passes(self.get_result())
        except BaseException as error:  # noqa: BLE001 - as in update
            job.failure = error
        finally:
            job.ended = True

    def update_render_passes(self, scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> None:
        driver().register_passes(self, scene, view_layer)


def driver() -> Any:
    """The module that drives Cycles. Raises MissingInternals, CaptureError where Cycles is switched off."""
    try:
        from cycles import engine  # pyright: ignore[reportMissingImports]  # comes with Blender
    except ImportError as error:
        raise CaptureError("Cycles is not there", "Enable 'Cycles Render Engine' in Preferences > Add-ons") from error
    missing = [name for name in _DRIVEN if not hasattr(engine, name)]
    if missing:
        raise MissingInternals(f"This Blender's Cycles has no {', '.join(missing)}", "Use engine 'passes'")
    return engine


def _drive(function: Callable[..., None], *arguments: Any) -> None:
    try:
        function(*arguments)
    except Exception as error:
        what = f"{function.__name__}: {type(error).__name__}: {error}"
        raise MissingInternals(f"This Blender's Cycles cannot be driven ({what})", "Use engine 'passes'") from error


def free_session() -> None:
    """Give Cycles' memory back."""
    kept = IdsEngine.kept
    if kept.session is not None:
        driver().free(kept)
        kept.session = None


@contextmanager
def registered(*, with_gpu: bool = False) -> Iterator[None]:
    """The engine is known to Blender, and what Blender keeps for it is gone afterwards.

    Args:
        with_gpu: have a GPU context in ``Job.visit`` and afterwards, also without a window.

    Raises CaptureError while Blender renders with it beside the window.
    """
    IdsEngine.give_way()
    if IdsEngine.is_registered:
        raise CaptureError("A capture is under way", "Wait until it has ended, or cancel it")
    IdsEngine.bl_use_gpu_context = with_gpu
    bpy.utils.register_class(IdsEngine)
    try:
        with result_kept():
            yield
    finally:
        IdsEngine.job = None
        free_session()
        bpy.utils.unregister_class(IdsEngine)


@contextmanager
def result_kept() -> Iterator[None]:
    """Blender makes the image "Render Result" at the first render; a file that had none shall have none."""
    had = {one.name for one in bpy.data.images if one.type == "RENDER_RESULT"}
    witness = bpy.data.scenes[0]
    try:
        yield
    finally:
        with suppress(ReferenceError):  # a capture in the background may end in another file
            witness.name  # noqa: B018
            for image in [one for one in bpy.data.images if one.type == "RENDER_RESULT" and one.name not in had]:
                bpy.data.images.remove(image)


def run(job: Job, scene: bpy.types.Scene, view_layer: str) -> None:
    """Render ``scene`` (one of our own, prepared; its camera set) with ``job``; needs ``registered``.

    Raises what ``job.visit`` raised, or CaptureError if Blender does not render.
    """
    check_idle()
    IdsEngine.job = job
    if scene.render.engine != IdsEngine.bl_idname:  # to set it makes Blender forget what it keeps
        scene.render.engine = IdsEngine.bl_idname
    try:
        render_quietly(scene, view_layer)
    except CaptureError:
        if job.failure is None:
            raise
    finally:
        IdsEngine.job = None
    job.check()


def render_quietly(scene: bpy.types.Scene, view_layer: str, **options: bool) -> None:
    """Blender's own render operator, waited for, without the user's handlers. Raises CaptureError."""
    silent = handlers_silent(RENDER_HANDLERS + FRAME_HANDLERS + _UPDATE_HANDLERS)
    with silent, without_progress(bpy.app.background):
        try:
            bpy.ops.render.render(scene=scene.name, layer=view_layer, **options)
        except RuntimeError as error:
            raise CaptureError("Blender could not render the maps", str(error).strip()) from error


def start(job: Job, scene: bpy.types.Scene, view_layer: str) -> None:
    """As ``run``, but Blender renders in a thread of its own; ``job.ended`` becomes True there, if nobody ends it.

    Needs a window. Handlers are for the caller to silence, until Blender renders no more.
    """
    check_idle()
    IdsEngine.job = job
    if scene.render.engine != IdsEngine.bl_idname:
        scene.render.engine = IdsEngine.bl_idname
    preferences = bpy.context.preferences
    shown, dirty = preferences.view.render_display_type, preferences.is_dirty
    preferences.view.render_display_type = "NONE"  # no window of its own, no Image Editor taken
    try:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.render.render("INVOKE_DEFAULT", scene=scene.name, layer=view_layer)
    except RuntimeError as error:
        raise CaptureError("Blender could not render the maps", str(error).strip()) from error
    finally:
        preferences.view.render_display_type = shown
        preferences.is_dirty = dirty


def check_idle() -> None:
    """Raises CaptureError while Blender renders something else."""
    if bpy.app.is_job_running("RENDER"):
        raise CaptureError("Blender is rendering", "Wait until the render has ended, then capture again")


class HandlersSilent:
    """Scripts that people hang on renders and frames (mail me when done) have no business with ours. The add-on's own
    for frames and updates stay: what is evaluated meanwhile is not told again."""

    def __init__(self, names: tuple[str, ...]) -> None:
        ours = __name__.rpartition(".capture.")[0]
        lists = {name: getattr(bpy.app.handlers, name, None) for name in names}
        self._lists = {name: functions for name, functions in lists.items() if functions is not None}
        self._kept = {name: list(functions) for name, functions in self._lists.items()}
        for name, functions in self._lists.items():
            heard = name not in RENDER_HANDLERS
            functions[:] = [one for one in functions if heard and str(one.__module__).startswith(ours)]

    def restore(self, names: tuple[str, ...] | None = None) -> None:
        """Those of ``names`` (None: all) again, before what was added meanwhile."""
        for name in self._kept.keys() if names is None else self._kept.keys() & set(names):
            kept, self._kept[name] = self._kept[name], []  # once: what is taken out later shall stay out
            self._lists[name][:] = kept + [one for one in self._lists[name] if one not in kept]


@contextmanager
def handlers_silent(names: tuple[str, ...]) -> Iterator[None]:
    """``HandlersSilent`` for a block."""
    silent = HandlersSilent(names)
    try:
        yield
    finally:
        silent.restore()


def _read_passes(result: bpy.types.RenderResult) -> dict[str, np.ndarray]:
    width, height = result.resolution_x, result.resolution_y
    passes = {}
    for one in result.layers[0].passes:
        if one.name == "Combined":
            continue
        flat = np.empty(width * height * one.channels, np.float32)
        flat.fill(0)  # lets others run while memory is found, which takes longer than to copy; Blender would not
        one.rect.foreach_get(flat)
        passes[one.name] = flat.reshape(height, width, one.channels)[::-1]
    return passes
