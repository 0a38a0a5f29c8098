"""Taking a job in: its body into a file, its header held against the protocol, then into the queue."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast, get_args

from starlette.requests import Request
from starlette.responses import Response

from blender_segaddon.protocol.framing import ALIGNMENT, MAX_HEADER_BYTES, start
from blender_segaddon.protocol.headers import (
    BODY_TYPE,
    DEADLINE_HEADER,
    KEY_HEADER,
    MAX_DEADLINE,
    MAX_KEY,
    PRIORITY_HEADER,
)
from blender_segaddon.protocol.messages import GenerateRequest, JobAccepted, JobFromBlobs, Priority

from .. import generators, validation
from ..jobs.spool import Spool
from ..problems import ProblemError
from .bodies import Incoming
from .endpoint import reply
from .service import Service, service_of

MAX_BLOBS = 64
"""Blobs that one job may name: as many as it may have buffers."""


@dataclass(frozen=True)
class _Terms:
    """What the headers of a submitted job say."""

    key: str
    priority: Priority
    deadline: float
    """Unix time, 0 for none"""


async def submit(request: Request) -> Response:
    """Take in a job.

    Either as a framed body of a GenerateRequest, or as JSON that names blobs which the server has already. The reply
    comes when the job is on disk: from then on it survives the death of the server.
    """
    service = service_of(request)
    body = Incoming(request, service.settings, BODY_TYPE, "application/json")
    async with body.refused_politely():
        terms = _terms(request)
        incoming = _framed if body.type == BODY_TYPE else _from_blobs
        async with incoming(service, body, terms.key) as (spool, known):
            stored = await spool.finish()
            message = known or await asyncio.to_thread(validation.read_request, stored.path, stored.size)
            generators.find(message.generator, generators.offered(service.settings.test_generator))
            job = await service.jobs.submit(
                message, stored, key=terms.key, priority=terms.priority, deadline=terms.deadline
            )
    return reply(JobAccepted(job.id, job.event.state), 202)


@contextlib.asynccontextmanager
async def _framed(service: Service, body: Incoming, key: str) -> AsyncIterator[tuple[Spool, GenerateRequest | None]]:
    """The body as it comes; what it asks for is read from the file."""
    async with service.jobs.incoming(body.size, key) as spool:
        await body.into(spool.write)
        yield spool, None


@contextlib.asynccontextmanager
async def _from_blobs(
    service: Service, body: Incoming, key: str
) -> AsyncIterator[tuple[Spool, GenerateRequest | None]]:
    """A framed body put together here: the header that was sent, and the blobs that it names."""
    data = await body.whole(MAX_HEADER_BYTES)
    asked = await asyncio.to_thread(validation.read_json, JobFromBlobs, data)
    if len(asked.blobs) > MAX_BLOBS:
        raise ProblemError(400, "invalid_input", f"{len(asked.blobs)} blobs in one job", f"Name at most {MAX_BLOBS}")
    paths = [service.jobs.blobs.path(sha256) for sha256 in asked.blobs]
    header = start(asked.message)
    padded = [size + -size % ALIGNMENT for size in (path.stat().st_size for path in paths)]
    validation.check_request(asked.message, sum(padded))
    size = len(header) + sum(padded)
    if size > service.settings.max_body_bytes:
        hint = f"Name blobs of at most {service.settings.max_body_bytes:,} bytes together"
        raise ProblemError(413, "too_large", f"A job of {size:,} bytes", hint)
    async with service.jobs.incoming(size, key) as spool:
        await spool.write(header)
        for path in paths:
            await spool.add_file(path)
            await spool.write(bytes(-spool.size % ALIGNMENT))
        yield spool, asked.message


def _terms(request: Request) -> _Terms:
    key = request.headers.get(KEY_HEADER, "")
    if len(key) > MAX_KEY:
        raise ProblemError(400, "invalid_input", f"The {KEY_HEADER} is too long", f"Use at most {MAX_KEY} characters")
    priority = request.headers.get(PRIORITY_HEADER, "interactive")
    if priority not in get_args(Priority):
        hint = f"Use one of: {', '.join(get_args(Priority))}"
        raise ProblemError(400, "invalid_input", f"There is no priority {priority!r:.40}", hint)
    return _Terms(key, cast("Priority", priority), _deadline(request.headers.get(DEADLINE_HEADER)))


def _deadline(seconds: str | None) -> float:
    if seconds is None:
        return 0.0
    try:
        wait = float(seconds)
    except ValueError:
        wait = 0.0
    if not 0 < wait <= MAX_DEADLINE:
        hint = f"Send seconds from now, at most {MAX_DEADLINE:.0f}"
        raise ProblemError(400, "invalid_input", f"{DEADLINE_HEADER} {seconds!r:.40} is no deadline", hint)
    return time.time() + wait
