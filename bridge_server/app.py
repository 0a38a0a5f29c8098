"""The routes: thin, every one answers from the job queue."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from blender_segaddon.protocol.checks import check_generate
from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.framing import read_body
from blender_segaddon.protocol.messages import GenerateRequest, Health, JobAccepted, JobStatus, ServerInfo
from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

from . import generators, problems
from .jobs.job import Job
from .jobs.queue import STOPPING_HINT, JobQueue
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
    return _json(Health("ok", queued=jobs.queued, running=int(jobs.running is not None)))


async def info(request: Request) -> Response:
    """Versions, generators, processes. 503 once the server is ending, so that clients start a new one."""
    service = _service(request)
    if service.jobs.stopping:
        raise ProblemError(503, "server_stopping", "The server is ending", STOPPING_HINT, retry_after=1)
    offered = generators.offered(service.settings.test_generator)
    return _json(
        ServerInfo(
            version=ADDON_VERSION,
            protocol_version=PROTOCOL_VERSION,
            generators=tuple(generator.name for generator in offered),
            pid=os.getpid(),
            worker_pid=service.runner.worker.pid,
            heavy_modules=tuple(name for name in HEAVY_MODULES if name in sys.modules),
        )
    )


async def submit(request: Request) -> Response:
    """Take in a job: framed body of a GenerateRequest. 202, 400, 411, 413, 415, 429 or 503."""
    service = _service(request)
    key = request.headers.get("idempotency-key", "")
    if len(key) > 200:
        raise ProblemError(400, "invalid_input", "The Idempotency-Key is too long", "Use at most 200 characters")
    body = await _read(request, service)
    message = await asyncio.to_thread(_parse, body, service.settings)
    job = service.jobs.submit(message, body, key)
    return _json(JobAccepted(job.id, job.event.state), 202)


async def status(request: Request) -> Response:
    """A job's latest event."""
    job = _job(request)
    return _json(JobStatus(job.id, job.event))


async def cancel(request: Request) -> Response:
    """Cancel a job; its state follows within a step."""
    job = _job(request)
    _service(request).jobs.cancel(job)
    return _json(JobStatus(job.id, job.event), 202)


async def events(request: Request) -> Response:
    """Server-sent events from the one after Last-Event-ID to the job's end."""
    last = request.headers.get("last-event-id", "0")
    if not (last.isascii() and last.isdigit() and len(last) < 10):
        raise ProblemError(400, "invalid_input", "Last-Event-ID is no event number", "Send the id of the last event")
    stream = _event_lines(_job(request), int(last), _service(request).settings.heartbeat)
    return StreamingResponse(stream, headers={"Cache-Control": "no-store"}, media_type="text/event-stream")


async def result(request: Request) -> Response:
    """Framed body of a GenerateResult. 409 unless the job has succeeded."""
    job = _job(request)
    if not job.result:
        event = job.event
        wait = 0 if job.ended else 1
        raise ProblemError(
            409, event.code or "no_result", event.message or f"The job is {event.state}", event.hint, wait
        )
    headers = {"Content-Length": str(len(job.result)), "Cache-Control": "no-store"}
    return StreamingResponse(_slices(job.result), headers=headers, media_type=BODY_TYPE)


async def shutdown(request: Request) -> Response:
    """End the server: the running job is stopped, clients may send it to the next server."""
    _service(request).stop()
    return Response(status_code=202)


def _service(request: Request) -> Service:
    return request.app.state.service


def _job(request: Request) -> Job:
    return _service(request).jobs.get(request.path_params["id"])


def _json(message: Any, status_code: int = 200) -> Response:
    return Response(dump(to_json(message)), status_code, media_type="application/json")


async def _read(request: Request, service: Service) -> bytearray:
    """The request's body. Its size is known and allowed before a byte is kept."""
    settings = service.settings
    declared = request.headers.get("content-length", "")
    if request.headers.get("content-type") != BODY_TYPE:
        raise ProblemError(415, "wrong_type", "The body is no framed body", f"Send Content-Type {BODY_TYPE}")
    if not declared.isdigit():
        raise ProblemError(411, "no_length", "The size of the body is not declared", "Send Content-Length")
    if int(declared) > settings.max_body_bytes:
        detail = f"A body of {int(declared) >> 20} MiB"
        raise ProblemError(413, "too_large", detail, f"Send at most {settings.max_body_bytes >> 20} MiB")
    refusal = None
    try:
        service.jobs.check_room(int(declared))
    except ProblemError as error:
        refusal = error
    body = bytearray()
    chunks = request.stream()
    while chunk := await _next_chunk(chunks, settings.read_timeout):
        if refusal is None:  # else the body is read to its end all the same: the client hears nothing while it sends
            body += chunk
    if refusal:
        raise refusal
    return body


async def _next_chunk(chunks: AsyncIterator[bytes], timeout: float) -> bytes:
    """The next bytes of a body, b"" at its end. Raises ProblemError (408) when the client falls silent."""
    try:
        return await asyncio.wait_for(anext(chunks, b""), timeout)
    except TimeoutError:
        raise ProblemError(408, "too_slow", f"No byte of the body came for {timeout:.0f} s", "Send it again") from None


def _parse(body: bytearray, settings: Settings) -> GenerateRequest:
    message = read_body(body).message(GenerateRequest)
    check_generate(message)
    generators.find(message.generator, generators.offered(settings.test_generator))
    return message


async def _event_lines(job: Job, after: int, heartbeat: float) -> AsyncIterator[bytes]:
    async for event in job.follow(after, heartbeat):
        if event is None:
            yield b": alive\n\n"
        else:
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.state.encode(), dump(to_json(event)))


async def _slices(data: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(view), _SLICE):
        yield view[start : start + _SLICE]
