"""Who is there: a program that uses the server now and then holds a stream open, so that the server stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.messages import ServerState
from blender_segaddon.protocol.version import ADDON_VERSION

from .endpoint import Endpoint
from .service import Service, service_of

_EVERY_SECONDS = 2.0
"""A state that has not changed is sent again after this long: it is the heartbeat."""
_LOOK_SECONDS = 0.25


async def presence(request: Request) -> Response:
    """Be counted, and hear how the server does, for as long as the stream is open.

    The data of each server-sent event is a ServerState as JSON: one at every change, and one every two seconds. The
    server ends ``idle_seconds`` after the last stream and the last request.
    """
    return StreamingResponse(_states(service_of(request)), media_type="text/event-stream")


async def _states(service: Service) -> AsyncIterator[bytes]:
    service.present.count += 1
    try:
        said, since = None, 0.0
        while not service.jobs.stopping:
            state = _state(service)
            if state != said or since >= _EVERY_SECONDS:
                yield b"data: %s\n\n" % dump(to_json(state))
                said, since = state, 0.0
            await asyncio.sleep(_LOOK_SECONDS)
            since += _LOOK_SECONDS
    finally:
        service.present.count -= 1


def _state(service: Service) -> ServerState:
    devices = service.runner.devices()
    return ServerState(
        version=ADDON_VERSION,
        queued=service.jobs.queued,
        running=service.jobs.running,
        clients=service.present.count,
        lent=service.runner.paused,
        device=devices[0].device if devices else "",
        free_bytes=devices[0].free if devices else 0,
        total_bytes=devices[0].total if devices else 0,
    )


ENDPOINTS = (Endpoint("GET", "/v1/presence", presence, reply="text/event-stream"),)
