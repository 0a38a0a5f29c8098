"""One job on its way: handed in, followed and fetched, through broken connections and servers that end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from typing import TypeVar

import numpy as np

from ..protocol.codec import from_json, load
from ..protocol.errors import BridgeUnavailable, Cancelled, InvalidInput, JobFailed
from ..protocol.framing import BytesLike, read_body
from ..protocol.headers import BODY_TYPE, KEY_HEADER, PRIORITY_HEADER
from ..protocol.messages import FINAL_STATES, Event, GenerateResult, JobAccepted, Priority
from .endpoint import ConnectionBrokenError, Endpoint
from .http import RefusedError, exchange
from .network import network

T = TypeVar("T")
Result = tuple[GenerateResult, list[np.ndarray]]

_MAX_EVENTS = 4096
"""Events kept for whoever follows; beyond it the oldest go."""
_SILENCE_SECONDS = 30.0
"""Three of the server's heartbeats."""
_SENT_SECONDS = 5.0
"""How long a job that was cancelled while the server took it is waited for, so that it can be cancelled there."""
_CANCEL_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
_RESENDS = 3
"""A server that knows nothing of its jobs again and again is not sent any more."""


class JobHandle:
    """A job that the network thread works on. Methods may be called from any other thread."""

    def __init__(self, find: Find, order: Order, patience: float) -> None:
        self.key = order.key
        self._lock = threading.Condition()
        self._events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._heard = 0
        """events heard in all"""
        self._course = _Course(find, order, patience, self._hear)
        self._future: Future[Result] = network.start(self._course.run())
        self._future.add_done_callback(lambda _: self._hear(None))

    @property
    def id(self) -> str:
        """The server's name for the job, "" until it has taken it."""
        return self._course.id

    @property
    def event(self) -> Event | None:
        """The last thing that was heard of it."""
        with self._lock:
            return self._events[-1] if self._events else None

    def done(self) -> bool:
        """True once ``result`` returns or raises at once."""
        return self._future.done()

    def follow(self, tick: float | None = None) -> Iterator[Event | None]:
        """Every event from the first on, as they come, to the job's end; None after ``tick`` seconds of silence.

        Numbers rise by one. They begin again at 1 only where a server had lost the job and it was sent again.
        """
        seen = 0
        while True:
            with self._lock:
                if seen >= self._heard and not self.done():
                    self._lock.wait(tick)
                kept = list(self._events)
                new, ended = kept[len(kept) - min(self._heard - seen, len(kept)) :], self.done()
                seen = self._heard
            yield from new
            if ended:
                return
            if not new and tick is not None:
                yield None

    def result(self, timeout: float | None = None) -> Result:
        """The result and its pictures (uint8 H×W×3 each, read-only).

        Raises TimeoutError after ``timeout`` seconds (the job goes on), Cancelled, JobFailed, InvalidInput,
        BridgeUnavailable, ProtocolMismatch.
        """
        try:
            return self._future.result(timeout)
        except CancelledError:
            raise Cancelled("The job was cancelled") from None

    def wait_accepted(self, timeout: float) -> bool:
        """Wait until the server has taken the job, or it has ended; whether that is so."""
        with self._lock:
            return self._lock.wait_for(lambda: self.id or self.done(), timeout)  # pyright: ignore[reportReturnType]

    def cancel(self) -> None:
        """End the job; ``result`` raises Cancelled at once, the server hears of it as soon as it can."""
        self._future.cancel()

    def let_go(self) -> None:
        """Follow no more. The job goes on at the server: ``Bridge.resume`` finds it again."""
        self._course.keep_at_server = True
        self._future.cancel()

    def _hear(self, event: Event | None) -> None:
        with self._lock:
            if event is not None:
                self._events.append(event)
                self._heard += 1
            self._lock.notify_all()


Find = Callable[[], Awaitable[Endpoint]]
"""The server to talk to, started if need be."""


class Order:
    """What is asked of the server: a new job, or one that it has."""

    def __init__(self, body: Sequence[BytesLike], key: str, priority: Priority, id: str = "") -> None:
        self.body = body
        """empty: the job was sent by an earlier session"""
        self.key = key
        """by which the server knows a job that comes twice"""
        self.priority: Priority = priority
        self.id = id

    @property
    def headers(self) -> dict[str, str]:
        """Of the request that hands it in."""
        return {"Content-Type": BODY_TYPE, KEY_HEADER: self.key, PRIORITY_HEADER: self.priority}


class _Course:
    """Lives on the network thread."""

    def __init__(self, find: Find, order: Order, patience: float, hear: Callable[[Event | None], None]) -> None:
        self.id = order.id
        self.keep_at_server = False
        self._find = find
        self._order = order
        self._pauses = _Pauses(patience)
        self._hear = hear
        self._last = 0
        self._final: Event | None = None
        self._resends = 0
        self._submitting: asyncio.Task[str] | None = None
        self._sent = asyncio.Event()
        self._endpoint: Endpoint | None = None

    async def run(self) -> Result:
        """Hand the job in unless the server has it, follow it, fetch its result."""
        try:
            while True:
                try:
                    return await self._attempt()
                except ConnectionBrokenError as error:
                    await self._pauses.wait(error)
                except RefusedError as refused:
                    await self._refused(refused)
        except asyncio.CancelledError:
            if not self.keep_at_server and self._endpoint:
                network.start(_cancel_there(self._endpoint, self.id, self._unfinished_submit()))
            raise

    async def _attempt(self) -> Result:
        self._endpoint = endpoint = await self._find()
        if not self.id:
            self.id = await self._submit(endpoint)
            self._pauses.progress()
            self._hear(None)
        self._final = self._final or await self._follow(endpoint)
        _check_final(self._final)
        async with exchange(endpoint, "GET", f"/v1/jobs/{self.id}/result") as reply:
            received = read_body(await reply.bytes())
        result = received.message(GenerateResult, ignore_unknown=True)
        return result, [received.array(ref) for ref in result.images]

    async def _submit(self, endpoint: Endpoint) -> str:
        """The job's id. Goes on when this task is cancelled: what the server may have, it must be told about."""
        self._sent.clear()
        self._submitting = asyncio.ensure_future(_submit(endpoint, self._order, self._sent))
        return await asyncio.shield(self._submitting)

    def _unfinished_submit(self) -> asyncio.Task[str] | None:
        task = self._submitting
        if task and not self.id and not task.done() and not self._sent.is_set():
            task.cancel()  # the server has but a part of it: no job
        return task

    async def _follow(self, endpoint: Endpoint) -> Event:
        """Hear the job's events from the one after the last; the final one."""
        headers = {"Last-Event-ID": str(self._last)}
        path = f"/v1/jobs/{self.id}/events"
        async with exchange(endpoint, "GET", path, headers=headers, timeout=_SILENCE_SECONDS) as reply:
            async for line in reply.lines():
                if not line.startswith(b"data:"):
                    continue
                event = from_json(Event, load(line[5:]), ignore_unknown=True)
                self._last = event.number
                self._pauses.progress()
                self._hear(event)
                if event.state in FINAL_STATES:
                    return event
        raise ConnectionBrokenError("the event stream ends early")

    async def _refused(self, refused: RefusedError) -> None:
        """Wait, or begin anew, or raise what the user sees."""
        problem = refused.problem
        if problem.status == 404 and self.id and self._last_resort():
            self.id, self._last, self._final = "", 0, None
        elif problem.status == 429:  # full: there is room again sooner or later
            self._pauses.progress()
            await self._pauses.wait(refused, refused.retry_after or 1.0)
        elif problem.status in (401, 503):  # another server has taken its place, or it is ending
            await self._pauses.wait(refused, refused.retry_after)
        elif problem.status == 404 and self.id:
            raise JobFailed("The server knows nothing of this job any more", "Make the picture again", "lost")
        else:
            raise refused.user_error() from None

    def _last_resort(self) -> bool:
        """Whether the job can be sent once more."""
        self._resends += 1
        return bool(self._order.body) and self._resends <= _RESENDS


class _Pauses:
    """Longer and longer pauses between attempts, and an end to patience when nothing comes of them."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.progress()

    def progress(self) -> None:
        """Something has come of it."""
        self._pause = _FIRST_PAUSE
        self._since = time.monotonic()

    async def wait(self, reason: Exception, at_least: float = 0.0) -> None:
        """Raises BridgeUnavailable when it has gone on for too long."""
        if time.monotonic() - self._since > self._patience:
            message = f"The bridge server does not answer, or breaks off again and again: {reason}"
            raise BridgeUnavailable(message, "Look at the end of its server.log, then try again") from reason
        await asyncio.sleep(max(at_least, self._pause) * random.uniform(1.0, 1.25))  # not all clients at once
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)


async def _submit(endpoint: Endpoint, order: Order, sent: asyncio.Event) -> str:
    async with exchange(endpoint, "POST", "/v1/jobs", body=order.body, headers=order.headers, sent=sent) as reply:
        return (await reply.message(JobAccepted)).id


async def _cancel_there(endpoint: Endpoint, id: str, submitting: asyncio.Task[str] | None) -> None:
    """Tell the server, if it has the job or is just taking it. One that is gone needs to hear nothing."""
    nobody = (ConnectionBrokenError, RefusedError, InvalidInput, TimeoutError, asyncio.CancelledError)
    with contextlib.suppress(*nobody):
        if not id and submitting:
            id = await asyncio.wait_for(submitting, _SENT_SECONDS)
        if id:
            async with exchange(endpoint, "DELETE", f"/v1/jobs/{id}", timeout=_CANCEL_SECONDS):
                pass


def _check_final(event: Event) -> None:
    """Raise what a job's end means, unless it succeeded."""
    if event.state == "failed" and event.code == InvalidInput.code:  # found by the worker, refused all the same
        raise InvalidInput(event.message, event.hint)
    if event.state == "cancelled":
        raise Cancelled("The job was cancelled by another program", "Try again")
    if event.state != "succeeded":
        message = event.message or f"The job is {event.state}"
        raise JobFailed(message, event.hint or "Try again", event.code or event.state)
