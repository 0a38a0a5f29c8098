"""One connection: who is at its other end, how many there are, and how long each may take.

The limits hold before a request has a handler, so a caller without a token meets them too.
"""

from __future__ import annotations

import asyncio
import http
import logging
import os
import socket
import struct
import sys
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from . import problems
from .problems import ProblemError
from .settings import Settings

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 32 << 10
"""Request line and headers together."""

_MACOS_LOCAL_PEERCRED = 1
_MACOS_SOL_LOCAL = 0


def protocol_class(settings: Settings) -> type[H11Protocol]:
    """The class of a server's connections, for uvicorn."""

    class Connection(GuardedConnection):
        max_connections = settings.max_connections
        header_timeout = settings.header_timeout

    return Connection


class GuardedConnection(H11Protocol):
    """HTTP/1.1 with limits: while no request is being answered, the connection lives for ``header_timeout`` seconds.

    That covers heads that dribble in, connections that say nothing, and bodies that are still sent after their refusal.
    """

    max_connections = 512
    header_timeout = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        if refusal := self._refusal(transport):
            self._refuse(refusal)
        else:
            self._watch()

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem as its answer, unless an answer is under way already."""
        if self._answering and self.cycle.response_started:
            self.transport.abort()
            return
        self._refuse(ProblemError(400, "no_http", msg.rstrip("."), "Send HTTP/1.1 with a head of at most 32 KiB"))

    @property
    def _answering(self) -> bool:
        """True between the head of a request and the end of its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refusal(self, transport: asyncio.Transport) -> ProblemError | None:
        if len(self.connections) > self.max_connections:
            detail = f"{self.max_connections} connections are open already"
            return ProblemError(503, "too_many_connections", detail, "Try again a little later", retry_after=1)
        if not is_own_user(transport.get_extra_info("socket")):
            logger.warning("another user of this machine was turned away")
            return ProblemError(403, "other_user", "This server belongs to another user", "Start one of your own")
        return None

    def _refuse(self, error: ProblemError) -> None:
        """Answer without a request, and end."""
        reply = problems.response(error)
        head = [f"HTTP/1.1 {error.status} {http.HTTPStatus(error.status).phrase}", "connection: close"]
        lines = [line.encode("latin-1") for line in head] + [b"%s: %s" % pair for pair in reply.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(reply.body)]))
        self.transport.close()

    def _watch(self) -> None:
        """Start the clock when no request is being answered, stop it while one is."""
        if self._answering:
            self._forget_deadline()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.header_timeout, self.transport.abort)

    def _forget_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


def is_own_user(connected: socket.socket | Any) -> bool:
    """Whether the program at the other end of a Unix socket runs as this user; True for TCP, where the token decides.

    Linux: SO_PEERCRED (unix(7)); macOS: LOCAL_PEERCRED, struct xucred (unix(4)).
    """
    if os.name == "nt" or connected.family != socket.AF_UNIX:
        return True
    try:
        if sys.platform == "darwin":
            _, uid = struct.unpack_from("II", connected.getsockopt(_MACOS_SOL_LOCAL, _MACOS_LOCAL_PEERCRED, 76))
        else:
            size = struct.calcsize("3i")
            _, uid, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    except OSError:  # gone already
        return False
    return uid == os.getuid()
