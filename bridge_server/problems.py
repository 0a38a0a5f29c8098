"""Errors as replies: application/problem+json (RFC 9457)."""

from __future__ import annotations

import http
import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.messages import Problem

logger = logging.getLogger(__name__)


class ProblemError(Exception):
    """A reply other than success, raised anywhere below a route.

    Args:
        status: HTTP status.
        code: stable machine-readable name.
        detail: what is wrong, for people.
        hint: what to do about it.
        retry_after: seconds after which the same request may succeed; 0 when it never will.
    """

    def __init__(self, status: int, code: str, detail: str, hint: str = "", retry_after: int = 0) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.retry_after = retry_after


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
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(dump(to_json(problem)), error.status, headers, "application/problem+json")


def handle(request: Request, error: Exception) -> Response:
    """Starlette's handler for every exception of a route."""
    if isinstance(error, ProblemError):
        return response(error)
    if isinstance(error, SegAddonError):  # InvalidInput, ProtocolMismatch: the sender's fault
        return response(ProblemError(400, error.code, error.message, error.hint))
    if isinstance(error, HTTPException):  # no such route or method
        return response(ProblemError(error.status_code, "no_such_route", f"{request.method} is not served here"))
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return response(ProblemError(500, "internal", "The server failed", "Its log has the details"))
