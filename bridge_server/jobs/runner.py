"""All lanes together: one worker process for each device, and what can be asked of them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models import memory
from ..problems import ProblemError
from ..settings import Settings
from .lane import Lane
from .queue import JobQueue
from .worker_process import WorkerDiedError

logger = logging.getLogger(__name__)

MAX_PAUSE_SECONDS = 600.0
"""A pause ends by itself after this long: who asked for it may have died. Ask again to go on pausing."""


MAX_QUESTIONS = 32
"""Requests for masks that may wait."""


@dataclass(frozen=True)
class DeviceState:
    """One device and its worker."""

    device: str
    """"cpu" or "cuda:N\""""
    worker_pid: int
    """0 while none runs"""
    busy: bool
    free: int
    """bytes of the device's memory that no program uses, as its worker read them last; 0 when not known"""
    total: int
    loaded: dict[str, int]
    """bytes by generator, the least recently used first"""


class Runner:
    """Runs the jobs of a queue until it is cancelled."""

    def __init__(self, jobs: JobQueue, settings: Settings) -> None:
        self._jobs = jobs
        self._settings = settings
        devices = settings.devices or memory.gpus() or ("cpu",)
        self._lanes = [Lane(device, jobs, settings) for device in devices]
        self._pause_end: asyncio.TimerHandle | None = None
        self._asking = 0
        """requests for masks that wait"""

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Processes of the workers that run."""
        return tuple(lane.worker.pid for lane in self._lanes if lane.worker.pid)

    @property
    def paused(self) -> bool:
        """True while the devices' memory is lent to somebody else."""
        return self._pause_end is not None

    def devices(self) -> tuple[DeviceState, ...]:
        """What is known of every device."""
        return tuple(_device_state(lane) for lane in self._lanes)

    async def run(self) -> None:
        """Work for ever."""
        await asyncio.gather(*(lane.run() for lane in self._lanes))

    async def free(self) -> None:
        """Free the devices' memory, really: workers end, each after its job under way. The next job starts them."""
        await asyncio.gather(*(lane.end_worker() for lane in self._lanes))

    async def pause(self, seconds: float = MAX_PAUSE_SECONDS) -> None:
        """Lend the devices' memory, to Blender's render: no job is begun, and workers move their models off the device.

        A job under way goes on to its end first; on return the memory is free. Ends by itself after ``seconds``.
        """
        self._end_pause_at(min(max(seconds, 0.0), MAX_PAUSE_SECONDS))
        self._jobs.hold()
        await self._order("yield")

    async def resume(self) -> None:
        """Take the memory back and go on with the jobs; nothing if nothing is lent."""
        if self._pause_end is None:
            return
        self._pause_end.cancel()
        self._pause_end = None
        await self._order("take_back")
        if not self._jobs.stopping and self._pause_end is None:
            self._jobs.release()

    async def load(self, generator: str) -> None:
        """Load a generator on every device, so that the next job need not wait for it."""
        await self._order("load", start=True, generator=generator)

    async def unload(self, generator: str) -> None:
        """Free a generator on every device."""
        await self._order("unload", generator=generator)

    async def ask(self, image: Path, body: bytes) -> tuple[dict[str, Any], bytes]:
        """Ask for masks on a picture: header and framed SegmentResult of the answer, see ``worker``.

        Always of the first device: what its worker has seen of the picture is there.

        Raises:
            ProblemError: too many are waiting (429), or the worker died (503).
        """
        if self._asking >= MAX_QUESTIONS:
            detail = f"{self._asking} questions are waiting already"
            raise ProblemError(429, "queue_full", detail, "Try again a little later", retry_after=1)
        self._asking += 1
        try:
            return await self._lanes[0].ask({"image": str(image)}, body)
        except WorkerDiedError as error:
            raise ProblemError(503, "worker_died", "The worker process ended", "Try again", retry_after=1) from error
        finally:
            self._asking -= 1

    async def drain(self, grace: float) -> None:
        """Stop what runs within ``grace`` seconds, to be run by the next server; end the workers."""
        self._jobs.stop_all()
        await self._until_quiet(grace)
        for lane in self._lanes:
            if lane.job:
                lane.worker.kill()
        await self._until_quiet(1.0)
        await asyncio.gather(*(lane.worker.end() for lane in self._lanes))
        if self._pause_end:
            self._pause_end.cancel()

    async def _until_quiet(self, seconds: float) -> None:
        """Wait until no job runs, for so long at most."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._jobs.running and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)

    async def _order(self, kind: str, start: bool = False, **fields: str) -> None:
        await asyncio.gather(*(lane.order(kind, start, **fields) for lane in self._lanes))

    def _end_pause_at(self, seconds: float) -> None:
        if self._pause_end:
            self._pause_end.cancel()
        loop = asyncio.get_running_loop()
        self._pause_end = loop.call_later(seconds, lambda: loop.create_task(self.resume()))


def _device_state(lane: Lane) -> DeviceState:
    said = lane.worker.memory
    figures = (said.get("free", 0), said.get("total", 0), said.get("loaded", {}))
    return DeviceState(lane.device, lane.worker.pid, lane.job is not None, *figures)
