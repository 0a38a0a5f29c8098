"""A job's event stream, read by a thread of its own, so that the caller can look at other things in between."""

from __future__ import annotations

import contextlib
import queue
import threading

from ..protocol.codec import from_json, load
from ..protocol.errors import InvalidInput
from ..protocol.messages import Event
from .http import ConnectionBrokenError, Endpoint, exchange

_SILENCE_SECONDS = 30.0
"""Three of the server's heartbeats."""


class EventStream:
    """The events of a job from the one after ``last`` on; a context manager. Raises as ``exchange``."""

    def __init__(self, endpoint: Endpoint, job: str, last: int) -> None:
        self._exit = contextlib.ExitStack()
        headers = {"Last-Event-ID": str(last)}
        request = exchange(endpoint, "GET", f"/v1/jobs/{job}/events", headers=headers, timeout=_SILENCE_SECONDS)
        self._reply = self._exit.enter_context(request)
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="segaddon events", daemon=True)
        self._thread.start()

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._reply.interrupt()
        self._thread.join()
        self._exit.close()

    def next(self, timeout: float) -> Event | None:
        """The next event; None when the stream has ended. Raises queue.Empty after ``timeout`` seconds."""
        return self._events.get(timeout=timeout)

    def _read(self) -> None:
        """Thread: lines into events. Only ``data`` matters, the event carries its own number."""
        try:
            while line := self._reply.line():
                if line.startswith(b"data:"):
                    self._events.put(from_json(Event, load(line[5:]), ignore_unknown=True))
        except (ConnectionBrokenError, InvalidInput):
            pass  # the end of the stream; the caller knows whether the job had ended
        finally:
            self._events.put(None)
