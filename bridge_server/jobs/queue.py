"""All jobs of the server, in memory: bounded, in order, the finished ones kept for a while."""

from __future__ import annotations

import asyncio
from collections import deque

from blender_segaddon.protocol.messages import GenerateRequest

from ..problems import ProblemError
from ..settings import Settings
from .job import Job

STOPPING_HINT = "Send the job again: a new server starts on demand"


class JobQueue:
    """Lives on the event loop's thread alone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs: dict[str, Job] = {}
        """by id, oldest first"""
        self._waiting: deque[Job] = deque()
        self._arrived = asyncio.Event()
        self.running: Job | None = None
        self.stopping = False

    @property
    def queued(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """True while a job waits or runs."""
        return bool(self._waiting) or self.running is not None

    def check_room(self, size: int) -> None:
        """Raise ProblemError (503, 429) unless a job with a body of ``size`` bytes may come in now."""
        if self.stopping:
            raise ProblemError(503, "server_stopping", "The server is ending", STOPPING_HINT, retry_after=1)
        held = sum(job.body_size for job in self._waiting)
        if len(self._waiting) >= self._settings.max_queued or held + size > self._settings.max_queued_bytes:
            detail = f"{len(self._waiting)} jobs are waiting already"
            raise ProblemError(429, "queue_full", detail, "Try again a little later", retry_after=1)

    def submit(self, request: GenerateRequest, body: bytes | bytearray, key: str = "") -> Job:
        """Take in a job; one that came before with this key is returned instead. Raises as ``check_room``."""
        if key and (known := next((job for job in self._jobs.values() if job.key == key), None)):
            if known.request != request or known.body_size != len(body):
                raise ProblemError(409, "key_reused", "This Idempotency-Key came with another request", "Use a new key")
            return known
        self.check_room(len(body))
        job = Job(request, body, key)
        ahead = len(self._waiting) + (self.running is not None)
        job.report("queued", message=f"{ahead} ahead" if ahead else "")
        self._jobs[job.id] = job
        self._waiting.append(job)
        self._arrived.set()
        return job

    def get(self, id: str) -> Job:
        """The job of this id. Raises ProblemError (404)."""
        if id not in self._jobs:
            raise ProblemError(404, "no_such_job", "There is no such job here (any more)", "Send the job again")
        return self._jobs[id]

    def cancel(self, job: Job) -> None:
        """Cancel a job: at once when it waits, at its next step when it runs, not at all when it has ended."""
        job.stop()
        if job in self._waiting:
            self._waiting.remove(job)
            job.report_stopped()
            self._forget_old()

    def stop_all(self) -> None:
        """Take nothing more in; fail what waits and ask the running job to stop."""
        self.stopping = True
        reason = {"code": "server_stopping", "message": "The server is ending", "hint": STOPPING_HINT}
        for job in self._waiting:
            job.stop(**reason)
            job.report_stopped()
        self._waiting.clear()
        if self.running:
            self.running.stop(**reason)

    async def next(self) -> Job:
        """Wait for the next job; it counts as running until ``done``."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        self.running = self._waiting.popleft()
        return self.running

    def done(self) -> None:
        """The running job has ended."""
        self.running = None
        self._forget_old()

    def _forget_old(self) -> None:
        """Drop the oldest finished jobs until the others fit their limits."""
        ended = [job for job in self._jobs.values() if job.ended]
        held = sum(len(job.result) for job in ended)
        while len(ended) > 1 and (len(ended) > self._settings.max_results or held > self._settings.max_result_bytes):
            oldest = ended.pop(0)
            held -= len(oldest.result)
            del self._jobs[oldest.id]
