"""All jobs of the server: taken in, in order, kept on disk. See the package for how it is used."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import re
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from blender_segaddon.protocol.messages import FINAL_STATES, Event, GenerateRequest, JobState, Priority

from ..problems import ProblemError
from ..settings import Settings
from . import disk, records
from .blobs import Blobs
from .database import Database, open_database
from .files import Files, remove
from .job import Job
from .lines import Lines
from .records import Limits, Record
from .recovery import recover
from .spool import Spool, StoredFile

logger = logging.getLogger(__name__)

T = TypeVar("T")

_ID = re.compile(r"[0-9a-f]{32}")
_FORGET_SECONDS = 60.0
"""Between two looks at how old the finished jobs are."""


@dataclass(frozen=True)
class Snapshot:
    """Figures of the queue, for metrics."""

    queued: dict[Priority, int]
    """jobs that wait"""
    queued_bytes: int
    """their bodies, and those on their way"""
    oldest_wait: float
    """seconds that the oldest of them has waited"""
    running: int
    ended: dict[JobState, int]
    """jobs that ended since the server started, by how"""
    kept: int
    """finished jobs that are remembered"""
    kept_bytes: int
    """their results"""


class JobQueue:
    """Lives on the event loop's thread alone. Only jobs that have not ended are held in memory."""

    def __init__(self, settings: Settings) -> None:
        """Open the store and find the jobs that an earlier server left. Raises StorageError."""
        self._settings = settings
        self._files = Files(settings.data_dir or settings.state_dir / "jobs")
        self.blobs = Blobs(self._files.blobs, settings.max_blob_bytes)
        connection = open_database(self._files.database)
        self._database = Database(connection)
        self._kept, self._kept_bytes = records.totals(connection)
        self._jobs: dict[str, Job] = {}
        """those that have not ended, by id"""
        self._lines = Lines()
        self._arrived = asyncio.Event()
        self._running: list[Job] = []
        self._arriving = [0, 0]
        """bodies on their way, and their bytes"""
        self._readers: Counter[str] = Counter()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Job]] = set()
        self._ended: Counter[JobState] = Counter()
        self._looked = 0.0
        self._held = False
        self.stopping = False
        for job in recover(connection, self._files, self._keep):
            self._jobs[job.id] = job
            if not job.ended:
                self._lines.add(job)

    def start(self) -> None:
        """Begin to write, for the running event loop."""
        self._database.start()
        for job in self._lines:
            self._watch_deadline(job)
        self._forget_old()

    def let_go(self) -> None:
        """End the event streams: the server goes before the jobs do."""
        for job in self._jobs.values():
            job.close()

    async def close(self) -> None:
        """Write what waits, and leave no file behind when no job is kept."""
        self.let_go()
        await self._database.close()
        if not self._jobs and not self._kept:
            await asyncio.to_thread(self._files.remove_if_empty)

    @property
    def folder(self) -> Path:
        """Where everything is kept."""
        return self._files.folder

    @property
    def queued(self) -> int:
        """Jobs that wait."""
        return len(self._lines)

    @property
    def running(self) -> int:
        """Jobs that run."""
        return len(self._running)

    @property
    def busy(self) -> bool:
        """True while a job waits or runs."""
        return bool(self._lines) or bool(self._running)

    def snapshot(self) -> Snapshot:
        """Figures for metrics."""
        oldest = min((job.created for job in self._lines), default=time.time())
        return Snapshot(
            queued={"interactive": self._lines.count("interactive"), "batch": self._lines.count("batch")},
            queued_bytes=self._waiting_bytes(),
            oldest_wait=max(time.time() - oldest, 0.0),
            running=len(self._running),
            ended=dict(self._ended),
            kept=self._kept,
            kept_bytes=self._kept_bytes,
        )

    def check_room(self, size: int) -> None:
        """Raise ProblemError (503, 429, 507) unless a job with a body of ``size`` bytes may come in now."""
        if self.stopping:
            hint = "Send the job again: a new server starts on demand"
            raise ProblemError(503, "server_stopping", "The server is ending", hint, retry_after=1)
        jobs = len(self._lines) + self._arriving[0]
        if jobs >= self._settings.max_queued or self._waiting_bytes() + size > self._settings.max_queued_bytes:
            detail = f"{jobs} jobs are waiting already"
            raise ProblemError(429, "queue_full", detail, "Try again a little later", retry_after=1)
        disk.check_free(self._files.bodies, size)

    @contextlib.asynccontextmanager
    async def incoming(self, size: int, key: str = "") -> AsyncIterator[Spool]:
        """A spool for a body of ``size`` bytes; what is not submitted is gone afterwards.

        A job whose key is known already needs no room. Raises as ``check_room``.
        """
        if not (key and await self._do(lambda db: records.find(db, key=key))):
            self.check_room(size)
        with disk.problems():
            spool = Spool(self._files.arriving())
        self._arriving = [self._arriving[0] + 1, self._arriving[1] + size]
        try:
            with disk.problems():
                yield spool
        finally:
            self._arriving = [self._arriving[0] - 1, self._arriving[1] - size]
            await spool.discard()

    async def submit(
        self,
        request: GenerateRequest,
        body: StoredFile,
        *,
        key: str = "",
        priority: Priority = "interactive",
        deadline: float = 0.0,
    ) -> Job:
        """Take in a job, its body from ``incoming``; one that came before with this key is returned instead.

        On return it is on disk. ``deadline``: Unix time at which it expires, 0 for never.
        Raises ProblemError: 409 when the key came with another body, 507.
        """
        now = time.time()
        record = Record(uuid.uuid4().hex, key, request.generator, priority, now, deadline, body.size, body.sha256)
        stored = dataclasses.replace(body, path=self._files.body(record.id))
        with disk.problems():
            body.path.replace(stored.path)
        task = asyncio.create_task(self._take_in(record, stored))
        self._tasks.add(task)  # so that it goes on when the caller goes away
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def get(self, id: str) -> Job:
        """The job of this id. Raises ProblemError (404)."""
        if id in self._jobs:
            return self._jobs[id]
        found = await self._do(lambda db: _load(db, id)) if _ID.fullmatch(id) else None
        if found is None:
            raise ProblemError(404, "no_such_job", "There is no such job here (any more)", "Send the job again")
        return self._past(*found)

    async def newest(self, limit: int = 100) -> list[Job]:
        """The jobs that came last, the last one first; finished ones with their last event only."""

        def read(db: sqlite3.Connection) -> list[tuple[Record, list[Event]]]:
            return [(record, [records.last_event(db, record.id)]) for record in records.newest(db, limit)]

        found = await self._do(read)
        return [self._jobs.get(record.id) or self._past(record, events) for record, events in found]

    async def cancel(self, job: Job) -> None:
        """Cancel a job: at once when it waits, at its next step when it runs, not at all when it has ended.

        On return that is on disk: a job that was cancelled is never run again.
        """
        if job.ended:
            return
        self._stop(job, "cancelled")
        await self._do(lambda db: records.stop(db, job.id))

    @contextlib.contextmanager
    def reading(self, job: Job) -> Iterator[StoredFile]:
        """A job's result, not removed inside the block. Raises ProblemError (404) when it is not there."""
        if job.result is None or not job.result.path.exists():
            raise ProblemError(404, "no_such_job", "There is no result of this job (any more)", "Send the job again")
        self._readers[job.id] += 1
        try:
            yield job.result
        finally:
            self._readers[job.id] -= 1
            if not self._readers[job.id]:
                del self._readers[job.id]

    def result_path(self, job: Job) -> Path:
        """Where the worker puts the job's result."""
        return self._files.result(job.id)

    def hold(self) -> None:
        """Begin no job until ``release``."""
        self._held = True

    def release(self) -> None:
        """Begin jobs again."""
        self._held = False
        self._arrived.set()

    def stop_all(self) -> None:
        """Take nothing more in; what runs goes back to the waiting jobs, which the next server runs."""
        self.stopping = True
        self.hold()
        for job in self._running:
            job.stop("queued", message="The server is ending, the next one goes on")

    async def next(self) -> Job:
        """Wait for the next job; it counts as running until ``done``."""
        while self._held or not self._lines:
            self._arrived.clear()
            await self._arrived.wait()
        job = self._lines.take()
        self._running.append(job)
        return job

    def done(self, job: Job) -> None:
        """The job does not run any more."""
        self._running.remove(job)

    async def _take_in(self, record: Record, body: StoredFile) -> Job:
        ahead = len(self._lines) + len(self._running)
        event = Event(1, "queued", message=f"{ahead} ahead" if ahead else "")
        try:
            kept = await self._do(lambda db: records.insert(db, record, event))
        except BaseException:
            remove([body.path])
            raise
        if kept.id != record.id:
            remove([body.path])
            if (kept.body_size, kept.body_sha256) != (record.body_size, record.body_sha256):
                raise ProblemError(409, "key_reused", "This Idempotency-Key came with another request", "Use a new key")
            return await self.get(kept.id)
        job = Job(record, body, [event], self._keep)
        self._jobs[job.id] = job
        self._lines.add(job)
        self._watch_deadline(job)
        self._arrived.set()
        return job

    async def _do(self, run: Callable[[sqlite3.Connection], T]) -> T:
        with disk.problems():
            return await self._database.do(run)

    def _past(self, record: Record, events: list[Event]) -> Job:
        """A job that has ended, as it is on disk."""
        body = StoredFile(self._files.body(record.id), record.body_size, record.body_sha256)
        job = Job(record, body, events, self._keep)
        if record.result_sha256:
            job.result = StoredFile(self._files.result(record.id), record.result_size, record.result_sha256)
        return job

    def _keep(self, job: Job, event: Event) -> None:
        """The journal of every job: an event goes on disk, then those who follow see it."""
        attempt, result = job.attempt, job.result
        final = event.state in FINAL_STATES

        def write(db: sqlite3.Connection) -> None:
            records.append(db, job.id, event)
            if final:
                records.end(db, job.id, time.time(), result.size if result else 0, result.sha256 if result else "")
            elif event.state in ("queued", "loading"):
                records.begin(db, job.id, attempt)

        def done(_: None, error: BaseException | None) -> None:
            if error:  # the job goes on all the same; only a later server will not know
                logger.error("an event of job %s cannot be kept: %s", job.id, error)
            job.publish(event)
            if final and not error:
                self._retire(job)

        self._database.post(write, done)

    def _retire(self, job: Job) -> None:
        """A job has ended, on disk too."""
        self._jobs.pop(job.id, None)
        if timer := self._timers.pop(job.id, None):
            timer.cancel()
        self._ended[job.state] += 1
        self._kept += 1
        self._kept_bytes += job.result.size if job.result else 0
        asyncio.get_running_loop().run_in_executor(None, remove, [job.body.path])
        self._forget_old()

    def _forget_old(self) -> None:
        settings, now = self._settings, time.time()
        full = self._kept > settings.max_results or self._kept_bytes > settings.max_result_bytes
        if not full and now - self._looked < _FORGET_SECONDS:
            return
        self._looked = now
        limits = Limits(now - settings.result_seconds, settings.max_results, settings.max_result_bytes)
        spared = frozenset(self._readers)

        def done(gone: list[tuple[str, int]] | None, error: BaseException | None) -> None:
            if error or not gone:
                return
            self._kept -= len(gone)
            self._kept_bytes -= sum(size for _, size in gone)
            paths = [self._files.result(id) for id, size in gone if size]
            asyncio.get_running_loop().run_in_executor(None, remove, paths)

        self._database.post(lambda db: records.forget(db, limits, spared), done)

    def _watch_deadline(self, job: Job) -> None:
        if job.deadline:
            delay = max(job.deadline - time.time(), 0.0)
            self._timers[job.id] = asyncio.get_running_loop().call_later(delay, self._stop, job, "expired")

    def _stop(self, job: Job, state: JobState) -> None:
        if state == "expired":
            hint = "Send it with a later deadline"
            job.stop("expired", code="deadline", message="The job's deadline has passed", hint=hint)
        else:
            job.stop(state)
        if job in self._lines:
            self._lines.remove(job)
            job.report_stopped()

    def _waiting_bytes(self) -> int:
        return sum(job.body.size for job in self._lines) + self._arriving[1]


def _load(db: sqlite3.Connection, id: str) -> tuple[Record, list[Event]] | None:
    record = records.find(db, id=id)
    return (record, records.events(db, id)) if record else None
