"""One job while the server knows it: what it is, its events and, in the end, its result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from blender_segaddon.protocol.messages import FINAL_STATES, Event, JobState

from .records import Record
from .spool import StoredFile

Journal = Callable[["Job", Event], None]
"""Puts a job's new event on disk, then calls ``Job.publish`` with it."""


@dataclass(frozen=True)
class StepPreview:
    """How the picture looks in the middle."""

    step: int
    steps: int
    height: int
    width: int
    rgb: bytes
    """uint8 height×width×3"""


class Job:
    """Lives on the event loop's thread alone."""

    def __init__(self, record: Record, body: StoredFile, events: list[Event], journal: Journal) -> None:
        self.id = record.id
        self.key = record.key
        self.generator = record.generator
        self.priority = record.priority
        self.created = record.created
        self.deadline = record.deadline
        """Unix time, 0 for none"""
        self.body = body
        """as it was sent; the file is gone once the job has ended"""
        self.attempt = record.attempt
        """how often it was begun"""
        self.result: StoredFile | None = None
        """framed body of a GenerateResult, once succeeded; read it inside ``JobQueue.reading``"""
        self.preview: StepPreview | None = None
        """of the step that was reported last, if its generator makes any"""
        self.stop_wanted = asyncio.Event()
        self._stop_as: JobState = "cancelled"
        self._stop_reason = ("", "", "")
        self._journal = journal
        self._events = events
        """what others may see: all of it is on disk"""
        self._number = len(events)
        self.state: JobState = events[-1].state if events else "queued"
        """how things stand; others see it a moment later in ``event``"""
        self._news = asyncio.Event()
        self._closed = False

    @property
    def event(self) -> Event:
        """The latest event that others may see."""
        return self._events[-1]

    @property
    def ended(self) -> bool:
        """True when nothing will change any more."""
        return self.state in FINAL_STATES

    def report(
        self, state: JobState, *, step: int = 0, steps: int = 0, message: str = "", code: str = "", hint: str = ""
    ) -> None:
        """Append an event; those who follow hear it once it is on disk. What comes after a final state is dropped."""
        if self.ended:
            return
        self._number += 1
        self.state = state
        if self.ended:
            self.preview = None
        self._journal(self, Event(self._number, state, step, steps, message, code, hint))

    def publish(self, event: Event) -> None:
        """Show an event that is on disk, and wake those who follow."""
        self._events.append(event)
        self._news.set()
        self._news = asyncio.Event()

    def close(self) -> None:
        """Let those who follow go: the server ends before the job does."""
        self._closed = True
        self._news.set()

    def stop(self, state: JobState = "cancelled", *, code: str = "", message: str = "", hint: str = "") -> None:
        """Ask a running job to stop, and say how it then ends: cancelled, expired, failed, or queued once more."""
        if not self.stop_wanted.is_set():
            self._stop_as = state
            self._stop_reason = (code, message, hint)
            self.stop_wanted.set()

    def report_stopped(self) -> None:
        """Append the event that ``stop`` asked for."""
        if self._stop_as == "queued":  # this attempt was nobody's fault
            self.attempt -= 1
        code, message, hint = self._stop_reason
        self.report(self._stop_as, code=code, message=message, hint=hint)

    def succeed(self, result: StoredFile) -> None:
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
            if self._closed or (self.event.state in FINAL_STATES and after >= self.event.number):
                return
            if news.is_set():  # while the reader was busy with the last ones
                continue
            try:
                await asyncio.wait_for(news.wait(), heartbeat)
            except TimeoutError:
                yield None
