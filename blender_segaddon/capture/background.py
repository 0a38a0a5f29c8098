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
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Protocol

import bpy

from ..core import geometry
from ..core.maps import SceneMaps
from ..protocol.errors import Cancelled, CaptureError, SceneError, SegAddonError
from . import cycles, ids_engine
from .meeting import Meeting
from .scene_copy import remove_forgotten
from .scene_maps import Seen, Wanted
from .shot import View

log = logging.getLogger(__name__)

_TICK = 0.02
"""seconds between two looks"""
_SLICE = 0.008
"""seconds of work in one look: a redraw must not wait"""
_LONGEST_WAIT = 10.0
"""seconds until a render that has not begun is given up: an undo took it"""
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
        self._exposure: _Exposure | None = None
        self._starts = 0
        self.on_made: Callable[[SceneMaps], None] = lambda _maps: None
        """called in the main thread as soon as there are maps"""
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

    def cancel(self) -> None:
        """``result`` then raises Cancelled, at the latest at the next look; Blender's render ends by itself, unseen.
        Any thread."""
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

    def then(self, make: Callable[[SceneMaps], Job]) -> Sequel:
        """A job for both: the capture, and what ``make`` starts with its maps."""
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
        self._exposure = _Exposure(self._wanted.view(camera))
        self._steps = self._work(self._exposure)

    def _work(self, exposure: _Exposure) -> Iterator[None]:
        """Ends with ``self._maps`` set."""
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
        self._maps = exposure.maps
        if self._maps is not None:
            self.on_made(self._maps)

    def _tick(self) -> float | None:
        try:
            if self._exposure is not None:
                self._exposure.meeting.attend()
            self._look_at_cancel()
            if not self.done():
                self._advance()
        except SegAddonError as error:
            self._error = error
        except Exception as error:
            log.exception("A capture in the background failed")
            self._error = error
        if self.done():
            self.tidy()
        return _TICK if self in _running else None

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
            _running.discard(self)
            sweep()


class Job(Protocol):
    """What the interface waits for: the jobs of ``flows``, and captures."""

    @property
    def progress(self) -> float: ...
    @property
    def message(self) -> str: ...
    def done(self) -> bool: ...
    def cancel(self) -> None: ...
    def let_go(self) -> None: ...
    def wait(self, timeout: float) -> bool: ...
    def result(self) -> Any: ...


class Sequel:
    """A capture and the job that needs its maps, as one job. ``done`` must be asked from the main thread."""

    def __init__(self, capture: CaptureJob, make: Callable[[SceneMaps], Job]) -> None:
        self._now: Job = capture
        self._make: Callable[[SceneMaps], Job] | None = make
        self._error: Exception | None = None

    @property
    def progress(self) -> float:
        """Of the second job; 0 before."""
        return 0.0 if self._make else self._now.progress

    @property
    def message(self) -> str:
        """Of the one that is under way."""
        return self._now.message

    @property
    def seconds_left(self) -> float | None:
        """Of the one that is under way, None where it cannot say."""
        return getattr(self._now, "seconds_left", None)

    def done(self) -> bool:
        """Whether both are done, or the first failed. Starts the second."""
        if self._make is not None and self._now.done():
            make, self._make = self._make, None
            try:
                self._now = make(self._now.result())
            except Exception as error:  # noqa: BLE001  # raised by result(), in the hands of who asked
                self._error = error
        return self._make is None and self._now.done()

    def holds_scene(self) -> bool:
        """As that of the capture; False afterwards."""
        return isinstance(self._now, CaptureJob) and self._now.holds_scene()

    def cancel(self) -> None:
        """Of the one that is under way."""
        self._now.cancel()

    def let_go(self) -> None:
        """Nobody waits any more: the second job may go on elsewhere, it begins no more after the first."""
        self._make = None
        self._now.let_go()

    def wait(self, timeout: float) -> bool:
        """As that of the one that is under way."""
        return self._now.wait(timeout)

    def result(self) -> Any:
        """Of the second job, or what went wrong before."""
        if self._error is not None:
            raise self._error
        return self._now.result()


class _Exposure:
    """One render under way, and what it keeps in the file."""

    def __init__(self, view: View) -> None:
        self._view, self.meeting = view, Meeting()
        self._stack = ExitStack()
        self._plate = cycles.Plate(view.size)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.seen: Seen | None = None
        self.maps: SceneMaps | None = None
        try:
            self._session = self._stack.enter_context(cycles.session(view, once=True))
            self._session.begin(view)
            self._job = self._session.job(0, view.size[1])
            self._job.visit = self._visit
            copy = self._session.copy
            self._silent = ids_engine.HandlersSilent(ids_engine.RENDER_HANDLERS + ids_engine.FRAME_HANDLERS)
            self._stack.callback(self._silent.restore)
            ids_engine.start(self._job, copy.scene, copy.view_layer)
            self._started = time.monotonic()
        except BaseException:
            self._stack.close()
            raise

    def _visit(self, depsgraph: bpy.types.Depsgraph) -> bool:
        """In Blender's thread: frame handlers have had their chance, so others' may run again."""
        try:
            with self.meeting.held():
                return self._session.visit(depsgraph)
        finally:
            self._silent.restore(ids_engine.FRAME_HANDLERS)

    def give_handlers_back(self) -> None:
        """All that were silenced."""
        self._silent.restore()

    def has_rendered(self) -> bool:
        """Blender's thread needs the scene no more."""
        return self._job.ended

    def is_rendering(self) -> bool:
        """Raises Stopped where Blender gave up before the end."""
        if self._job.ended:
            return False
        if not self._is_at_work():
            raise ids_engine.Stopped
        return True

    def _is_at_work(self) -> bool:
        """Whether Blender may still need the copy. A render that waits for another (of a preview) does not count as
        running before it begins."""
        if bpy.app.is_job_running("RENDER"):
            return True
        return self.is_there() and not self._job.begun and time.monotonic() - self._started < _LONGEST_WAIT

    def is_there(self) -> bool:
        """Whether the copy of the scene is; undo and other files take it away."""
        try:
            self._session.copy.scene.name  # noqa: B018
        except ReferenceError:
            return False
        return True

    def develop(self) -> None:
        """Decode what was rendered, in a thread; ``seen`` is there once it has ended."""
        self._job.check()
        self._in_thread(self._decode)

    def finish(self, maps: SceneMaps) -> None:
        """Find classes by shape, in a thread; ``maps`` is there once it has ended."""

        def classify() -> None:
            self.maps = geometry.classified(maps)

        self._in_thread(classify)

    def _decode(self) -> None:
        self._plate.develop(0, self._job.passes, self._session.rows)
        self._job.passes = {}
        self.seen = Seen.of(self._session.shot(self._plate))

    def _in_thread(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - thread boundary: is_developing raises it
                self._failure = error

        self._thread = threading.Thread(target=run, name="segaddon maps", daemon=True)
        self._thread.start()

    def is_developing(self) -> bool:
        """Raises what went wrong."""
        if self._thread.is_alive():
            return True
        if self._failure is not None:
            raise self._failure
        return False

    def close(self) -> bool:
        """Take the copy out of the file; False while Blender still renders it: nothing in Python may stop that."""
        if self._is_at_work():
            return False
        self._stack.close()
        return True


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


def cancel_all() -> None:
    """Another file is being loaded, or the add-on goes away. What is left goes once Blender renders no more."""
    for job in list(_running):
        job.cancel()
        job.give_handlers_back()


def sweep() -> None:
    """After an undo or the load of a file: remove what it brought back of a capture that was under way then."""
    if not _running:
        remove_forgotten()
