"""The life of a server: lock, listen, be found, work, drain, leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator

import uvicorn

from blender_segaddon.protocol.messages import Discovery
from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

from . import connections, state
from .app import create_app
from .jobs.queue import JobQueue
from .jobs.runner import Runner
from .listening import Listener, listening, read_token
from .metrics import Metrics
from .routes.service import Service
from .settings import Settings
from .usage import Usage

logger = logging.getLogger(__name__)

_PARENT_SECONDS = 0.1
"""From the end of the program that started the server until its own connections are gone too."""


def serve(settings: Settings) -> None:
    """Run a server until it is told to end, or nobody has used it for long enough.

    Raises AlreadyRunningError, InvalidInput, StorageError, BridgeError before it listens.
    """
    state_dir = state.private_folder(settings.state_dir)
    chosen = read_token(settings.token_file) if settings.token_file else None
    with state.locked(state_dir), listening(settings) as listener, state.published_token(state_dir, chosen) as token:
        asyncio.run(_Server(settings, listener, token).run())


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: jobs are drained first."""
        yield


class _Server:
    """One run of the server on its event loop."""

    def __init__(self, settings: Settings, listener: Listener, token: str) -> None:
        self._settings = settings
        self._listener = listener
        self._usage = Usage()
        self._jobs = JobQueue(settings)
        self._runner = Runner(self._jobs, settings)
        self._stop = asyncio.Event()
        self._patience = 0.0
        """seconds that the running job may go on once the end is wanted"""
        self._grace = settings.drain_grace
        service = Service(settings, self._jobs, self._runner, Metrics(), self._drain)
        tls = listener.tls
        config = uvicorn.Config(
            create_app(service, self._usage, token, listener.hosts),
            http=connections.protocol_class(settings),
            h11_max_incomplete_event_size=connections.MAX_HEAD_BYTES,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        self._uvicorn = _Uvicorn(config)

    async def run(self) -> None:
        """Serve until something sets the stop event, then drain."""
        self._watch_signals()
        self._jobs.start()
        runner = asyncio.create_task(self._runner.run())
        http = asyncio.create_task(self._uvicorn.serve(sockets=[self._listener.socket]))
        while not self._uvicorn.started and not http.done():
            await asyncio.sleep(0.005)
        address = self._listener.address
        discovery = Discovery(address, os.getpid(), PROTOCOL_VERSION, ADDON_VERSION)
        with state.published(self._settings.state_dir, discovery):
            logger.info("listening on %s, pid %d", address, os.getpid())
            self._usage.touch()
            await self._until_stopped(http, runner)
        logger.info("ending")
        await self._runner.drain(self._grace)
        runner.cancel()
        self._uvicorn.should_exit = True
        self._jobs.let_go()
        for outcome in await asyncio.gather(runner, http, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("the server failed", exc_info=outcome)
        await self._jobs.close()

    def _drain(self) -> None:
        """A client wants the end: the running job first."""
        self._patience = self._settings.drain_seconds
        self._stop.set()

    async def _until_stopped(self, *workings: asyncio.Task[None]) -> None:
        """Until the end is wanted and the running job has had its time, or one of the workings has failed."""
        stop = asyncio.create_task(self._until_drained())
        idle = asyncio.create_task(self._until_idle())
        await asyncio.wait((stop, idle, *workings), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        idle.cancel()

    async def _until_drained(self) -> None:
        await self._stop.wait()
        self._jobs.stopping = True  # new jobs are refused, and no waiting one is begun
        self._jobs.hold()
        began = time.monotonic()
        while self._jobs.running and time.monotonic() - began < self._patience:  # a signal ends the patience
            await asyncio.sleep(0.01)

    async def _until_idle(self) -> None:
        limit = self._settings.idle_seconds
        while True:
            if self._jobs.busy:
                self._usage.touch()
            if self._usage.idle_seconds >= limit:
                logger.info("nobody has used the server for %.0f s", limit)
                return
            await asyncio.sleep(min(max(limit - self._usage.idle_seconds, 0.05), 1.0))

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self._end_soon)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._end_soon))
        if self._settings.exit_with_stdin:
            threading.Thread(target=self._watch_stdin, args=(loop,), name="stdin", daemon=True).start()

    def _end_soon(self) -> None:
        """A signal: the running job is kept for the next server, also when it was to end first."""
        self._patience = 0.0
        self._stop.set()

    def _watch_stdin(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            asyncio.run_coroutine_threadsafe(self._parent_ended(), loop)

    async def _parent_ended(self) -> None:
        """So does the server, at once; unless others use it by now: then as any other that nobody uses any more."""
        await asyncio.sleep(_PARENT_SECONDS)
        if self._usage.idle_seconds == 0.0:
            logger.info("the program that started the server has ended, others use it")
            return
        self._grace = 0.0
        self._end_soon()
