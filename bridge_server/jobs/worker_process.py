"""The server's side of the worker process: start it, talk to it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

from .. import pipe

logger = logging.getLogger(__name__)

_END_SECONDS = 1.0
"""A worker ends when its input closes; one that takes longer is killed."""


_READ_AHEAD = 1 << 20
"""Bytes that are taken from the pipe before the reader asks for them."""


OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
"""Models are pulled by a command of their own; a worker runs on what is there."""


_NICENESS = 5
"""Of a worker that computes on the processor: Blender beside it stays smooth. On a machine of its own it is free."""


Frame = tuple[dict[str, Any], bytes]
"""Header and payload."""


class WorkerDiedError(Exception):
    """The worker process is gone in the middle of its work."""


class WorkerProcess:
    """At most one worker at a time; a new one is started when it is needed.

    Args:
        hello: the first frame that it gets; see ``bridge_server.worker``.
    """

    def __init__(self, hello: dict[str, Any]) -> None:
        self._hello = hello
        self.memory: dict[str, Any] = {}
        """what the worker said last: ``free`` and ``total`` bytes of its device, ``loaded`` {generator: bytes}"""
        self._process: Process | None = None
        self._ready = False
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        """what the worker says, None once it is gone"""
        self._listening: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()
        self._orders = 0
        """given so far"""
        self._questions: dict[int, asyncio.Future[Frame]] = {}
        """asked and not yet answered"""
        self._asked = 0
        """so far"""
        self._starting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self.lent = False
        """while the device's memory is somebody else's: a worker that is started then is told so"""

    @property
    def pid(self) -> int:
        """0 while none runs."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    @property
    def ready(self) -> bool:
        """True when it takes a job at once."""
        return self._ready and self._alive

    @property
    def _alive(self) -> bool:
        """False also for one that is dead and not yet buried."""
        return self.pid != 0 and not (self._listening and self._listening.done())

    async def ensure(self) -> None:
        """Start a worker unless one runs, and wait until it is ready; any number may wait. Raises WorkerDiedError."""
        if self.ready:
            return
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(_heard)
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        await self.end()
        level = logging.getLevelName(logging.getLogger().level)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge_server.worker"),
            stdin=PIPE,
            stdout=PIPE,
            limit=_READ_AHEAD,
            env={**os.environ, "SEGADDON_LOG_LEVEL": level, **OFFLINE, **visible(self._hello["device"])},
            creationflags=_creation_flags(self._hello["device"]),
        )
        _give_way(self._process.pid, self._hello["device"])
        self._frames = asyncio.Queue()
        if self._process.stdout:
            self._listening = asyncio.create_task(self._listen(self._process.stdout, self._frames))
        logger.info("worker %d started for %s", self.pid, self._hello["device"])
        await self.send({**self._hello, "lent": self.lent})
        while not self._ready:
            header, _ = await self._receive()
            self._ready = header["type"] == "ready"

    async def order(self, kind: str, **fields: Any) -> AsyncIterator[Frame]:
        """Have it do something, and hear its frames until it is done. Raises WorkerDiedError."""
        self._orders += 1
        number = self._orders
        await self.send({"type": kind, "order": number, **fields})
        while (frame := await self._receive())[0].get("order") != number:
            yield frame

    async def ask(self, header: dict[str, Any], payload: bytes) -> Frame:
        """Ask something beside its orders: it answers between the steps of a job too. Raises WorkerDiedError."""
        self._asked += 1
        number = self._asked
        answer = self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            await self.send({"type": "question", "question": number, **header}, payload)
            if self._listening and self._listening.done():
                raise WorkerDiedError("the worker ended")
            return await answer
        finally:
            self._questions.pop(number, None)

    async def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Raises WorkerDiedError."""
        stream, listening = self._process.stdin if self._process else None, self._listening
        if stream is None:
            raise WorkerDiedError("no worker runs")
        try:
            async with self._sending:
                await pipe.write_async(stream, header, payload)
        except EOFError as error:
            if listening:  # until its death was heard it would count as alive, and be handed the job once more
                await asyncio.wait({listening}, timeout=_END_SECONDS)
            raise WorkerDiedError("the worker ended") from error

    async def _receive(self) -> Frame:
        """The worker's next frame. Raises WorkerDiedError."""
        frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)  # for whoever asks again
            raise WorkerDiedError("the worker ended")
        return frame

    async def _listen(self, stream: asyncio.StreamReader, frames: asyncio.Queue[Frame | None]) -> None:
        """Task, as long as the worker lives: also what it says between orders is heard."""
        with contextlib.suppress(EOFError):
            while True:
                header, payload = await pipe.read_async(stream)
                if "loaded" in header:
                    self.memory = header
                if header["type"] == "answer":
                    self._take_answer(header, payload)
                elif header["type"] != "memory":
                    frames.put_nowait((header, payload))
        frames.put_nowait(None)
        for question in self._questions.values():
            if not question.done():
                question.set_exception(WorkerDiedError("the worker ended"))

    def _take_answer(self, header: dict[str, Any], payload: bytes) -> None:
        question = self._questions.get(header["question"])
        if question and not question.done():  # else whoever asked has gone
            question.set_result((header, payload))

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def bury(self) -> None:
        """Forget a worker that died; one that was started since then lives on."""
        if not self._alive:
            await self.end()

    async def end(self) -> None:
        """Let it end, kill it if it does not, and forget it; it comes to that also where the caller is cancelled."""
        if self._ending is None or self._ending.done():
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        process, ready = self._process, self._ready
        self._process, self._ready, self.memory = None, False, {}
        if process is None:
            return
        if not ready and process.returncode is None:  # it starts, and does not listen yet
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._listening:
            await self._listening
        self.memory = {}
        logger.info("worker %d ended with %s", process.pid, process.returncode)


def _heard(start: asyncio.Task[None]) -> None:
    """Whoever wanted the worker may be gone: what went wrong is then nobody's matter."""
    if not start.cancelled():
        start.exception()


def visible(device: str) -> dict[str, str]:
    """Environment of a worker, which sees its own GPU alone, in the driver's order."""
    if not device.startswith("cuda:"):
        return {}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": device.removeprefix("cuda:")}


def _creation_flags(device: str) -> int:
    if sys.platform == "win32" and device == "cpu":
        return subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0


def _give_way(pid: int, device: str) -> None:
    """Right after the start, while it is one thread: those that it starts are as it is."""
    if sys.platform != "win32" and device == "cpu":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS)
