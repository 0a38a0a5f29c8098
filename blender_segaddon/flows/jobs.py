"""A generation under way: a thread of its own that never touches bpy, and a handle for whoever waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

from ..protocol.errors import Cancelled, SegAddonError
from ..protocol.messages import Event

T = TypeVar("T")


class Wish(Enum):
    """What whoever waits for a job wants of it."""

    GO_ON = 0
    CANCEL = 1
    LET_GO = 2
    """stop waiting; a server goes on with it"""


class LeftBehind(SegAddonError):
    """Nobody waits for the job here any more; the server goes on with it."""

    code = "left_behind"

    def __init__(self) -> None:
        super().__init__("The picture is still being made by the server", "Collect it later: api.unfinished() lists it")


Work = Callable[[Callable[[Event], None], Callable[[], Wish]], T]
"""Takes ``on_event`` and ``wish``; runs in the job's thread."""


class Job(Generic[T]):
    """A handle for ``wait=False``. Its methods may be called from any thread; ``result`` of a picture's from Blender's
    main thread alone, since functions of pipelines run there and then."""

    def __init__(self, work: Work[T], finish: Callable[[T], None] | None = None) -> None:
        """``finish`` is called once with the result, in the thread that asks for it: what only Blender's may do."""
        self._work = work
        self._finish = finish
        self._wish = Wish.GO_ON
        self._value: T | None = None
        self._error: BaseException | None = None
        self._began = time.monotonic()
        self.event: Event | None = None
        """the last thing the server said, None before the first"""
        self._thread = threading.Thread(target=self._run, name="segaddon job", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> float:
        """0 .. 1 of the steps that are known: 0 before the first, 1 once there is a result."""
        event = self.event
        if self._value is not None:
            return 1.0
        return event.step / event.steps if event and event.steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the steps so far, None before the first step."""
        done = self.progress
        return (time.monotonic() - self._began) * (1 - done) / done if done else None

    @property
    def message(self) -> str:
        """A word or two for people: what it is doing, or how far it is."""
        event = self.event
        if self._wish is Wish.CANCEL:
            return "Cancelling"
        if event is None:
            return "Starting"
        return f"{self.progress:.0%}" if event.steps else event.state.capitalize()

    def done(self) -> bool:
        """True once ``result`` returns or raises at once."""
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Ask the job to stop; ``result`` then raises Cancelled. No effect on a finished job."""
        self._wish = Wish.CANCEL

    def let_go(self) -> None:
        """Wait for it no more: a server goes on with it and ``api.unfinished`` lists it, a job of this process ends."""
        if self._wish is Wish.GO_ON:
            self._wish = Wish.LET_GO

    def wait(self, timeout: float) -> bool:
        """Wait for at most ``timeout`` seconds, whatever comes of the job; ``done()``."""
        self._thread.join(timeout)
        return self.done()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the job and return what it made.

        Args:
            timeout: seconds, None to wait until the end.

        Raises:
            TimeoutError: it is still running after ``timeout``; it goes on.
            SegAddonError: what went wrong in the job; Cancelled after ``cancel``, LeftBehind after ``let_go``.
        """
        try:
            self._thread.join(timeout)
        except KeyboardInterrupt:
            self.cancel()
            self._thread.join()
            raise Cancelled("Cancelled from the keyboard") from None
        if self._thread.is_alive():
            raise TimeoutError(f"The job goes on: {self.message}")
        if self._error is not None:
            raise self._error
        if self._finish is not None:
            finish, self._finish = self._finish, None
            finish(self._value)  # pyright: ignore[reportArgumentType]  # as below
        return self._value  # pyright: ignore[reportReturnType]  # set whenever there is no error

    def _run(self) -> None:
        try:
            self._value = self._work(self._note, lambda: self._wish)
        except BaseException as error:  # noqa: BLE001  # thread boundary: handed on to whoever calls result()
            self._error = error

    def _note(self, event: Event) -> None:
        self.event = event
