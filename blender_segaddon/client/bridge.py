"""The bridge as the add-on sees it: one object, blocking calls, from any thread."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..protocol.discovery import EXIT_ALREADY_RUNNING, default_state_dir, read_discovery, read_token
from ..protocol.errors import BridgeUnavailable, Cancelled, InvalidInput, JobFailed
from ..protocol.framing import BytesLike, check_protocol, read_body
from ..protocol.messages import FINAL_STATES, Event, GenerateResult, JobAccepted, ServerInfo
from .events import EventStream
from .http import ConnectionBrokenError, Endpoint, RefusedError, exchange
from .launch import ServerProcess, default_server_command

_LOOK_SECONDS = 0.05
"""Between two looks at whether the caller has cancelled."""
_RELAUNCH_SECONDS = 0.3
_CANCEL_SECONDS = 0.2
_ATTEMPTS = 2
_STREAM_CUTS = 20
"""A stream that is cut this often without one new event counts as a lost server."""

_BODY_HEADERS = {"Content-Type": "application/octet-stream"}
_INSTALL_HINT = "Install the bridge server from the add-on's preferences, or set SEGADDON_SERVER_PYTHON"

Look = Callable[[], None]
"""Raises Cancelled when the caller wants to stop."""


class Bridge:
    """A connection to the user's bridge server, which is started on demand and shared with other programs.

    Args:
        server_command: what runs the server, before "serve"; None: ``default_server_command()``.
        state_dir: the server's folder; None: ``default_state_dir()``.
        address: talk to this server (unix:/path or http://host:port) and never start one.
        token: of the server at ``address``; None: the one in ``state_dir``.
        end_with_us: a server that is started here ends with this process, or at ``close``.
    """

    def __init__(
        self,
        *,
        server_command: Sequence[str] | None = None,
        state_dir: Path | None = None,
        address: str | None = None,
        token: str | None = None,
        end_with_us: bool = False,
    ) -> None:
        self._command = server_command or default_server_command()
        self._state_dir = state_dir or default_state_dir()
        self._address = address
        self._token = token
        self._end_with_us = end_with_us
        self._starting = threading.Lock()
        self._process: ServerProcess | None = None

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server if it was started here to end with us; else nothing."""
        process, self._process = self._process, None
        if process and self._end_with_us:
            process.end()

    def info(self) -> ServerInfo:
        """What the running server says of itself. Raises BridgeUnavailable, ProtocolMismatch."""
        found = self._probe()
        if found is None:
            raise BridgeUnavailable("No bridge server is running", "It is started by the next job")
        return found[1]

    def ensure_running(self, timeout: float = 30.0) -> ServerInfo:
        """Find the server or start one, and wait until it answers.

        Raises BridgeUnavailable with the end of its log, ProtocolMismatch, StorageError.
        """
        return self._ensure(timeout, lambda: None)[1]

    def run(
        self,
        body: Sequence[BytesLike],
        *,
        on_event: Callable[[Event], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[GenerateResult, list[np.ndarray]]:
        """Have a job done: the result and its pictures (uint8 H×W×3 each, read-only).

        Blocks; starts the server when none runs. When the server goes away in the middle the job is sent to a new one,
        once; ``on_event`` then hears its events from number 1 again. ``on_event`` runs on this thread.

        Args:
            body: parts from ``BodyWriter.finish(GenerateRequest(...))``, not to be changed meanwhile.
            cancelled: asked every 50 ms; True ends the job.

        Raises Cancelled, JobFailed, InvalidInput, BridgeUnavailable, ProtocolMismatch.
        """

        def look() -> None:
            if cancelled and cancelled():
                raise Cancelled("The job was cancelled")

        key = uuid.uuid4().hex  # so that a server that had taken the job already does not run it twice
        broken: ConnectionBrokenError | None = None
        for _ in range(_ATTEMPTS):
            try:
                with _user_errors():
                    endpoint, _info = self._ensure(30.0, look)
                    return _run_job(endpoint, body, key, on_event or _ignore, look)
            except ConnectionBrokenError as error:
                broken = error
        hint = f"Look at the end of {self._state_dir / 'server.log'}, then try again"
        raise BridgeUnavailable("The bridge server went away twice in the middle of the job", hint) from broken

    def _probe(self) -> tuple[Endpoint, ServerInfo] | None:
        """The live server, None when there is none or it is ending. Raises ProtocolMismatch."""
        found = read_discovery(self._state_dir) if self._address is None else None
        address = found.address if found else self._address
        if address is None:
            return None
        endpoint = Endpoint(address, self._token or read_token(self._state_dir))
        try:
            with exchange(endpoint, "GET", "/v1/info", timeout=5.0) as reply:
                info = reply.message(ServerInfo)
        except ConnectionBrokenError:
            return None
        except InvalidInput:
            if found:  # asked only of a server that lives: what a dead one left says nothing
                check_protocol(found.protocol_version)
            raise
        except RefusedError as refused:
            if self._address is None or refused.problem.retryable:
                return None  # ending, or another one has taken its place and our token is the old one's
            raise refused.user_error() from None
        check_protocol(info.protocol_version)
        return endpoint, info

    def _ensure(self, timeout: float, look: Look) -> tuple[Endpoint, ServerInfo]:
        while not self._starting.acquire(timeout=_LOOK_SECONDS):
            look()
        try:
            return self._probe() or self._start(timeout, look)
        finally:
            self._starting.release()

    def _start(self, timeout: float, look: Look) -> tuple[Endpoint, ServerInfo]:
        if self._address is not None:
            raise BridgeUnavailable(f"No bridge server answers at {self._address}", "Start it, or check the address")
        if self._command is None:
            raise BridgeUnavailable("No bridge server is running and none is installed", _INSTALL_HINT)
        deadline = time.monotonic() + timeout
        process = self._launch(self._command)
        while time.monotonic() < deadline:
            if found := self._probe():
                return found
            if process.exit_status == EXIT_ALREADY_RUNNING:  # another one is starting, or ending
                _pause(_RELAUNCH_SECONDS, look)
                if found := self._probe():
                    return found
                process = self._launch(self._command)
            elif process.exit_status is not None:
                said = process.log_tail() or f"exit status {process.exit_status}"
                raise BridgeUnavailable(f"The bridge server ended at its start: {said}", "See server.log for the rest")
            _pause(0.02, look)
        process.kill()
        raise BridgeUnavailable(f"The bridge server did not answer within {timeout:.0f} s", "See server.log")

    def _launch(self, command: Sequence[str]) -> ServerProcess:
        if self._process:
            self._process.let_go()
        self._process = ServerProcess(command, self._state_dir, self._end_with_us)
        return self._process


def _run_job(
    endpoint: Endpoint, body: Sequence[BytesLike], key: str, on_event: Callable[[Event], None], look: Look
) -> tuple[GenerateResult, list[np.ndarray]]:
    """One attempt. Raises ConnectionBrokenError when the server goes away."""
    job = _submit(endpoint, body, key, look)
    try:
        final = _follow(endpoint, job, on_event, look)
        _check_final(final)
        with exchange(endpoint, "GET", f"/v1/jobs/{job}/result") as reply:
            data = reply.bytes(look)
    except ConnectionBrokenError:
        raise
    except BaseException:  # cancelled, or on_event raised: the server need not go on
        _cancel(endpoint, job)
        raise
    received = read_body(data)
    result = received.message(GenerateResult, ignore_unknown=True)
    return result, [received.array(ref) for ref in result.images]


def _cancel(endpoint: Endpoint, job: str) -> None:
    gone = contextlib.suppress(ConnectionBrokenError, RefusedError)
    with gone, exchange(endpoint, "DELETE", f"/v1/jobs/{job}", timeout=_CANCEL_SECONDS):
        pass


def _submit(endpoint: Endpoint, body: Sequence[BytesLike], key: str, look: Look) -> str:
    """Send the job, again and again while the server's queue is full; its id."""
    headers = {**_BODY_HEADERS, "Idempotency-Key": key}
    while True:
        look()
        try:
            with exchange(endpoint, "POST", "/v1/jobs", body=body, headers=headers, check=look) as reply:
                return reply.message(JobAccepted).id
        except RefusedError as refused:
            if refused.problem.status != 429:
                raise
            _pause(refused.retry_after or 1.0, look)


def _follow(endpoint: Endpoint, job: str, on_event: Callable[[Event], None], look: Look) -> Event:
    """Hand the job's events on, through cuts of the stream; the final one."""
    last = cuts = 0
    while cuts < _STREAM_CUTS:
        cuts += 1
        with EventStream(endpoint, job, last) as stream:
            for event in _events(stream, look):
                last, cuts = event.number, 0
                on_event(event)
                if event.state in FINAL_STATES:
                    return event
        _pause(_LOOK_SECONDS, look)
    raise ConnectionBrokenError("the event stream breaks again and again")


def _events(stream: EventStream, look: Look) -> Iterator[Event]:
    while True:
        look()
        try:
            event = stream.next(_LOOK_SECONDS)
        except queue.Empty:
            continue
        if event is None:
            return
        yield event


def _check_final(event: Event) -> None:
    """Raise what a job's end means, unless it succeeded."""
    if event.code == "server_stopping":
        raise ConnectionBrokenError(event.message)
    if event.state == "failed" and event.code == InvalidInput.code:  # found by the worker, refused all the same
        raise InvalidInput(event.message, event.hint)
    if event.state == "failed":
        raise JobFailed(event.message, event.hint, event.code)
    if event.state == "cancelled":
        raise Cancelled("The job was cancelled by another program", "Try again")


def _pause(seconds: float, look: Look) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        look()
        time.sleep(min(left, _LOOK_SECONDS))


@contextlib.contextmanager
def _user_errors() -> Iterator[None]:
    """A refusal becomes what the user sees; one that says the server is new or ending becomes a broken connection."""
    try:
        yield
    except RefusedError as refused:
        if refused.problem.status in (401, 404, 503):
            raise ConnectionBrokenError(refused.problem.detail) from refused
        raise refused.user_error() from None


def _ignore(_: Event) -> None:
    pass
