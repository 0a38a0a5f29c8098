"""Who may call: the holder of the token, under the server's own name, and never a web page."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import ProblemError, response

_TOKEN_HINT = "Use the token in the server's state folder"
_PATH = re.compile(rb"(/[A-Za-z0-9_.-]+)+")
_MAX_PATH = 512
_FORMS = (b"application/x-www-form-urlencoded", b"multipart/", b"text/plain")
"""What a web page can send without asking first."""

Headers = list[tuple[bytes, bytes]]


class Guard:
    """ASGI middleware around every route: exact Host (against DNS rebinding), nothing from web pages, bearer token in
    constant time; then plain paths and bodies of a declared length only."""

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {host.lower().encode() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # nothing else is served, so nothing else gets past
            return
        try:
            self._check_caller(scope["headers"])
            _check_path(scope["raw_path"], scope["query_string"])
            _check_body(scope["headers"])
        except ProblemError as error:
            await response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_caller(self, headers: Headers) -> None:
        hosts = _values(headers, b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise ProblemError(421, "wrong_host", "This server does not go by that name", "Use its own address")
        if _values(headers, b"origin") or _values(headers, b"sec-fetch-mode"):
            raise ProblemError(403, "web_page", "Web pages may not call this server", "Use the add-on or a script")
        tokens = _values(headers, b"authorization")
        expected = b"Bearer " + self._token
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0], expected):
            raise ProblemError(401, "wrong_token", "The bearer token is missing or wrong", _TOKEN_HINT)


def _check_path(path: bytes, query: bytes) -> None:
    """No route has an escape, an empty step or a query; so what a proxy may read in another way is not read at all."""
    if len(path) > _MAX_PATH:
        raise ProblemError(414, "path_too_long", f"A path of {len(path)} characters", "docs/server.md lists the routes")
    if not _PATH.fullmatch(path) or b"/." in path:
        raise ProblemError(404, "no_such_route", "There is no such path here", "docs/server.md lists the routes")
    if query:
        raise ProblemError(400, "invalid_input", "No route takes a query", "Send the path alone")


def _check_body(headers: Headers) -> None:
    if _values(headers, b"transfer-encoding"):
        raise ProblemError(411, "no_length", "The size of the body is not declared", "Send Content-Length, no chunks")
    if len(_values(headers, b"content-length")) > 1 or len(_values(headers, b"content-type")) > 1:
        raise ProblemError(400, "invalid_input", "Content-Length or Content-Type comes twice", "Send each once")
    if any(value.lower().startswith(_FORMS) for value in _values(headers, b"content-type")):
        raise ProblemError(415, "wrong_type", "Forms are not taken", "docs/server.md says which types are")


def _values(headers: Headers, wanted: bytes) -> list[bytes]:
    return [value for name, value in headers if name == wanted]
