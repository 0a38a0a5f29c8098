"""What a route is: the one table from which both the application and its OpenAPI document are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.errors import ProtocolMismatch
from blender_segaddon.protocol.headers import PROTOCOL_HEADER
from blender_segaddon.protocol.version import PROTOCOL_VERSION

from ..problems import ProblemError

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Header:
    """A request header that a route reads."""

    name: str
    text: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path. The first line of the handler's text is the summary, the rest the description."""

    method: str
    path: str
    handler: Handler
    status: int = 200
    """of success"""
    reply: type | str | None = None
    """message class of a JSON reply, or the media type of another one"""
    takes: tuple[tuple[str, type | None], ...] = ()
    """media types of the body, and the message class of those that are JSON"""
    headers: tuple[Header, ...] = ()
    also: tuple[int, ...] = ()
    """other statuses than that of success and those that every route may give"""


def routes(endpoints: Iterable[Endpoint]) -> list[Route]:
    """One route for every path."""
    by_path: dict[str, dict[str, Handler]] = {}
    for one in endpoints:
        by_path.setdefault(one.path, {})[one.method] = one.handler
    return [Route(path, _Methods(path, handlers)) for path, handlers in by_path.items()]


def reply(message: Any, status: int = 200) -> Response:
    """A message as JSON."""
    return Response(dump(to_json(message)), status, media_type="application/json")


class _Methods:
    """The methods of one path, exactly those that are in the table (Starlette would add HEAD to every GET)."""

    def __init__(self, path: str, handlers: dict[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["segaddon.route"] = self._path
        request = Request(scope, receive)
        check_version(request.headers.get(PROTOCOL_HEADER))
        handler = self._handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(self._handlers)
            detail, hint = f"{request.method:.20} is not served here", f"Use {allowed}"
            raise ProblemError(405, "no_such_method", detail, hint, headers={"Allow": allowed})
        response = await handler(request)
        await response(scope, receive, send)


def check_version(theirs: str | None) -> None:
    """Raise ProblemError (400) for a client that names another major version of the protocol."""
    if theirs is None:
        return
    major, dot, minor = theirs.partition(".")
    if not (dot and theirs.isascii() and major.isdigit() and minor.isdigit() and len(theirs) < 10):
        raise ProblemError(400, "invalid_input", f"{PROTOCOL_HEADER} is no version", "Send major.minor")
    if int(major) != PROTOCOL_VERSION[0]:
        ours = ".".join(map(str, PROTOCOL_VERSION))
        detail = f"The client speaks protocol {theirs}, this server {ours}"
        hint = "Update the older of add-on and bridge server, then restart both"
        raise ProblemError(400, ProtocolMismatch.code, detail, hint)
