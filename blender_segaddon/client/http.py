"""One HTTP request at a time to the server, over its Unix socket or TCP, and what it may answer."""

from __future__ import annotations

import contextlib
import http.client
import socket
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..protocol.codec import from_json, load
from ..protocol.errors import BridgeError, InvalidInput, ProtocolMismatch, SegAddonError
from ..protocol.framing import MAX_HEADER_BYTES, BytesLike
from ..protocol.messages import Problem

T = TypeVar("T")

MAX_REPLY_BYTES = 1 << 31
CONNECT_SECONDS = 5.0

_SLICE = 1 << 20
"""Bytes between two looks at whether the caller has cancelled."""


class ConnectionBrokenError(Exception):
    """Nobody answers, or the server went away in the middle. Never leaves this package."""


class RefusedError(Exception):
    """The server answered with a problem. Never leaves this package; see ``user_error``."""

    def __init__(self, problem: Problem, retry_after: float) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.retry_after = retry_after
        """seconds, 0 when the server named none"""

    def user_error(self) -> SegAddonError:
        """The exception that the user sees."""
        known = {kind.code: kind for kind in (InvalidInput, ProtocolMismatch)}
        return known.get(self.problem.code, BridgeError)(self.problem.detail, ". ".join(self.problem.hints))


@dataclass(frozen=True)
class Endpoint:
    """Where a server is and what opens it."""

    address: str
    """unix:/path or http://host:port"""
    token: str

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """A connection, already open. Raises ConnectionBrokenError, InvalidInput for an address that is none."""
        parts = urllib.parse.urlsplit(self.address)
        if parts.scheme == "unix" and parts.path:
            connection: http.client.HTTPConnection = _UnixConnection(parts.path, timeout)
        elif parts.scheme == "http" and parts.hostname:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        else:
            raise InvalidInput(f"{self.address!r} is no address", "Use unix:/path or http://127.0.0.1:port")
        with _translated():
            connection.connect()
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class Reply:
    """A successful reply whose body is still to be read. Every method raises ConnectionBrokenError."""

    def __init__(self, reply: http.client.HTTPResponse, connected: socket.socket) -> None:
        self._reply = reply
        self._socket = connected

    def message(self, cls: type[T]) -> T:
        """The JSON message. Raises InvalidInput."""
        return _message(self._reply, cls)

    def bytes(self, check: Callable[[], None]) -> bytearray:
        """The whole body; ``check`` is called between slices and may raise. Raises BridgeError when it is too large."""
        size = int(self._reply.headers.get("Content-Length", 0))
        if size > MAX_REPLY_BYTES:
            raise BridgeError(f"The server sends {size >> 20} MiB", "Ask for fewer or smaller pictures")
        data = bytearray(size)
        view, done = memoryview(data), 0
        while done < size:
            check()
            with _translated():
                count = self._reply.readinto(view[done : done + _SLICE])
            if not count:
                raise ConnectionBrokenError("the reply ends early")
            done += count
        return data

    def line(self) -> bytes:
        """The next line of a stream, b"" at its end."""
        with _translated():
            return self._reply.readline(MAX_HEADER_BYTES)

    def interrupt(self) -> None:
        """From another thread: let a waiting read end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def exchange(
    endpoint: Endpoint,
    method: str,
    path: str,
    *,
    body: Sequence[BytesLike] = (),
    headers: dict[str, str] | None = None,
    timeout: float = 30.0,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Reply]:
    """Send a request and give its successful reply; the connection lives as long as the block.

    ``check`` is called between slices of the body and may raise. Raises ConnectionBrokenError, RefusedError.
    """
    size = sum(memoryview(part).nbytes for part in body)
    all_headers = {"Authorization": f"Bearer {endpoint.token}", "Content-Length": str(size), **(headers or {})}
    connection = endpoint.connect(min(timeout, CONNECT_SECONDS))
    try:
        connected = connection.sock
        connected.settimeout(timeout)
        with _translated():
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in all_headers.items():
                connection.putheader(name, value)
            connection.endheaders()
        for part in _slices(body):
            check()
            with _translated():
                connection.send(part)
        with _translated():
            reply = connection.getresponse()
        with reply:
            if reply.status >= 300:
                raise _refusal(reply)
            yield Reply(reply, connected)
    finally:
        connection.close()


def _slices(body: Sequence[BytesLike]) -> Iterator[memoryview]:
    for part in body:
        view = memoryview(part).cast("B")
        for start in range(0, len(view), _SLICE):
            yield view[start : start + _SLICE]


def _message(reply: http.client.HTTPResponse, cls: type[T]) -> T:
    with _translated():
        data = reply.read(MAX_HEADER_BYTES)
    if reply.length:  # bytes that are declared and did not come
        raise ConnectionBrokenError("the reply ends early")
    return from_json(cls, load(data), ignore_unknown=True)


def _refusal(reply: http.client.HTTPResponse) -> RefusedError:
    try:
        problem = _message(reply, Problem)
    except InvalidInput:  # not our server, or something in between
        text = f"The server answers {reply.status} {reply.reason}"
        problem = Problem("", reply.reason, reply.status, "unknown", text, ("Check the address",), retryable=False)
    wait = reply.headers.get("Retry-After", "")
    return RefusedError(problem, float(wait) if wait.isdigit() else 0.0)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionBrokenError(f"{type(error).__name__}: {error}") from error
