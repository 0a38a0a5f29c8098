"""A capture in the background and the job that needs its maps, as one job for the interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..core.maps import SceneMaps

if TYPE_CHECKING:
    from .background import CaptureJob


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
        self._capture = capture
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
        """Whether both are done, or the first failed. Starts the second; with its end the first looks no closer."""
        if self._make is not None and self._now.done():
            make, self._make = self._make, None
            try:
                self._now = make(self._now.result())
            except Exception as error:  # noqa: BLE001  # raised by result(), in the hands of who asked
                self._error = error
        if self._make is not None or not self._now.done():
            return False
        self.give_way()
        return not self.holds_scene()

    def holds_scene(self) -> bool:
        """As that of the capture, which may look closer while the second is under way."""
        return self._capture.holds_scene()

    def give_way(self) -> None:
        """Somebody needs the scene: the capture looks no closer than it did, as soon as it can."""
        if self._make is None:
            self._capture.cancel()

    def cancel(self) -> None:
        """Of the one that is under way."""
        self._now.cancel()

    def let_go(self) -> None:
        """Nobody waits any more: the second job may go on elsewhere, it begins no more after the first."""
        self._make = None
        self._capture.cancel()
        self._now.let_go()

    def wait(self, timeout: float) -> bool:
        """As that of the one that is under way."""
        return self._now.wait(timeout)

    def result(self) -> Any:
        """Of the second job, or what went wrong before."""
        if self._error is not None:
            raise self._error
        return self._now.result()
