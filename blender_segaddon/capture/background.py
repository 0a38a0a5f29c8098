"""A capture that does not block Blender's window: Blender renders in its own thread, the picture is decoded in one of
ours, and the main thread only looks in now and then.

While Blender renders, people may look around, load another file, render, close Blender. What no render of Blender's in
a thread survives is that something is deleted while it reads the scene: ``holds_scene`` says for how long edits have to
wait; the buttons see to that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import bpy

from ..core.maps import SceneMaps
from ..protocol.errors import Cancelled, CaptureError, SceneError, SegAddonError
from . import ids_engine
from .exposure import Exposure
from .scene_copy import remove_forgotten
from .scene_maps import Wanted
from .sequel import Job, Sequel

log = logging.getLogger(__name__)

_TICK = 0.02
"""seconds between two looks"""
_SLICE = 0.008
"""seconds of work in one look: a redraw must not wait"""
_MOST_STARTS = 3
"""An undo or a deleted object lets the capture start again; not for ever."""

_running: set[CaptureJob] = set()
"""Those that still have something in the file; at most one."""


class CaptureJob:
    """A capture under way. ``start_capture`` makes one. Methods are for the main thread, unless they say otherwise."""

    def __init__(self, wanted: Wanted, camera: bpy.types.Object) -> None:
        self._wanted = wanted
        self._scene, self._camera = wanted.scene.name, camera.name
        self._cancel = threading.Event()
        self._maps: SceneMaps | None = None
        self._error: BaseException | None = None
        self._steps: Iterator[None] = iter(())
        self._exposure: Exposure | None = None
        self._starts = 0
        self._closer = self._over = False
        self.on_made: Callable[[SceneMaps], None] = lambda _maps: None
        """called in the main thread as soon as there are maps"""
        self.comes_first: Callable[[], bool] = lambda: False
        """asked in the main thread before a closer look, until it says that it has nothing to do any more"""
        self.on_outlined: Callable[[SceneMaps, SceneMaps], None] = lambda _maps, _outlined: None
        """called in the main thread with the maps and the same with outlines, where ``then`` was to look closer"""
        _running.add(self)
        self._begin()
        bpy.app.timers.register(self._tick, first_interval=_TICK, persistent=True)

    def give_handlers_back(self) -> None:
        """Whoever goes away takes handlers out of Blender's lists, and must find them there."""
        if self._exposure is not None:
            self._exposure.give_handlers_back()

    @property
    def message(self) -> str:
        """A word or two for people."""
        return "Cancelling" if self._cancel.is_set() else "Capturing"

    def done(self) -> bool:
        """True once ``result`` returns or raises. Any thread."""
        return self._maps is not None or self._error is not None

    def has_ended(self) -> bool:
        """Whether nothing more comes of it: no maps, and no closer look at them. Any thread."""
        return self._over or self._error is not None

    def cancel(self) -> None:
        """``result`` then raises Cancelled, at the latest at the next look, if it is not done; a closer look goes no
        further. Blender's render ends by itself, unseen. Any thread."""
        self._cancel.set()

    def let_go(self) -> None:
        """Nobody waits any more: there is nothing that could go on with it elsewhere."""
        self.cancel()

    @property
    def progress(self) -> float:
        """0 .. 1; Blender does not say more than that it has ended."""
        return 1.0 if self._maps is not None else 0.0

    def wait(self, timeout: float) -> bool:
        """``done()`` at once: Blender cannot go on while its main thread waits."""
        del timeout
        return self.done()

    def holds_scene(self) -> bool:
        """Whether Blender reads the scene in its thread, so that edits should wait."""
        return self._exposure is not None and not self._exposure.has_rendered()

    def then(self, make: Callable[[SceneMaps], Job], *, closer: bool = False) -> Sequel:
        """A job for both: the capture, and what ``make`` starts with its maps.

        Args:
            closer: look for outlines while the second is under way, see ``on_outlined``.
        """
        self._closer = closer
        return Sequel(self, make)

    def result(self) -> SceneMaps:
        """The maps, or raises what went wrong; CaptureError while it is not done (it cannot be waited for: Blender
        must go on meanwhile; ``capture`` is there for those who wait)."""
        if self._error is not None:
            raise self._error
        if self._maps is None:
            raise CaptureError("The capture is not done", "Ask done() first, or use capture()")
        return self._maps

    def _begin(self) -> None:
        self._starts += 1
        if self._starts > _MOST_STARTS:
            raise CaptureError("The scene changed again and again", "Capture while nothing else changes it")
        scene, camera = bpy.data.scenes.get(self._scene), bpy.data.objects.get(self._camera)
        if scene is None or camera is None:
            raise SceneError("The scene or its camera was deleted meanwhile", "Capture again")
        self._wanted = replace(self._wanted, scene=scene, cancelled=self._cancel.is_set)
        self._exposure = Exposure(self._wanted.view(camera))
        self._steps = self._work(self._exposure)

    def _work(self, exposure: Exposure) -> Iterator[None]:
        """First ``self._maps`` is set; what comes then may fail, and is only of use."""
        while exposure.is_rendering():
            yield
        exposure.develop()
        while exposure.is_developing():
            yield
        sorter, began = self._wanted.sorter(), time.perf_counter()
        for _ in sorter.learn(exposure.seen.rows):
            if time.perf_counter() - began > _SLICE:
                yield
                began = time.perf_counter()
        exposure.finish(self._wanted.assemble(exposure.seen, sorter))
        while exposure.is_developing():
            yield
        maps = self._maps = exposure.maps
        if maps is None:
            return
        self.on_made(maps)
        if self._closer:
            yield
            while bpy.app.is_job_running("RENDER") or self.comes_first():
                yield
            outlined = yield from exposure.look_closer(maps)
            if outlined is not None:
                self.on_outlined(maps, outlined)

    def _tick(self) -> float | None:
        try:
            if self._exposure is not None:
                self._exposure.meeting.attend()
            self._look_at_cancel()
            if self._maps is None and self._error is None:
                self._advance()
            elif self._maps is not None and not self._over:
                self._go_on()
            if self._maps is not None and not self._closer:
                self._over = True
        except SegAddonError as error:
            self._error = error
        except Exception as error:
            log.exception("A capture in the background failed")
            self._error = error
        if self._error is not None or self._over:
            self.tidy()
        return _TICK if self in _running else None

    def _go_on(self) -> None:
        """With the closer look, if there is one: nobody hears of what goes wrong in it."""
        try:
            self._over = next(self._steps, self) is self
        except Exception as error:  # noqa: BLE001  # undo, Esc, another render: a projection looks by itself then
            log.info("Outlines were not found beside the window: %s", error)
            self._over = True

    def _advance(self) -> None:
        try:
            if self._exposure is None:
                self._begin()
            next(self._steps, None)
        except ids_engine.Interrupted as error:
            if self._exposure is not None and self._exposure.is_there():  # Blender heard the Esc before us
                raise Cancelled("The capture was cancelled") from error
            self._start_again()
        except (ReferenceError, ids_engine.Stopped):  # something that it needs was deleted, or Blender ended the render
            self._start_again()

    def _start_again(self) -> None:
        self.tidy()
        self._steps = iter(())

    def _look_at_cancel(self) -> None:
        if self._cancel.is_set() and not self.done():
            self._error = Cancelled("The capture was cancelled")

    def tidy(self) -> None:
        """Leave the file as it was, as soon as Blender no longer renders it."""
        if self._exposure is not None and self._exposure.close():
            self._exposure = None
        if self._exposure is None and self.done():
            self._over = True
            _running.discard(self)
            sweep()


def start_capture(
    scene: bpy.types.Scene,
    *,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    vocabulary: str = "ade20k",
    background: str = "sky",
    view_layer: bpy.types.ViewLayer | str | None = None,
) -> CaptureJob:
    """Begin a capture by the exact engine and return at once; it goes on by itself. Needs a window.

    Arguments and errors as of ``capture``; also CaptureError while another one runs, or Blender renders.
    """
    if bpy.app.background:
        raise CaptureError("There is no window that a capture could be beside", "Use capture()")
    for job in list(_running):
        job.tidy()
    if _running:
        raise CaptureError("A capture is under way", "Wait until it has ended, or cancel it")
    wanted = Wanted.of(scene, size, vocabulary, background, view_layer, None)
    return CaptureJob(wanted, wanted.view(camera or scene.camera).camera)


def _give_way() -> None:
    """Somebody needs the engine: whoever only looks closer ends. Raises CaptureError where Blender still renders."""
    for job in [one for one in _running if one.done()]:
        job.cancel()
        job.tidy()
        if job in _running:
            raise CaptureError("Blender is rendering", "Try again in a moment")


ids_engine.IdsEngine.give_way = _give_way


def cancel_all() -> None:
    """Another file is being loaded, or the add-on goes away. What is left goes once Blender renders no more."""
    for job in list(_running):
        job.cancel()
        job.give_handlers_back()


def sweep() -> None:
    """After an undo or the load of a file: remove what it brought back of a capture that was under way then."""
    if not _running:
        remove_forgotten()
