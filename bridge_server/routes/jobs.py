"""Jobs in, their course, and their pictures out."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.headers import (
    BODY_TYPE,
    DEADLINE_HEADER,
    KEY_HEADER,
    MAX_DEADLINE,
    MAX_KEY,
    PRIORITY_HEADER,
)
from blender_segaddon.protocol.messages import (
    JobAccepted,
    JobFromBlobs,
    JobList,
    JobPreview,
    JobStatus,
)

from ..jobs.job import Job
from ..problems import ProblemError
from .endpoint import Endpoint, Header, reply
from .results import HEADERS as RESULT_HEADERS
from .results import result
from .service import job_of, service_of
from .submitting import submit

LISTED = 100
"""Jobs in one list."""
_EVENT_NUMBER = {"type": "integer", "minimum": 0, "maximum": 999_999_999}


async def listed(request: Request) -> Response:
    """The 100 jobs that came last, the last one first."""
    jobs = await service_of(request).jobs.newest(LISTED)
    return reply(JobList(tuple(JobStatus(job.id, job.event) for job in jobs)))


async def status(request: Request) -> Response:
    """A job's latest event."""
    job = await job_of(request)
    return reply(JobStatus(job.id, job.event))


async def cancel(request: Request) -> Response:
    """Cancel a job; its state follows within a step.

    A job that has ended stays as it is.
    """
    job = await job_of(request)
    await service_of(request).jobs.cancel(job)
    return reply(JobStatus(job.id, job.event), 202)


async def events(request: Request) -> Response:
    """Server-sent events from the one after Last-Event-ID to the job's end.

    The data of each is an Event as JSON, its id the event's number. A comment comes in every silence as a heartbeat.
    """
    last = request.headers.get("last-event-id", "0")
    if not (last.isascii() and last.isdigit() and len(last) < 10):
        raise ProblemError(400, "invalid_input", "Last-Event-ID is no event number", "Send the id of the last event")
    stream = _event_lines(await job_of(request), int(last), service_of(request).settings.heartbeat)
    return StreamingResponse(stream, media_type="text/event-stream")


async def preview(request: Request) -> Response:
    """How the picture looked at the last step: a framed JobPreview.

    204 while there is none: not every generator makes any, and none are kept of jobs that have ended.
    """
    seen = (await job_of(request)).preview
    if seen is None:
        return Response(status_code=204)
    writer = BodyWriter()
    image = writer.add(np.frombuffer(seen.rgb, np.uint8).reshape(seen.height, seen.width, 3))
    return Response(b"".join(writer.finish(JobPreview(seen.step, seen.steps, image))), media_type=BODY_TYPE)


async def _event_lines(job: Job, after: int, heartbeat: float) -> AsyncIterator[bytes]:
    async for event in job.follow(after, heartbeat):
        if event is None:
            yield b": alive\n\n"
        else:
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.state.encode(), dump(to_json(event)))


_SUBMIT_HEADERS = (
    Header(KEY_HEADER, "sent again with the same key it is the same job", {"type": "string", "maxLength": MAX_KEY}),
    Header(
        PRIORITY_HEADER,
        "interactive jobs go first",
        {"type": "string", "enum": ["interactive", "batch"], "default": "interactive"},
    ),
    Header(
        DEADLINE_HEADER,
        "seconds from now after which the job expires",
        {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_DEADLINE},
    ),
)

ENDPOINTS = (
    Endpoint("GET", "/v1/jobs", listed, reply=JobList),
    Endpoint(
        "POST",
        "/v1/jobs",
        submit,
        202,
        JobAccepted,
        takes=((BODY_TYPE, None), ("application/json", JobFromBlobs)),
        headers=_SUBMIT_HEADERS,
        also=(404, 408, 409, 413, 429, 507),
    ),
    Endpoint("GET", "/v1/jobs/{id}", status, reply=JobStatus, also=(404,)),
    Endpoint("DELETE", "/v1/jobs/{id}", cancel, 202, JobStatus, also=(404, 507)),
    Endpoint(
        "GET",
        "/v1/jobs/{id}/events",
        events,
        reply="text/event-stream",
        headers=(Header("Last-Event-ID", "the event that was heard last", _EVENT_NUMBER),),
        also=(404,),
    ),
    Endpoint("GET", "/v1/jobs/{id}/preview", preview, reply=BODY_TYPE, also=(204, 404)),
    Endpoint("GET", "/v1/jobs/{id}/result", result, reply=BODY_TYPE, headers=RESULT_HEADERS, also=(304, 404, 409)),
    Endpoint("HEAD", "/v1/jobs/{id}/result", result, headers=RESULT_HEADERS, also=(304, 404, 409)),
)
