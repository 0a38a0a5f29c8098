"""The OpenAPI document of all routes."""

from __future__ import annotations

import functools
import json

from starlette.requests import Request
from starlette.responses import Response

from .endpoint import Endpoint


async def document(_request: Request) -> Response:
    """This document."""
    return Response(_text(), media_type="application/json")


@functools.cache
def _text() -> bytes:
    from .. import openapi
    from . import ENDPOINTS as ALL

    return json.dumps(openapi.describe(ALL), ensure_ascii=False, indent=1).encode()


ENDPOINTS = (Endpoint("GET", "/v1/openapi.json", document, reply="application/json"),)
