"""Routes that say how the server is."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from starlette.requests import Request
from starlette.responses import Response

from blender_segaddon.core import vocabulary
from blender_segaddon.protocol import checks, framing
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import Health, Limits, ModelInfo, ServerInfo
from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

from .. import metrics, segmenters
from ..generators import Generator, Offer
from ..problems import ProblemError
from ..settings import Settings
from .endpoint import Endpoint, reply
from .service import Service, service_of

logger = logging.getLogger(__name__)

HEAVY_MODULES = ("torch", "diffusers", "transformers", "blender_segaddon.core.preview")
"""What the worker alone may load."""


async def live(request: Request) -> Response:
    """The process runs and answers.

    /v1/health is the same under its older name.
    """
    return reply(_health(service_of(request)))


async def ready(request: Request) -> Response:
    """A job would be taken in now.

    Otherwise the answer is what a job would get: 429 with a full queue, 503 at the server's end, 507 with a full disk.
    """
    service = service_of(request)
    service.jobs.check_room(0)
    return reply(_health(service))


async def info(request: Request) -> Response:
    """Versions, generators, vocabularies, limits and processes.

    503 once the server is ending, so that clients start a new one.
    """
    service = service_of(request)
    if service.jobs.stopping:
        hint = "Send the request again: a new server starts on demand"
        raise ProblemError(503, "server_stopping", "The server is ending", hint, retry_after=1)
    offer = service.settings.offer
    generators, models, loras = await asyncio.to_thread(_offered, offer)
    return reply(
        ServerInfo(
            version=ADDON_VERSION,
            protocol_version=PROTOCOL_VERSION,
            generators=tuple(one.name for one in generators),
            segmenters=tuple(one.name for one in segmenters.available(service.settings.models_dirs)),
            pid=os.getpid(),
            worker_pid=next(iter(service.runner.worker_pids), 0),
            heavy_modules=tuple(name for name in HEAVY_MODULES if name in sys.modules),
            vocabularies=vocabulary.available(),
            limits=limits(service.settings),
            models=models,
            loras=loras,
        )
    )


def _offered(offer: Offer) -> tuple[tuple[Generator, ...], tuple[ModelInfo, ...], tuple[str, ...]]:
    """A file on models that cannot be read takes away the models, not the server: jobs that ask for one say why."""
    try:
        return offer.all(), offer.models(), offer.loras()
    except InvalidInput as error:
        logger.warning("no models are offered: %s", error)
        return offer.without_models(), (), ()


async def measurements(request: Request) -> Response:
    """Counters and gauges in Prometheus' text format."""
    return Response(metrics.text(service_of(request)), media_type=metrics.CONTENT_TYPE)


def limits(settings: Settings) -> Limits:
    """What a request to a server with these settings may hold."""
    return Limits(
        body_bytes=settings.max_body_bytes,
        header_bytes=framing.MAX_HEADER_BYTES,
        pixels=framing.MAX_PIXELS,
        unpacked_bytes=framing.MAX_UNPACKED_BYTES,
        pictures=checks.MAX_COUNT,
        text=checks.MAX_TEXT,
        queued_jobs=settings.max_queued,
        queued_bytes=settings.max_queued_bytes,
    )


def _health(service: Service) -> Health:
    return Health("ok", queued=service.jobs.queued, running=service.jobs.running)


ENDPOINTS = (
    Endpoint("GET", "/v1/health", live, reply=Health),
    Endpoint("GET", "/v1/health/live", live, reply=Health),
    Endpoint("GET", "/v1/health/ready", ready, reply=Health, also=(429, 507)),
    Endpoint("GET", "/v1/info", info, reply=ServerInfo),
    Endpoint("GET", "/v1/metrics", measurements, reply="text/plain"),
)
