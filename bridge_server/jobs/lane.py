"""One device and its worker: one job after the other, each tried a second time when the worker dies under it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from ..settings import Settings
from . import files
from .job import Job, StepPreview
from .queue import JobQueue
from .recovery import MAX_ATTEMPTS
from .spool import StoredFile
from .worker_process import WorkerDiedError, WorkerProcess

logger = logging.getLogger(__name__)


class Lane:
    """Runs jobs of a queue on one device until it is cancelled."""

    def __init__(self, device: str, jobs: JobQueue, settings: Settings) -> None:
        self.device = device
        self._jobs = jobs
        self._settings = settings
        self.job: Job | None = None
        """the one under way"""
        self._pace = _Pace()
        self._asked_last = 0.0
        """when something was asked beside the jobs"""
        self._handing = asyncio.Lock()
        """held while the worker is listened to: by a job, or by an order outside of jobs"""
        self.worker = WorkerProcess(
            {
                "type": "hello",
                "device": device,
                "test_generators": settings.test_generator,
                "models_dirs": [str(folder) for folder in settings.model_folders],
                "seen_dir": str((settings.data_dir or settings.state_dir) / "seen"),
                "licences": settings.licences,
                "compile_models": settings.compile_models,
                "memory_budget": settings.memory_budget_bytes,
                "model_idle_seconds": settings.model_idle_seconds,
            }
        )

    async def run(self) -> None:
        """Work for ever. The worker is started at once, so that the first job finds it ready."""
        try:
            async with self._handing:
                await self.worker.ensure()
        except WorkerDiedError:
            logger.error("the worker does not start; the first job will try again")
        while True:
            try:
                job = await asyncio.wait_for(self._jobs.next(), self._settings.worker_idle_seconds)
            except TimeoutError:
                if time.monotonic() - self._asked_last >= self._settings.worker_idle_seconds:
                    await self.end_worker()
                continue
            self.job = job
            try:
                async with self._handing:
                    await self._run_job(job)
            except Exception:
                logger.exception("job %s", job.id)
                job.report("failed", code="internal", message="The server failed", hint="Its log has the details")
                await self.worker.end()
            finally:
                self.job = None
                self._jobs.done(job)

    async def end_worker(self) -> None:
        """End the worker after the job under way: its memory is free then, really. The next job starts another."""
        async with self._handing:
            await self.worker.end()

    async def ask(self, header: dict[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        """Ask the worker something beside the jobs; it is started if need be. Raises WorkerDiedError."""
        self._asked_last = time.monotonic()
        try:
            await self.worker.ensure()
            return await self.worker.ask(header, payload)
        finally:
            self._asked_last = time.monotonic()

    async def order(self, kind: str, start: bool = False, **fields: Any) -> None:
        """Have the worker do something after the job under way; without a worker only if ``start``."""
        async with self._handing:
            self.worker.lent = {"yield": True, "take_back": False}.get(kind, self.worker.lent)
            if not start and not self.worker.pid:
                return
            try:
                await self.worker.ensure()
                async for _ in self.worker.order(kind, **fields):
                    pass
            except WorkerDiedError:
                logger.warning("the worker died at the order %s", kind)
                await self.worker.bury()

    async def _run_job(self, job: Job) -> None:
        while True:
            stopper = asyncio.create_task(self._stop_worker_for(job))
            try:
                await self._attempt(job)
                return
            except WorkerDiedError:
                logger.warning("the worker died under job %s, attempt %d", job.id, job.attempt)
                await self.worker.bury()
            finally:
                stopper.cancel()
            if job.stop_wanted.is_set() and not job.ended:
                job.report_stopped()
            if job.ended or job.stop_wanted.is_set():
                return
            if job.attempt >= MAX_ATTEMPTS:
                break
        message = "The worker process ended unexpectedly, twice"
        job.report("failed", code="worker_died", message=message, hint="Use a smaller size; the server's log says more")

    async def _attempt(self, job: Job) -> None:
        """Hand the job over and listen until it is done with. Raises WorkerDiedError."""
        job.attempt += 1
        self._pace = _Pace()
        reason = "The worker process ended unexpectedly; trying once more" if job.attempt > 1 else ""
        if reason or not self.worker.ready:
            job.report("loading", message=reason or "Starting the worker process")
        await self.worker.ensure()
        if job.stop_wanted.is_set():
            job.report_stopped()
            return
        paths = {"body": str(job.body.path), "result": str(self._jobs.result_path(job))}
        async for header, payload in self.worker.order("job", job=job.id, **paths):
            if header.get("job") == job.id:
                self._take(job, header, payload)

    def _take(self, job: Job, header: dict[str, Any], payload: bytes) -> None:
        """One frame of the worker into the job."""
        kind = header["type"]
        if kind == "event":
            self._pace.note(header["state"], header.get("step", 0))
            job.report(**{key: value for key, value in header.items() if key not in ("type", "job")})
        elif kind == "preview":
            job.preview = StepPreview(header["step"], header["steps"], header["height"], header["width"], payload)
        elif job.stop_wanted.is_set() and not (kind == "result" and self._jobs.stopping):
            job.report_stopped()
            files.remove([self._jobs.result_path(job)])
        elif kind == "result":
            job.succeed(StoredFile(self._jobs.result_path(job), header["size"], header["sha256"]))
        elif kind == "failed":
            job.report("failed", code=header["code"], message=header["message"], hint=header["hint"])
        else:
            raise ValueError(f"the worker says {kind!r}")

    async def _stop_worker_for(self, job: Job) -> None:
        """When the job is to stop: tell the worker, and kill it if it does not."""
        await job.stop_wanted.wait()
        try:
            await self.worker.send({"type": "cancel", "job": job.id})
        except WorkerDiedError:
            return
        grace, usual = self._grace(), self._settings.cancel_grace
        if grace > usual:
            message = f"Stopping: this may take up to {grace:.0f} s"
            job.report(job.state, message=message)
        await asyncio.sleep(grace)
        logger.warning("the worker did not stop within %.1f s and is killed", grace)
        self.worker.kill()

    def _grace(self) -> float:
        """Seconds that the worker gets to come to its next step."""
        if self._jobs.stopping:
            return self._settings.drain_grace
        longest = self._settings.load_grace if self._pace.loading else 2 * self._pace.step_seconds
        return max(self._settings.cancel_grace, longest)


class _Pace:
    """How long the steps of an attempt take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.loading = True
        self.step_seconds = 0.0
        """how long the last one took"""
        self._steps = 0
        self._since = clock()

    def note(self, state: str, step: int) -> None:
        """An event has come."""
        now = self._clock()
        self.loading = state in ("queued", "loading")
        if state == "running" and step > self._steps:
            self.step_seconds = (now - self._since) / (step - self._steps)
            self._steps = step
        self._since = now
