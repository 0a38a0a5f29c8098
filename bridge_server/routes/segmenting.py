"""Masks of what is meant on a picture: asked and answered at once, beside the jobs."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.framing import read_body
from blender_segaddon.protocol.headers import BODY_TYPE
from blender_segaddon.protocol.segmenting import SegmentRequest, check_segment

from .. import segmenters
from ..problems import ProblemError
from .bodies import Incoming
from .endpoint import Endpoint
from .service import service_of

MAX_BODY = 64 << 20
"""Bytes: logits of many masks and a region, compressed. The picture itself is a blob."""

_STATUS = {InvalidInput.code: 400, "no_such_blob": 404}


async def segment(request: Request) -> Response:
    """Masks of what is meant on a picture.

    Takes a framed SegmentRequest, whose picture was sent before as a blob (404 where it is not here), and gives a
    framed SegmentResult. It waits for no job: the worker answers between the steps of a picture that it makes.
    """
    service = service_of(request)
    body = Incoming(request, service.settings, BODY_TYPE)
    async with body.refused_politely():
        data = await body.whole(MAX_BODY)
        asked = await asyncio.to_thread(_read, data)
        if service.jobs.stopping:
            hint = "Send the request again: a new server starts on demand"
            raise ProblemError(503, "server_stopping", "The server is ending", hint, retry_after=1)
        segmenters.choose(service.settings.models_dirs, asked.segmenter)
        image = service.jobs.blobs.path(asked.image)
        if image.stat().st_size != asked.height * asked.width * 3:
            size = f"{asked.width}×{asked.height}"
            raise InvalidInput(f"The blob does not hold a picture of {size} pixels", "Send uint8 H×W×3")
    header, answer = await service.runner.ask(image, data)
    service.metrics.encodings.update(header["encodings"])
    if code := header.get("code"):
        raise ProblemError(_STATUS.get(code, 500), code, header["message"], header["hint"])
    return Response(answer, media_type=BODY_TYPE)


def _read(data: bytes) -> SegmentRequest:
    request = read_body(data).message(SegmentRequest)
    check_segment(request)
    return request


ENDPOINTS = (
    Endpoint("POST", "/v1/segment", segment, reply=BODY_TYPE, takes=((BODY_TYPE, None),), also=(408, 413, 429)),
)
