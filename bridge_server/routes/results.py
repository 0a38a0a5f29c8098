"""A finished job's pictures, out of their file."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from blender_segaddon.protocol.headers import BODY_TYPE

from ..jobs.job import Job
from ..jobs.mapped import mapped
from ..jobs.queue import JobQueue
from ..problems import ProblemError
from .endpoint import Header
from .service import job_of, service_of

HEADERS = (Header("If-None-Match", "ETags that the client has already", {"type": "string"}),)

_SLICE = 1 << 20
"""Bytes sent at once."""


async def result(request: Request) -> Response:
    """Framed body of a GenerateResult.

    409 unless the job has succeeded. The ETag is the SHA-256 of the body. Ranges are not served.
    """
    jobs, job = service_of(request).jobs, await job_of(request)
    if job.result is None:
        raise _no_result(job)
    with jobs.reading(job) as stored:  # 404 when it has been removed
        etag = f'"{stored.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    headers["Content-Length"] = str(stored.size)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=BODY_TYPE)
    return StreamingResponse(_slices(jobs, job), headers=headers, media_type=BODY_TYPE)


def _no_result(job: Job) -> ProblemError:
    event = job.event
    wait = 0 if job.ended else 1
    detail = event.message if event.code else f"The job is {event.state}"
    return ProblemError(409, event.code or "no_result", detail, event.hint, wait)


def _matches(asked: str, etag: str) -> bool:
    return etag in [part.strip().removeprefix("W/") for part in asked.split(",")] or asked.strip() == "*"


async def _slices(jobs: JobQueue, job: Job) -> AsyncIterator[memoryview]:
    with jobs.reading(job) as stored, mapped(stored.path) as view:
        for start in range(0, len(view), _SLICE):
            yield view[start : start + _SLICE]
