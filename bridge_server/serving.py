"""The life of a server: lock, listen, be found, work, drain, leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from blender_segaddon.protocol.errors import BridgeError, InvalidInput, StorageError
from blender_segaddon.protocol.messages import Discovery
from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

from . import state
from .app import Service, create_app
from .jobs.queue import JobQueue
from .jobs.runner import Runner
from .security import Guard
from .settings import Settings
from .usage import Usage

logger = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"


def serve(settings: Settings) -> None:
    """Run a server until it is told to end, or nobody has used it for long enough.

    Raises AlreadyRunningError, InvalidInput, StorageError, BridgeError before it listens.
    """
    state_dir = state.private_folder(settings.state_dir)
    with state.locked(state_dir), _listening(settings) as (sock, address, hosts), state.new_token(state_dir) as token:
        asyncio.run(_Server(settings, sock, address, hosts, token).run())


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[tuple[socket.socket, str, tuple[str, ...]]]:
    """The listening socket, its address and the names the server goes by."""
    if settings.tcp_port is not None:
        with _bound_tcp(settings.tcp_port) as sock:
            port = sock.getsockname()[1]
            yield sock, f"http://{_LOOPBACK}:{port}", (f"{_LOOPBACK}:{port}", f"localhost:{port}")
        return
    path = state.socket_path(settings.state_dir, settings.socket)
    state.remove_stale_socket(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        _bind_private(sock, path)
        sock.listen(128)
        try:
            yield sock, f"unix:{path}", ("localhost",)
        finally:
            state.remove_socket(path, settings.state_dir)


def _bind_private(sock: socket.socket, path: Path) -> None:
    mask = os.umask(0o177)
    try:
        sock.bind(str(path))
    except OSError as error:
        raise StorageError(f"Socket {path} cannot be made: {error.strerror}", "Choose another --socket") from error
    finally:
        os.umask(mask)


def _bound_tcp(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let another program take the port over
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((_LOOPBACK, port))
    except OSError as error:
        sock.close()
        raise BridgeError(f"Port {port} cannot be used: {error.strerror}", "Choose another, or 0 for any") from error
    except OverflowError as error:
        sock.close()
        raise InvalidInput(f"{port} is no port", "Use 0 to 65535") from error
    sock.listen(128)
    return sock


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: jobs are drained first."""
        yield


class _Server:
    """One run of the server on its event loop."""

    def __init__(
        self, settings: Settings, sock: socket.socket, address: str, hosts: tuple[str, ...], token: str
    ) -> None:
        self._settings = settings
        self._socket = sock
        self._address = address
        self._usage = Usage()
        self._jobs = JobQueue(settings)
        self._runner = Runner(self._jobs, settings)
        self._stop = asyncio.Event()
        self._grace = settings.drain_grace
        app = create_app(Service(settings, self._jobs, self._runner, self._stop.set))
        config = uvicorn.Config(
            Guard(self._usage.around(app), token, hosts),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._uvicorn = _Uvicorn(config)

    async def run(self) -> None:
        """Serve until something sets the stop event, then drain."""
        self._watch_signals()
        self._jobs.start()
        runner = asyncio.create_task(self._runner.run())
        http = asyncio.create_task(self._uvicorn.serve(sockets=[self._socket]))
        while not self._uvicorn.started and not http.done():
            await asyncio.sleep(0.005)
        discovery = Discovery(self._address, os.getpid(), PROTOCOL_VERSION, ADDON_VERSION)
        with state.published(self._settings.state_dir, discovery):
            logger.info("listening on %s, pid %d", self._address, os.getpid())
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

    async def _until_stopped(self, *workings: asyncio.Task[None]) -> None:
        """Until the end is wanted, or one of the workings has failed."""
        stop = asyncio.create_task(self._stop.wait())
        idle = asyncio.create_task(self._until_idle())
        await asyncio.wait((stop, idle, *workings), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        idle.cancel()

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
                loop.add_signal_handler(number, self._stop.set)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop.set))
        if self._settings.exit_with_stdin:
            threading.Thread(target=self._watch_stdin, args=(loop,), name="stdin", daemon=True).start()

    def _watch_stdin(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        self._grace = 0.0
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(self._stop.set)
