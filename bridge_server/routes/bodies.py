"""The body of a request: its size known and allowed before a byte is kept, its arrival bounded in time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import ClientDisconnect, Request

from blender_segaddon.protocol.errors import SegAddonError

from ..problems import ProblemError
from ..settings import Settings

Take = Callable[[bytes], Awaitable[None]]


class Incoming:
    """The body of one request. Raises ProblemError: 411, 413 and 415 at once, 400 and 408 while it comes."""

    def __init__(self, request: Request, settings: Settings, *types: str) -> None:
        declared = request.headers.get("content-length", "")
        self.type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.type not in types:
            hint = f"Send Content-Type {' or '.join(types)}"
            raise ProblemError(415, "wrong_type", f"Bodies of type {self.type or 'none'!r:.60} are not taken", hint)
        if not (declared.isascii() and declared.isdigit() and len(declared) < 20):
            raise ProblemError(411, "no_length", "The size of the body is not declared", "Send Content-Length")
        self.size = int(declared)
        """bytes, as declared"""
        self._come = 0
        self._settings = settings
        self._chunks = request.stream()
        self._patient = request.headers.get("expect", "").lower() == "100-continue"
        self._end = time.monotonic() + settings.read_timeout + self.size / max(settings.min_body_rate, 1)
        self.limit(settings.max_body_bytes)

    def limit(self, most: int) -> None:
        """Raise ProblemError (413) when the body is larger than ``most`` bytes."""
        if self.size > most:
            raise ProblemError(413, "too_large", f"A body of {self.size:,} bytes", f"Send at most {most:,} bytes")

    async def into(self, take: Take) -> None:
        """Hand every piece to ``take``, up to the declared size."""
        while chunk := await self._next():
            await take(chunk)
        if self._come < self.size:
            raise ProblemError(400, "invalid_input", "The body ends early", "Send it again")

    async def whole(self, most: int) -> bytes:
        """The body in memory, at most ``most`` bytes."""
        self.limit(most)
        pieces: list[bytes] = []

        async def take(chunk: bytes) -> None:
            pieces.append(chunk)

        await self.into(take)
        return b"".join(pieces)

    @contextlib.asynccontextmanager
    async def refused_politely(self) -> AsyncIterator[None]:
        """When the block refuses the body, read the rest of it first: most clients hear nothing while they send.

        One that asked with "Expect: 100-continue" hears the refusal before it sends.
        """
        try:
            yield
        except (ProblemError, SegAddonError) as error:
            slow = isinstance(error, ProblemError) and error.status == 408
            if not slow and not (self._patient and not self._come):
                with contextlib.suppress(ProblemError, ClientDisconnect):
                    while await self._next():
                        pass
            raise

    async def _next(self) -> bytes:
        """The next bytes, b"" at the end."""
        left = self._end - time.monotonic()
        try:
            chunk = await asyncio.wait_for(self._piece(), max(0.0, min(self._settings.read_timeout, left)))
        except TimeoutError:
            detail = f"Only {self._come:,} of {self.size:,} bytes of the body came in time"
            raise ProblemError(408, "too_slow", detail, "Send it again, faster", retry_after=1) from None
        self._come += len(chunk)
        if self._come > self.size:
            raise ProblemError(400, "invalid_input", "The body is longer than declared", "Send its true Content-Length")
        return chunk

    async def _piece(self) -> bytes:
        async for chunk in self._chunks:
            if chunk:
                return chunk
        return b""
