"""The one thread of this process that talks to servers. It is there while there is something to do, and never touches
bpy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from ..protocol.errors import BridgeError

T = TypeVar("T")

MAX_TASKS = 256
"""Jobs and questions under way at once; more are refused, so that a script that runs wild notices it."""
_LINGER_SECONDS = 1.0
"""The thread stays this long after its last task: the next one mostly follows at once."""


class Network:
    """Runs coroutines on a thread of its own. Its event loop stays, the thread comes and goes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks = 0
        self._quiet = threading.Event()
        self._quiet.set()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin ``work``; from any thread, never waits. Raises BridgeError when too much is under way."""
        with self._lock:
            if self._tasks >= MAX_TASKS:
                work.close()
                raise BridgeError(f"{self._tasks} jobs are under way already", "Wait for some of them")
            self._loop = loop = self._loop or asyncio.new_event_loop()
            self._tasks += 1
            self._quiet.clear()
            future = asyncio.run_coroutine_threadsafe(self._counted(work), loop)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, args=(loop,), name="segaddon network", daemon=True)
                self._thread.start()
        return future

    def settle(self, timeout: float) -> bool:
        """Wait until nothing is under way and the thread has ended; whether that is so."""
        quiet = self._quiet.wait(timeout)
        with self._lock:
            loop, thread = self._loop, self._thread
            if quiet and loop and thread:
                loop.call_soon_threadsafe(self._rest)
        if quiet and thread and thread is not threading.current_thread():
            thread.join(timeout)
        return quiet

    async def _counted(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            with self._lock:
                self._tasks -= 1
                if self._tasks == 0:
                    self._quiet.set()
                    asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._rest)

    def _rest(self) -> None:
        with self._lock:
            if self._tasks == 0 and self._loop:
                self._loop.stop()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Thread: until it has been quiet for a while, and nothing has begun since."""
        while True:
            loop.run_forever()
            with self._lock:
                if self._tasks == 0:
                    self._thread = None
                    return


network = Network()
"""Of this process."""
