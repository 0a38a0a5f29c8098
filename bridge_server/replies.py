"""What every reply has in common, whoever answers."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_segaddon.protocol.headers import PROTOCOL_HEADER
from blender_segaddon.protocol.version import PROTOCOL_VERSION

_HEADERS = (
    (PROTOCOL_HEADER.lower().encode(), ".".join(map(str, PROTOCOL_VERSION)).encode()),
    (b"x-content-type-options", b"nosniff"),
)
_NO_STORE = (b"cache-control", b"no-store")


def polite(app: ASGIApp, write_timeout: float) -> ASGIApp:
    """ASGI middleware: the protocol's version on every reply, nothing cached unless a route says so, and no patience
    with a client that leaves a piece of a reply unread for ``write_timeout`` seconds."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        async def patiently(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message.get("headers", ()))
            async with asyncio.timeout(write_timeout):
                await send(message)

        await app(scope, receive, patiently)

    return answered


def _completed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    cached = any(name == b"cache-control" for name, _ in headers)
    return [*headers, *_HEADERS, *(() if cached else (_NO_STORE,))]
