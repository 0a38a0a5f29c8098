"""The bridge as the add-on sees it: one object, from any thread. What takes time happens on the network thread."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from ..protocol.discovery import default_state_dir, read_token
from ..protocol.errors import BridgeError, BridgeUnavailable, Cancelled, InvalidInput
from ..protocol.framing import BytesLike
from ..protocol.messages import Event, Health, JobList, JobStatus, Priority, ServerInfo
from .asking import ask
from .endpoint import ConnectionBrokenError, Endpoint
from .finding import Finder
from .http import RefusedError, Reply, exchange
from .jobs import JobHandle, Order, Result
from .launch import default_server_command
from .network import network
from .presence import Presence

T = TypeVar("T")

_LOOK_SECONDS = 0.05
"""Between two looks at whether the caller has cancelled."""
_PATIENCE_SECONDS = 120.0
_ANSWER_SECONDS = 600.0
"""What concerns the worker waits for its job under way."""
_INFO_SECONDS = 5.0
_LEND_AGAIN_SECONDS = 240.0
"""Servers forget that they lend after 10 minutes."""


class Bridge:
    """The user's bridge server, which is started on demand and shared with other programs.

    Args:
        server_command: what runs the server, before "serve"; None: ``default_server_command()``.
        state_dir: the server's folder; None: ``default_state_dir()``.
        address: talk to this server (unix:/path, http://127.0.0.1:port, https://host:port) and never start one.
        token: of the server at ``address``; None: the one in ``state_dir``.
        certificate: PEM file that proves the server at ``address``; None: what the system trusts.
        fingerprint: SHA-256 of its certificate instead.
        end_with_us: a server that is started here ends with this process, or at ``close``.
        patience: seconds for which a job goes on trying while nothing comes of it.

    Raises:
        InvalidInput: an address that is none, or http to another machine.
    """

    def __init__(
        self,
        *,
        server_command: Sequence[str] | None = None,
        state_dir: Path | None = None,
        address: str | None = None,
        token: str | None = None,
        certificate: Path | None = None,
        fingerprint: str = "",
        end_with_us: bool = False,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        state_dir = state_dir or default_state_dir()
        remote = None
        if address is not None:
            remote = Endpoint(address, token or read_token(state_dir), certificate, fingerprint)
        self._finder = Finder(server_command or default_server_command(), state_dir, remote, end_with_us)
        self._patience = patience
        self.presence = Presence(self._finder)
        """how the server does, once ``presence.start`` was called"""
        self._lending: Future[None] | None = None

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the server; it ends if it was started here to end with us, and nobody else uses it."""
        self.presence.stop()
        self._finder.close()

    def info(self) -> ServerInfo:
        """What the running server says of itself. Raises BridgeUnavailable, ProtocolMismatch."""
        found = _wait(self._finder.probe())
        if found is None:
            raise BridgeUnavailable("No bridge server is running", "It is started by the next job")
        return found[1]

    def ensure_running(self, timeout: float = 30.0) -> ServerInfo:
        """Find the server or start one, and wait until it answers.

        Raises BridgeUnavailable with the end of its log, ProtocolMismatch, StorageError.
        """
        return _wait(self._finder.ensure(timeout))[1]

    def health(self) -> Health:
        """How busy the running server is. Raises BridgeUnavailable where none runs."""
        return _wait(self._ask("GET", "/v1/health", Health))

    def begin(
        self, body: Sequence[BytesLike], *, key: str = "", priority: Priority = "interactive", job_id: str = ""
    ) -> JobHandle:
        """Start to hand in a job without waiting; arguments as ``submit``. What goes wrong, ``result`` raises.

        With the ``job_id`` that it had before it is sent again only where the server knows nothing of it any more.
        """
        return JobHandle(self._finder, Order(body, key or uuid.uuid4().hex, priority, job_id), self._patience)

    def submit(
        self,
        body: Sequence[BytesLike],
        *,
        key: str = "",
        priority: Priority = "interactive",
        cancelled: Callable[[], bool] | None = None,
    ) -> JobHandle:
        """Hand in a job and wait until the server has it for good: from then on it survives both sides.

        Args:
            body: parts from ``BodyWriter.finish(GenerateRequest(...))``, not to be changed until the job has ended.
            key: the same one gives the same job, also after a restart of either side; "" for a new one.
            priority: "interactive" goes before "batch".
            cancelled: asked every 50 ms; True ends the job.

        Raises Cancelled, InvalidInput, BridgeUnavailable, ProtocolMismatch.
        """
        handle = self.begin(body, key=key, priority=priority)
        try:
            while not handle.wait_accepted(_LOOK_SECONDS):
                _look(cancelled)
            if not handle.id:
                handle.result()  # raises what kept it out
        except BaseException:
            handle.cancel()
            raise
        return handle

    def resume(self, job_id: str) -> JobHandle:
        """A job that was handed in before, by whatever session. Its ``result`` raises JobFailed where it is unknown."""
        return self.begin((), job_id=job_id)

    def cancel(self, job_id: str) -> None:
        """End a job, whoever handed it in. Raises BridgeUnavailable, BridgeError where the server knows no such job."""
        _wait(self._ask("DELETE", f"/v1/jobs/{job_id}", JobStatus))

    def jobs(self) -> tuple[JobStatus, ...]:
        """Every job that the running server still knows, oldest first. Raises BridgeUnavailable where none runs."""
        return _wait(self._ask("GET", "/v1/jobs", JobList)).jobs

    def run(
        self,
        body: Sequence[BytesLike],
        *,
        priority: Priority = "interactive",
        on_event: Callable[[Event], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Result:
        """Have a job done: the result and its pictures (uint8 H×W×3 each, read-only).

        Blocks; starts the server when none runs. ``on_event`` runs on this thread. Arguments and errors as ``submit``,
        and JobFailed.
        """
        handle = self.submit(body, priority=priority, cancelled=cancelled)
        try:
            for event in handle.follow(_LOOK_SECONDS):
                _look(cancelled)
                if event and on_event:
                    on_event(event)
            return handle.result()
        except BaseException:  # cancelled, or on_event raised: the server need not go on
            handle.cancel()
            raise

    def ask(self, path: str, body: Sequence[BytesLike], blob: BytesLike, sha256: str) -> bytearray:
        """Ask something about a picture that the server keeps by its SHA-256: the body of the answer.

        Blocks; starts the server when none runs, sends the picture where the server does not have it. Raises
        InvalidInput, BridgeError, BridgeUnavailable, ProtocolMismatch.
        """
        return _wait(ask(self._finder, path, body, blob, sha256))

    def free_gpu(self) -> None:
        """Have the running server give back all memory of its models; waits until it has. Raises as ``jobs``."""
        _wait(self._tell("/v1/memory/free"))

    def shut_down(self, timeout: float = 10.0) -> bool:
        """Have the running server end, after its job under way; whether it and its workers have within ``timeout``
        seconds. True where none runs. Raises as ``jobs``."""
        try:
            return _wait(self._shut_down(timeout))
        except BridgeUnavailable:
            return True

    async def _shut_down(self, timeout: float) -> bool:
        found = await self._finder.probe()
        if found is None:
            return True
        await self._tell("/v1/shutdown")
        end = time.monotonic() + timeout
        while await _listens(*found):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    def lend_gpu(self, lend: bool) -> None:
        """Have the running server keep off the GPU while somebody else needs it, or take it back. Returns at once.

        Starts no server. When this program dies the server takes the GPU back by itself, within 10 minutes.
        """
        lending, self._lending = self._lending, None
        if lending:
            lending.cancel()
        if lend:
            self._lending = network.start(self._lend())

    async def _lend(self) -> None:
        try:
            while True:
                await self._told("/v1/memory/pause")
                await asyncio.sleep(_LEND_AGAIN_SECONDS)
        finally:
            network.start(self._told("/v1/memory/resume"))

    async def _told(self, path: str) -> None:
        with contextlib.suppress(BridgeError, InvalidInput):
            await self._tell(path)

    async def _ask(self, method: str, path: str, answer: type[T]) -> T:
        async with self._asked(method, path) as reply:
            return await reply.message(answer)

    async def _tell(self, path: str) -> None:
        async with self._asked("POST", path):
            pass

    @contextlib.asynccontextmanager
    async def _asked(self, method: str, path: str) -> AsyncIterator[Reply]:
        """One question to the running server. Raises BridgeUnavailable where none runs."""
        found = await self._finder.probe()
        if found is None:
            raise BridgeUnavailable("No bridge server is running", "It is started by the next job")
        try:
            async with exchange(found[0], method, path, timeout=_ANSWER_SECONDS) as reply:
                yield reply
        except ConnectionBrokenError as error:
            raise BridgeUnavailable(f"The bridge server broke off: {error}", "Try again") from error
        except RefusedError as refused:
            raise refused.user_error() from None


async def _listens(endpoint: Endpoint, server: ServerInfo) -> bool:
    """Whether this very server lives: one that is ending refuses what it is asked, until its workers have ended."""
    try:
        async with exchange(endpoint, "GET", "/v1/info", timeout=_INFO_SECONDS) as reply:
            return (await reply.message(ServerInfo)).pid == server.pid
    except RefusedError as refused:
        return refused.problem.retryable  # else another one has taken its place, and knows another token
    except ConnectionBrokenError:
        return False


def _wait(work: Coroutine[Any, Any, T]) -> T:
    future = network.start(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _look(cancelled: Callable[[], bool] | None) -> None:
    if cancelled and cancelled():
        raise Cancelled("The job was cancelled")
