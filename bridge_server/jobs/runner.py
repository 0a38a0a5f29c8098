"""Brings jobs and worker together: one job after the other, each tried a second time when the worker dies under it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ..settings import Settings
from .job import Job
from .queue import JobQueue
from .worker_process import WorkerDiedError, WorkerProcess

logger = logging.getLogger(__name__)

_ATTEMPTS = 2


class Runner:
    """Runs the jobs of a queue until it is cancelled."""

    def __init__(self, jobs: JobQueue, settings: Settings) -> None:
        self._jobs = jobs
        self._settings = settings
        self._grace = settings.cancel_grace
        self.worker = WorkerProcess()

    async def run(self) -> None:
        """Work for ever. The worker is started at once, so that the first job finds it ready."""
        try:
            await self.worker.ensure()
        except WorkerDiedError:
            logger.error("the worker does not start; the first job will try again")
        while True:
            job = await self._jobs.next()
            try:
                await self._run_job(job)
            except Exception:
                logger.exception("job %s", job.id)
                job.report("failed", code="internal", message="The server failed", hint="Its log has the details")
                await self.worker.end()
            finally:
                self._jobs.done()

    async def drain(self, grace: float) -> None:
        """Fail what waits, stop what runs within ``grace`` seconds, end the worker."""
        self._grace = grace
        self._jobs.stop_all()
        deadline = asyncio.get_running_loop().time() + grace
        while self._jobs.busy and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        if self._jobs.running:
            self.worker.kill()
            self._jobs.running.report_stopped()
        await self.worker.end()

    async def _run_job(self, job: Job) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            stopper = asyncio.create_task(self._stop_worker_for(job))
            try:
                await self._attempt(job)
                return
            except WorkerDiedError:
                logger.warning("the worker died under job %s, attempt %d", job.id, attempt)
                await self.worker.end()
            finally:
                stopper.cancel()
            if job.stop_wanted.is_set():
                job.report_stopped()
                return
            if attempt < _ATTEMPTS:
                job.report("loading", message="The worker process ended unexpectedly; trying once more")
        message = "The worker process ended unexpectedly, twice"
        job.report("failed", code="worker_died", message=message, hint="Use a smaller size; the server's log says more")

    async def _attempt(self, job: Job) -> None:
        """Hand the job over and listen until it has ended. Raises WorkerDiedError."""
        if not self.worker.ready:
            job.report("loading", message="Starting the worker process")
        await self.worker.ensure()
        header = {"type": "job", "job": job.id, "test_generator": self._settings.test_generator}
        await self.worker.send(header, job.body)
        while not job.ended:
            header, payload = await self.worker.receive()
            if header["job"] == job.id:
                _take(job, header, payload)

    async def _stop_worker_for(self, job: Job) -> None:
        """When the job is to stop: tell the worker, and kill it if it does not."""
        await job.stop_wanted.wait()
        try:
            await self.worker.send({"type": "cancel", "job": job.id})
        except WorkerDiedError:
            return
        await asyncio.sleep(self._grace)
        logger.warning("the worker did not stop within %.1f s and is killed", self._grace)
        self.worker.kill()


def _take(job: Job, header: dict[str, Any], payload: bytes) -> None:
    """One frame of the worker into the job."""
    kind = header["type"]
    details = {key: value for key, value in header.items() if key not in ("type", "job", "state")}
    if kind == "event":
        job.report(header["state"], **details)
    elif job.stop_wanted.is_set():
        job.report_stopped()
    elif kind == "result":
        job.succeed(payload)
    elif kind == "failed":
        job.report("failed", **details)
    else:
        raise ValueError(f"the worker says {kind!r}")
