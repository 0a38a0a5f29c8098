"""The routes: thin, every one answers from the job queue."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from blender_segaddon.protocol.checks import check_generate
from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.messages import GenerateRequest, Health, JobAccepted, JobStatus, ServerInfo
from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

from . import generators, problems
from .jobs.job import Job
from .jobs.mapped import mapped, opened_body
from .jobs.queue import JobQueue
from .jobs.runner import Runner
from .problems import ProblemError
from .settings import Settings

BODY_TYPE = "application/octet-stream"
HEAVY_MODULES = ("torch", "diffusers", "transformers", "blender_segaddon.core.preview")
"""What the worker alone may load."""

_SLICE = 1 << 20
"""Bytes of a result sent at once."""


@dataclass(frozen=True)
class Service:
    """What the routes work on."""

    settings: Settings
    jobs: JobQueue
    runner: Runner
    stop: Callable[[], None]
    """end the server"""


def create_app(service: Service) -> Starlette:
    """The ASGI application, yet without its guard."""
    app = Starlette(
        routes=[
            Route("/v1/health", health, methods=["GET"]),
            Route("/v1/info", info, methods=["GET"]),
            Route("/v1/jobs", submit, methods=["POST"]),
            Route("/v1/jobs/{id}", status, methods=["GET"]),
            Route("/v1/jobs/{id}", cancel, methods=["DELETE"]),
            Route("/v1/jobs/{id}/events", events, methods=["GET"]),
            Route("/v1/jobs/{id}/result", result, methods=["GET"]),
            Route("/v1/shutdown", shutdown, methods=["POST"]),
        ],
        exception_handlers={kind: problems.handle for kind in (ProblemError, SegAddonError, HTTPException, Exception)},
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app


async def health(request: Request) -> Response:
    """Alive; how many jobs wait and run."""
    jobs = _service(request).jobs
    return _json(Health("ok", queued=jobs.queued, running=jobs.running))


async def info(request: Request) -> Response:
    """Versions, generators, processes. 503 once the server is ending, so that clients start a new one."""
    service = _service(request)
    if service.jobs.stopping:
        raise ProblemError(503, "server_stopping", "The server is ending", "Ask the next one", retry_after=1)
    offered = generators.offered(service.settings.test_generator)
    return _json(
        ServerInfo(
            version=ADDON_VERSION,
            protocol_version=PROTOCOL_VERSION,
            generators=tuple(generator.name for generator in offered),
            pid=os.getpid(),
            worker_pid=next(iter(service.runner.worker_pids), 0),
            heavy_modules=tuple(name for name in HEAVY_MODULES if name in sys.modules),
        )
    )


async def submit(request: Request) -> Response:
    """Take in a job: framed body of a GenerateRequest. 202, 400, 411, 413, 415, 429 or 503."""
    service = _service(request)
    key = request.headers.get("idempotency-key", "")
    if len(key) > 200:
        raise ProblemError(400, "invalid_input", "The Idempotency-Key is too long", "Use at most 200 characters")
    size = _declared_size(request, service.settings)
    try:
        async with service.jobs.incoming(size, key) as spool:
            await _receive(request, service.settings, spool.write)
            body = await spool.finish()
            message = await asyncio.to_thread(_parse, body.path, service.settings)
            job = await service.jobs.submit(message, body, key=key)
    except ProblemError as error:
        if error.status in (429, 507):  # read to its end all the same: the client hears nothing while it sends
            await _receive(request, service.settings, _drop)
        raise
    return _json(JobAccepted(job.id, job.event.state), 202)


async def status(request: Request) -> Response:
    """A job's latest event."""
    job = await _job(request)
    return _json(JobStatus(job.id, job.event))


async def cancel(request: Request) -> Response:
    """Cancel a job; its state follows within a step."""
    job = await _job(request)
    await _service(request).jobs.cancel(job)
    return _json(JobStatus(job.id, job.event), 202)


async def events(request: Request) -> Response:
    """Server-sent events from the one after Last-Event-ID to the job's end."""
    last = request.headers.get("last-event-id", "0")
    if not (last.isascii() and last.isdigit() and len(last) < 10):
        raise ProblemError(400, "invalid_input", "Last-Event-ID is no event number", "Send the id of the last event")
    stream = _event_lines(await _job(request), int(last), _service(request).settings.heartbeat)
    return StreamingResponse(stream, headers={"Cache-Control": "no-store"}, media_type="text/event-stream")


async def result(request: Request) -> Response:
    """Framed body of a GenerateResult. 409 unless the job has succeeded."""
    job = await _job(request)
    if not job.result:
        event = job.event
        wait = 0 if job.ended else 1
        raise ProblemError(
            409, event.code or "no_result", event.message or f"The job is {event.state}", event.hint, wait
        )
    headers = {"Content-Length": str(job.result.size), "Cache-Control": "no-store", "ETag": f'"{job.result.sha256}"'}
    return StreamingResponse(_slices(_service(request).jobs, job), headers=headers, media_type=BODY_TYPE)


async def shutdown(request: Request) -> Response:
    """End the server: the running job is stopped, clients may send it to the next server."""
    _service(request).stop()
    return Response(status_code=202)


def _service(request: Request) -> Service:
    return request.app.state.service


async def _job(request: Request) -> Job:
    return await _service(request).jobs.get(request.path_params["id"])


def _json(message: Any, status_code: int = 200) -> Response:
    return Response(dump(to_json(message)), status_code, media_type="application/json")


def _declared_size(request: Request, settings: Settings) -> int:
    """Bytes of the request's body, known and allowed before one of them is kept."""
    declared = request.headers.get("content-length", "")
    if request.headers.get("content-type") != BODY_TYPE:
        raise ProblemError(415, "wrong_type", "The body is no framed body", f"Send Content-Type {BODY_TYPE}")
    if not declared.isdigit():
        raise ProblemError(411, "no_length", "The size of the body is not declared", "Send Content-Length")
    if int(declared) > settings.max_body_bytes:
        detail = f"A body of {int(declared) >> 20} MiB"
        raise ProblemError(413, "too_large", detail, f"Send at most {settings.max_body_bytes >> 20} MiB")
    return int(declared)


async def _receive(request: Request, settings: Settings, take: Callable[[bytes], Awaitable[None]]) -> None:
    chunks = request.stream()
    while chunk := await _next_chunk(chunks, settings.read_timeout):
        await take(chunk)


async def _drop(_: bytes) -> None:
    pass


async def _next_chunk(chunks: AsyncIterator[bytes], timeout: float) -> bytes:
    """The next bytes of a body, b"" at its end. Raises ProblemError (408) when the client falls silent."""
    try:
        return await asyncio.wait_for(anext(chunks, b""), timeout)
    except TimeoutError:
        raise ProblemError(408, "too_slow", f"No byte of the body came for {timeout:.0f} s", "Send it again") from None


def _parse(path: Path, settings: Settings) -> GenerateRequest:
    with opened_body(path) as body:
        message = body.message(GenerateRequest)
    check_generate(message)
    generators.find(message.generator, generators.offered(settings.test_generator))
    return message


async def _event_lines(job: Job, after: int, heartbeat: float) -> AsyncIterator[bytes]:
    async for event in job.follow(after, heartbeat):
        if event is None:
            yield b": alive\n\n"
        else:
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.state.encode(), dump(to_json(event)))


async def _slices(jobs: JobQueue, job: Job) -> AsyncIterator[memoryview | bytes]:
    with jobs.reading(job) as stored, mapped(stored.path) as view:
        for start in range(0, len(view), _SLICE):
            yield view[start : start + _SLICE]
