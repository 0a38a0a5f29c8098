"""The job store and its lanes without HTTP: real files, a real database, real worker processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from blender_segaddon.protocol.framing import read_body
from blender_segaddon.protocol.messages import Event, GenerateRequest
from bridge_server.jobs.job import Job
from bridge_server.jobs.queue import JobQueue
from bridge_server.jobs.runner import Runner
from bridge_server.jobs.spool import StoredFile
from bridge_server.settings import Settings

from .support import rehearsal

T = TypeVar("T")


def drive(work: Coroutine[Any, Any, T], seconds: float = 20.0) -> T:
    """Run a coroutine to its end, which must come in time."""
    return asyncio.run(asyncio.wait_for(work, seconds))


@contextlib.asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[JobQueue]:
    """A queue that nobody takes jobs from."""
    jobs = JobQueue(Settings(folder, test_generator=True, **settings))
    jobs.start()
    try:
        yield jobs
    finally:
        await jobs.close()


@contextlib.asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[tuple[JobQueue, Runner]]:
    """A queue whose jobs are run."""
    async with opened(folder, **settings) as jobs:
        runner = Runner(jobs, Settings(folder, test_generator=True, **settings))
        task = asyncio.create_task(runner.run())
        try:
            yield jobs, runner
        finally:
            await runner.drain(0.0)
            task.cancel()


async def submit(jobs: JobQueue, prompt: str = "0 0", *, generator: str = "rehearsal", **options: Any) -> Job:
    """A small job."""
    data = b"".join(rehearsal(prompt, generator=generator))
    async with jobs.incoming(len(data), options.get("key", "")) as spool:
        await spool.write(data)
        return await jobs.submit(read_body(data).message(GenerateRequest), await spool.finish(), **options)


async def ended(job: Job) -> list[Event]:
    """All events of a job, to its last one."""
    return [event async for event in job.follow(0, 60.0) if event]


async def finish(jobs: JobQueue, job: Job, size: int = 100) -> None:
    """Do the next job, which is ``job``, by hand."""
    assert await jobs.next() is job
    path = jobs.result_path(job)
    path.write_bytes(bytes(size))
    job.succeed(StoredFile(path, size, "0" * 64))
    jobs.done(job)
    await ended(job)
    await settled(jobs)


async def settled(jobs: JobQueue) -> None:
    """Until what was begun in the background is done."""
    await jobs.newest(1)
    await asyncio.sleep(0.02)
