"""How long nobody has used the server."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Receive, Scope, Send


class Usage:
    """Counts the requests under way; an open event stream is one."""

    def __init__(self) -> None:
        self._active = 0
        self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last request ended; 0 while one is under way."""
        return 0.0 if self._active else time.monotonic() - self._last

    def touch(self) -> None:
        """Count from now."""
        self._last = time.monotonic()

    def around(self, app: ASGIApp) -> ASGIApp:
        """ASGI middleware that counts the requests of ``app``."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            self._active += 1
            try:
                await app(scope, receive, send)
            finally:
                self._active -= 1
                self.touch()

        return counted
