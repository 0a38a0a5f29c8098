"""HTTP/1.1 to the server, on the network thread's event loop: one request a connection, over a Unix socket, loopback
TCP or TLS. Everything can be cancelled at any point. The environment's proxies are never used."""

from __future__ import annotations

import asyncio
import contextlib
import http
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from ..protocol.codec import from_json, load
from ..protocol.errors import BridgeError, InvalidInput, ProtocolMismatch, SegAddonError, StorageError
from ..protocol.framing import MAX_HEADER_BYTES, BytesLike
from ..protocol.messages import Problem
from .endpoint import ConnectionBrokenError, Endpoint

T = TypeVar("T")

MAX_REPLY_BYTES = 1 << 31
CONNECT_SECONDS = 5.0
_CONTINUE_SECONDS = 2.0
"""How long a large body waits for the server's word that there is room for it; then it is sent all the same."""
_LARGE_BODY = 1 << 16
_SLICE = 1 << 18
"""Bytes that are handed to the system at once."""
_MAX_HEADERS = 100


class RefusedError(Exception):
    """The server answered with a problem. Never leaves this package; see ``user_error``."""

    def __init__(self, problem: Problem, retry_after: float) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.retry_after = retry_after
        """seconds, 0 when the server named none"""

    def user_error(self) -> SegAddonError:
        """The exception that the user sees, with the server's code."""
        known = {kind.code: kind for kind in (InvalidInput, ProtocolMismatch, StorageError)}
        error = known.get(self.problem.code, BridgeError)(self.problem.detail, ". ".join(self.problem.hints))
        error.code = self.problem.code or error.code
        return error


class Reply:
    """A successful reply whose body is still to be read. Every method raises ConnectionBrokenError."""

    def __init__(self, status: int, headers: dict[str, str], reader: asyncio.StreamReader, timeout: float) -> None:
        self.status = status
        self.headers = headers
        """names in lower case"""
        self._reader = reader
        self._timeout = timeout

    async def message(self, cls: type[T]) -> T:
        """The JSON message. Raises InvalidInput."""
        return from_json(cls, load(await self.bytes(MAX_HEADER_BYTES)), ignore_unknown=True)

    async def bytes(self, most: int = MAX_REPLY_BYTES) -> bytearray:
        """The whole body. Raises BridgeError when it has more than ``most`` bytes."""
        declared = self.headers.get("content-length", "")
        data = bytearray(_checked_size(int(declared), most) if declared.isdigit() else 0)
        done = 0
        async for piece in self._pieces():
            if not declared:
                _checked_size(len(data) + len(piece), most)
            data[done : done + len(piece)] = piece
            done += len(piece)
        if done != len(data):
            raise ConnectionBrokenError("the reply ends early")
        return data

    async def lines(self) -> AsyncIterator[bytes]:
        """The lines of a stream, to its end."""
        rest = b""
        async for piece in self._pieces():
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > MAX_HEADER_BYTES:
                raise ConnectionBrokenError("a line without an end")
            for line in whole:
                yield line

    async def _pieces(self) -> AsyncIterator[bytes]:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := await self._chunk_size():
                async for piece in self._exactly(size):
                    yield piece
                await self._line()
            return
        async for piece in self._exactly(int(self.headers.get("content-length", "0"))):
            yield piece

    async def _chunk_size(self) -> int:
        try:
            return int((await self._line()).partition(b";")[0], 16)
        except ValueError as error:
            raise ConnectionBrokenError("the reply ends early") from error

    async def _line(self) -> bytes:
        async with _translated(self._timeout):
            return await self._reader.readuntil(b"\n")

    async def _exactly(self, size: int) -> AsyncIterator[bytes]:
        while size:
            async with _translated(self._timeout):
                piece = await self._reader.read(min(size, _SLICE))
            if not piece:
                raise ConnectionBrokenError("the reply ends early")
            size -= len(piece)
            yield piece


@contextlib.asynccontextmanager
async def exchange(
    endpoint: Endpoint,
    method: str,
    path: str,
    *,
    body: Sequence[BytesLike] = (),
    headers: dict[str, str] | None = None,
    timeout: float = 30.0,
    sent: asyncio.Event | None = None,
) -> AsyncIterator[Reply]:
    """Send a request and give its successful reply; the connection lives as long as the block.

    A large body is sent only once the server has room for it (Expect: 100-continue).

    Args:
        timeout: seconds of silence after which the connection counts as broken.
        sent: set once the server may have the whole request.

    Raises:
        ConnectionBrokenError: nobody answers, or the server went away in the middle.
        RefusedError: the server answered with a problem.
        BridgeError: the server is not trusted, or it does not speak TLS.
    """
    async with _translated(min(timeout, CONNECT_SECONDS)):
        reader, writer = await endpoint.connect()
    try:
        size = sum(memoryview(part).nbytes for part in body)
        held = size > _LARGE_BODY
        async with _translated(timeout):
            writer.write(_head(endpoint, method, path, size, held, headers or {}))
            await writer.drain()
        early = await _go_ahead(reader) if held else None
        if early is None:
            await _send(writer, body, timeout)
            if sent:
                sent.set()
            early = await _final_head(reader, timeout)
        reply = Reply(*early, reader, timeout)
        if reply.status >= 300:
            raise await _refusal(reply)
        yield reply
    finally:
        writer.transport.abort()


def _head(endpoint: Endpoint, method: str, path: str, size: int, held: bool, headers: dict[str, str]) -> bytes:
    fields = {
        "Host": endpoint.host,
        "Authorization": f"Bearer {endpoint.token}",
        "Content-Length": str(size),
        "Connection": "close",
        **({"Expect": "100-continue"} if held else {}),
        **headers,
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
    except UnicodeEncodeError as error:
        raise InvalidInput("The server's token or address holds strange letters", "Copy it again") from error


async def _send(writer: asyncio.StreamWriter, body: Sequence[BytesLike], timeout: float) -> None:
    for part in body:
        view = memoryview(part).cast("B")
        for start in range(0, len(view), _SLICE):
            async with _translated(timeout):
                writer.write(view[start : start + _SLICE])
                await writer.drain()


async def _go_ahead(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]] | None:
    """Wait for the word that the body may come; a final answer instead of it is given back."""
    waiting = asyncio.ensure_future(_read_head(reader))
    done, _ = await asyncio.wait({waiting}, timeout=_CONTINUE_SECONDS)
    if not done:
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        return None
    async with _translated(1.0):
        head = waiting.result()
    return None if head[0] == 100 else head


async def _final_head(reader: asyncio.StreamReader, timeout: float) -> tuple[int, dict[str, str]]:
    async with _translated(timeout):
        while (head := await _read_head(reader))[0] < 200:
            pass
    return head


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers. Cancelled before its first byte it takes nothing out of ``reader``."""
    data = await reader.readuntil(b"\r\n\r\n")
    first, *rest = data.decode("latin-1").rstrip().split("\r\n")
    words = first.split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit() or len(rest) > _MAX_HEADERS:
        raise ConnectionBrokenError(f"this is no HTTP server: {first:.40}")
    fields = (line.partition(":") for line in rest)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in fields}


async def _refusal(reply: Reply) -> RefusedError:
    try:
        problem = await reply.message(Problem)
    except InvalidInput:  # not our server, or something in between
        phrase = _phrase(reply.status)
        text = f"The server answers {reply.status} {phrase}"
        problem = Problem("", phrase, reply.status, "unknown", text, ("Check the address",), retryable=False)
    wait = reply.headers.get("retry-after", "")
    return RefusedError(problem, float(wait) if wait.isdigit() else 0.0)


def _phrase(status: int) -> str:
    with contextlib.suppress(ValueError):
        return http.HTTPStatus(status).phrase
    return ""


def _checked_size(size: int, most: int) -> int:
    if size > most:
        raise BridgeError(f"The server sends {size >> 20} MiB", "Ask for fewer or smaller pictures")
    return size


@contextlib.asynccontextmanager
async def _translated(seconds: float) -> AsyncIterator[None]:
    """At most ``seconds``; what goes wrong on the way becomes ConnectionBrokenError, a lack of trust BridgeError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except ssl.SSLCertVerificationError as error:
        raise BridgeError(
            f"The server's certificate is not trusted: {error.verify_message}",
            "Give the certificate of its authority, or the server's fingerprint",
        ) from error
    except ssl.SSLError as error:
        raise BridgeError(
            f"No secure connection to the server: {error.reason or error}", "Check address and port: it must speak TLS"
        ) from error
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:  # TimeoutError is an OSError
        raise ConnectionBrokenError(f"{type(error).__name__}: {error}") from error
