"""Errors as replies: application/problem+json (RFC 9457)."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.messages import Problem

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A reply other than success, raised anywhere below a route.

    Args:
        status: HTTP status.
        code: stable machine-readable name.
        detail: what is wrong, for people.
        hint: what to do about it.
        retry_after: seconds after which the same request may succeed; 0 when it never will.
        headers: of the reply, besides Retry-After and WWW-Authenticate.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        hint: str = "",
        retry_after: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.retry_after = retry_after
        self.headers = dict(headers or {})


def response(error: ProblemError) -> Response:
    """The reply for an error."""
    problem = Problem(
        type=f"urn:segaddon:problem:{error.code}",
        title=http.HTTPStatus(error.status).phrase,
        status=error.status,
        code=error.code,
        detail=error.detail,
        hints=(error.hint,) if error.hint else (),
        retryable=error.retry_after > 0,
    )
    headers = error.headers
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(dump(to_json(problem)), error.status, headers, MEDIA_TYPE)


def handle(request: Request, error: Exception) -> Response:
    """Starlette's handler for every exception of a route."""
    if isinstance(error, ProblemError):
        return response(error)
    if isinstance(error, SegAddonError):  # InvalidInput, ProtocolMismatch: the sender's fault
        return response(ProblemError(400, error.code, error.message, error.hint))
    if isinstance(error, HTTPException):  # no such route
        detail = "There is no such path here"
        return response(ProblemError(error.status_code, "no_such_route", detail, "docs/server.md lists the routes"))
    if isinstance(error, ClientDisconnect):  # nobody hears this
        return response(ProblemError(400, "invalid_input", "The client went away"))
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return response(ProblemError(500, "internal", "The server failed", "Its log has the details"))
