"""The server's side of the worker process: start it, talk to it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from .. import pipe

logger = logging.getLogger(__name__)

_END_SECONDS = 1.0
"""A worker ends when its input closes; one that takes longer is killed."""


_READ_AHEAD = 4 << 20
"""Bytes of a result that are taken from the pipe before the reader asks for them."""


class WorkerDiedError(Exception):
    """The worker process is gone in the middle of its work."""


class WorkerProcess:
    """At most one worker at a time; a new one is started when it is needed."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._ready = False
        self._sending = asyncio.Lock()

    @property
    def pid(self) -> int:
        """0 while none runs."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    @property
    def ready(self) -> bool:
        """True when it takes a job at once."""
        return self._ready and self.pid != 0

    async def ensure(self) -> None:
        """Start a worker unless one runs, and wait until it is ready. Raises WorkerDiedError."""
        if not self.pid:
            await self.end()
            level = logging.getLevelName(logging.getLogger().level)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bridge_server.worker"),
                stdin=PIPE,
                stdout=PIPE,
                limit=_READ_AHEAD,
                env={**os.environ, "SEGADDON_LOG_LEVEL": level},
            )
            logger.info("worker %d started", self.pid)
        while not self._ready:
            header, _ = await self.receive()
            self._ready = header["type"] == "ready"

    async def send(self, header: dict[str, Any], payload: bytes | bytearray = b"") -> None:
        """Raises WorkerDiedError."""
        stream = self._process.stdin if self._process else None
        if stream is None:
            raise WorkerDiedError("no worker runs")
        try:
            async with self._sending:  # a cancellation must not get in between the slices of its job's body
                await pipe.write_async(stream, header, payload)
        except EOFError as error:
            raise WorkerDiedError("the worker ended") from error

    async def receive(self) -> tuple[dict[str, Any], bytes]:
        """The worker's next frame. Raises WorkerDiedError."""
        stream = self._process.stdout if self._process else None
        if stream is None:
            raise WorkerDiedError("no worker runs")
        try:
            return await pipe.read_async(stream)
        except EOFError as error:
            raise WorkerDiedError("the worker ended") from error

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """Let it end, kill it if it does not, and forget it."""
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        logger.info("worker %d ended with %s", process.pid, process.returncode)
