"""One job: its request, its events and, in the end, its result."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

from blender_segaddon.protocol.messages import FINAL_STATES, Event, GenerateRequest, JobState


class Job:
    """Lives on the event loop's thread alone."""

    def __init__(self, request: GenerateRequest, body: bytes | bytearray, key: str) -> None:
        self.id = uuid.uuid4().hex
        self.request = request
        self.key = key
        """the client's Idempotency-Key, "" for none"""
        self.body_size = len(body)
        self.body: bytes | bytearray = body
        """as it was sent; empty once the job has ended"""
        self.result = b""
        """framed body of a GenerateResult, once succeeded"""
        self.stop_wanted = asyncio.Event()
        self._stop_reason = ("", "", "")
        self._events: list[Event] = []
        self._news = asyncio.Event()

    @property
    def event(self) -> Event:
        """The latest event."""
        return self._events[-1]

    @property
    def ended(self) -> bool:
        """True when nothing will change any more."""
        return bool(self._events) and self.event.state in FINAL_STATES

    def report(
        self, state: JobState, *, step: int = 0, steps: int = 0, message: str = "", code: str = "", hint: str = ""
    ) -> None:
        """Append an event and wake those who follow. What comes after a final state is dropped."""
        if self.ended:
            return
        self._events.append(Event(len(self._events) + 1, state, step, steps, message, code, hint))
        if self.ended:
            self.body = b""
        self._news.set()
        self._news = asyncio.Event()

    def stop(self, *, code: str = "", message: str = "", hint: str = "") -> None:
        """Ask a running job to stop: it ends as cancelled, or with a code as failed."""
        if not self.stop_wanted.is_set():
            self._stop_reason = (code, message, hint)
            self.stop_wanted.set()

    def report_stopped(self) -> None:
        """Append the final event that ``stop`` asked for."""
        code, message, hint = self._stop_reason
        self.report("failed" if code else "cancelled", code=code, message=message, hint=hint)

    def succeed(self, result: bytes) -> None:
        """Append the final event of a job that has its result."""
        if not self.ended:
            self.result = result
            self.report("succeeded")

    async def follow(self, after: int, heartbeat: float) -> AsyncIterator[Event | None]:
        """The events with a number above ``after``, those to come too; None every ``heartbeat`` seconds of silence."""
        while True:
            news = self._news
            for event in self._events[after:]:
                yield event
                after = event.number
            if self.ended and after >= self.event.number:
                return
            if news.is_set():  # while the reader was busy with the last ones
                continue
            try:
                await asyncio.wait_for(news.wait(), heartbeat)
            except TimeoutError:
                yield None
