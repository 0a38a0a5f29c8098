"""What the routes work on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from ..jobs.job import Job
from ..jobs.queue import JobQueue
from ..jobs.runner import Runner
from ..metrics import Metrics
from ..settings import Settings


@dataclass
class Present:
    """Programs that hold a presence stream open."""

    count: int = 0


@dataclass(frozen=True)
class Service:
    """The parts of a running server."""

    settings: Settings
    jobs: JobQueue
    runner: Runner
    metrics: Metrics
    stop: Callable[[], None]
    """end the server, the running job first"""
    present: Present = field(default_factory=Present)
    started: float = field(default_factory=time.monotonic)


def service_of(request: Request) -> Service:
    """The server that got the request."""
    return request.app.state.service


async def job_of(request: Request) -> Job:
    """The job that the path names. Raises ProblemError (404)."""
    return await service_of(request).jobs.get(request.path_params["id"])
