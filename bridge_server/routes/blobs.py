"""Buffers that are sent once and named by their SHA-256 in many jobs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from blender_segaddon.protocol.headers import BODY_TYPE
from blender_segaddon.protocol.messages import BlobStatus

from .bodies import Incoming
from .endpoint import Endpoint, reply
from .service import service_of


async def put(request: Request) -> Response:
    """Keep a blob.

    The path names the SHA-256 of the body, 64 lower-case hexadecimal digits; another body is refused. Blobs are a
    cache, the least used go first: ask with HEAD before a job names one.
    """
    service = service_of(request)
    sha256 = request.path_params["sha256"]
    body = Incoming(request, service.settings, BODY_TYPE)
    async with body.refused_politely(), service.jobs.blobs.incoming(body.size) as spool:
        await body.into(spool.write)
        service.jobs.blobs.put(await spool.finish(), sha256)
    return reply(BlobStatus(sha256, body.size), 201)


async def head(request: Request) -> Response:
    """Whether a blob is here, which then counts as used now."""
    path = service_of(request).jobs.blobs.path(request.path_params["sha256"])
    return Response(headers={"Content-Length": str(path.stat().st_size)}, media_type=BODY_TYPE)


ENDPOINTS = (
    Endpoint("PUT", "/v1/blobs/{sha256}", put, 201, BlobStatus, takes=((BODY_TYPE, None),), also=(408, 413, 507)),
    Endpoint("HEAD", "/v1/blobs/{sha256}", head, also=(404,)),
)
