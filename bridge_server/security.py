"""Who may call: the holder of the token, under the server's own name, and never a web page."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import ProblemError, response

_TOKEN_HINT = "Use the token in the server's state folder"


class Guard:
    """ASGI middleware around every route: exact Host (against DNS rebinding), no Origin (against web pages), bearer
    token in constant time."""

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {host.encode() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # nothing else is served, so nothing else gets past
            return
        try:
            self._check(scope["headers"])
        except ProblemError as error:
            await response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, headers: list[tuple[bytes, bytes]]) -> None:
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise ProblemError(421, "wrong_host", "This server does not go by that name", "Use its own address")
        if any(name == b"origin" for name, _ in headers):
            raise ProblemError(403, "web_page", "Web pages may not call this server")
        tokens = [value for name, value in headers if name == b"authorization"]
        expected = b"Bearer " + self._token
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0], expected):
            raise ProblemError(401, "wrong_token", "The bearer token is missing or wrong", _TOKEN_HINT)
