"""Tasks that need maps, pictures and long sums on their way, written once for scripts that wait and for windows.

A task is a generator: it yields what it needs and is sent what came of it, or has thrown into it what went wrong. It
runs in Blender's main thread. Between a yield and what it is sent people may undo: it must hold names of what is in the
file, no references.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import bpy

from .. import capture
from ..capture.sequel import Job as Begun
from ..capture.sequel import Sequel
from ..core.maps import SceneMaps
from ..protocol.errors import Cancelled, SceneError
from . import preparing
from .jobs import Job
from .picture import Picture, Recipe

T = TypeVar("T")

_SLICE = 0.05
"""seconds of work in the main thread at once; a look that takes longer is not cut"""


@dataclass(frozen=True)
class Look:
    """The maps of a scene as it is at that moment."""

    scene: str
    camera: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """size, vocabulary and background, as of ``capture.capture``"""
    closer: bool = False
    """beside the window, find what a projection needs of the scene as well: it would hold the window up"""

    def take(self) -> SceneMaps:
        """Now. Raises as ``capture.capture``."""
        scene, camera = self.check()
        return capture.capture(scene, camera=camera, **self.options)

    def start(self) -> Begun:
        """Beside the work in Blender's window. Raises as ``capture.start_capture``."""
        scene, camera = self.check()
        job = capture.start_capture(scene, camera=camera, **self.options)
        if not self.closer:
            return job
        preparing.beside(job, scene)
        return job.then(lambda maps: _CloserLook(job, maps), closer=True)

    def check(self) -> tuple[bpy.types.Scene, bpy.types.Object]:
        """The scene and the camera. Raises SceneError where one is gone."""
        scene, camera = bpy.data.scenes.get(self.scene), bpy.data.objects.get(self.camera)
        if scene is None:
            raise SceneError(f"Scene '{self.scene}' is gone", "Capture and generate again")
        if camera is None:
            raise SceneError(f"Camera '{self.camera}' is gone", "Make it again, or generate a new picture")
        return scene, camera


@dataclass(frozen=True)
class InPieces:
    """Something that only the main thread can do, and that would hold a window up if done at once."""

    steps: Callable[[], Generator[Any, None, Any]]
    """makes a generator; what it returns is the value"""
    count: int
    """about how often it yields"""
    message: str
    """a word or two for people"""

    def take(self) -> Any:
        """Now."""
        return _InPieces(self).result()


Need = Look | InPieces | Recipe | Callable[[], Any]
"""Maps, what the main thread does in pieces, a picture, or the value of a function that never touches bpy."""
Task = Generator[Need, Any, T]


Begin = Callable[[Recipe], Job[list[Picture]]]
"""Starts one picture."""
Make = Callable[[Recipe], Picture]
"""Makes one picture; blocks."""


def carried_out(task: Task[T], make: Make) -> T:
    """What a task comes to, waited for. Raises what goes wrong in it."""
    try:
        need = next(task)
        while True:
            try:
                value = _taken(need, make)
            except BaseException as error:  # noqa: BLE001  # the task may have something to put right; it raises
                need = task.throw(error)
            else:
                need = task.send(value)
    except StopIteration as end:
        return end.value


def _taken(need: Need, make: Make) -> Any:
    if isinstance(need, (Look, InPieces)):
        return need.take()
    return make(need) if isinstance(need, Recipe) else need()


class Errand(Generic[T]):
    """A task under way, as a job. It goes on whenever ``done`` is asked, which only the main thread may.

    ``result`` without that waits, and holds Blender up; captures go on beside Blender's window only if ``done`` is
    asked first.
    """

    def __init__(self, task: Task[T], begin: Begin) -> None:
        self._task, self._begin = task, begin
        self._now: Begun | None = None
        self._beside = not bpy.app.background
        self._paints = False  # whether what is under way gives pictures, of which one is wanted
        self._cancelled = self._ended = False
        self._value: T | None = None
        self._error: BaseException | None = None

    @property
    def progress(self) -> float:
        """0 .. 1 of what is under way."""
        return self._now.progress if self._now else 0.0

    @property
    def message(self) -> str:
        """A word or two for people."""
        return "Cancelling" if self._cancelled else self._now.message if self._now else "Starting"

    def done(self) -> bool:
        """Take the next steps that need no waiting; whether that was all.

        After ``cancel`` a task puts things right in the scene, which must wait while Blender still reads it.
        """
        while not self._ended and (self._now is None or self._now.done()) and not self.holds_scene():
            self._advance()
        return self._ended

    def result(self) -> T:
        """What the task came to, waited for. Raises what went wrong in it, Cancelled after ``cancel``."""
        self._beside = self._beside and self._now is not None
        while not self._ended:
            self._advance()
        if self._error is not None:
            raise self._error
        return self._value  # pyright: ignore[reportReturnType]  # set whenever there is no error

    def cancel(self) -> None:
        """End it at the next ``done``; everything is as before."""
        self._cancelled = True
        if self._now is not None:
            self._now.cancel()

    def let_go(self) -> None:
        """Nobody waits any more."""
        self.cancel()
        self._task.close()
        self._ended, self._error = True, Cancelled("Cancelled")

    def wait(self, timeout: float) -> bool:
        """Wait for what is under way, for at most so many seconds; whether that is done."""
        return self._now is None or self._now.wait(timeout)

    def holds_scene(self) -> bool:
        """Whether Blender reads the scene in another thread, or what is read of it bit by bit must stay as it is."""
        return isinstance(self._now, (capture.CaptureJob, Sequel, _InPieces)) and self._now.holds_scene()

    def _advance(self) -> None:
        """Hand over what is done and begin with what is needed next."""
        now, self._now = self._now, None
        try:
            need = next(self._task) if now is None and not self._cancelled else self._answer(now)
            while isinstance(need, Look) and not self._beside:
                need = self._task.send(need.take())
            self._now = self._started(need)
        except StopIteration as end:
            self._ended, self._value = True, end.value
        except BaseException as error:  # noqa: BLE001  # raised by result(), in the hands of who asked
            self._task.close()
            self._ended, self._error = True, error

    def _answer(self, now: Begun | None) -> Need:
        if self._cancelled or now is None:
            return self._task.throw(Cancelled("Cancelled"))
        try:
            value = now.result()
        except BaseException as error:  # noqa: BLE001  # the task may have something to put right
            return self._task.throw(error)
        return self._task.send(value[0] if self._paints else value)

    def _started(self, need: Need) -> Begun:
        self._paints = isinstance(need, Recipe)
        if isinstance(need, Look):
            return need.start()
        if isinstance(need, InPieces):
            return _InPieces(need)
        if isinstance(need, Recipe):
            return self._begin(need)
        return _Sum(lambda _event, _wish: need())


class _Sum(Job[Any]):
    """A sum in a thread."""

    message = "Comparing"


class _CloserLook:
    """Waits until a capture, which has made its maps, has looked closer at what it could."""

    message, progress = "Looking closer", 0.0

    def __init__(self, job: capture.CaptureJob, maps: SceneMaps) -> None:
        self._job, self._maps = job, maps
        self._cancelled = False

    def done(self) -> bool:
        return self._job.has_ended()

    def result(self) -> SceneMaps:
        if self._cancelled:
            raise Cancelled("Cancelled")
        return self._maps

    def cancel(self) -> None:
        self._cancelled = True
        self._job.cancel()

    def let_go(self) -> None:
        self.cancel()

    def wait(self, timeout: float) -> bool:
        return self._job.wait(timeout)


class _InPieces:
    """Work in the main thread, some of which is done whenever ``done`` is asked."""

    def __init__(self, work: InPieces) -> None:
        self._steps, self._count, self.message = work.steps(), work.count, work.message
        self._steps_done = 0
        self._value: Any = None
        self._error: BaseException | None = None
        self._ended = False

    @property
    def progress(self) -> float:
        return min(self._steps_done / max(1, self._count), 1.0)

    def done(self) -> bool:
        began = time.perf_counter()
        while not self._ended and time.perf_counter() - began < _SLICE:
            self._step()
        return self._ended

    def _step(self) -> None:
        try:
            next(self._steps)
            self._steps_done += 1
        except StopIteration as end:
            self._ended, self._value = True, end.value
        except ReferenceError:
            self._ended, self._error = True, SceneError("The scene was changed meanwhile", "Try again")
        except BaseException as error:  # noqa: BLE001  # raised by result(), in the hands of who asked
            self._ended, self._error = True, error

    def result(self) -> Any:
        while not self._ended:
            self._step()
        if self._error is not None:
            raise self._error
        return self._value

    def holds_scene(self) -> bool:
        return not self._ended

    def cancel(self) -> None:
        if not self._ended:
            self._ended, self._error = True, Cancelled("Cancelled")
            self._steps.close()

    def let_go(self) -> None:
        self.cancel()

    def wait(self, _timeout: float) -> bool:
        """There is no thread to wait for."""
        return True
