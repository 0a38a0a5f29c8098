"""Clients that are slow, silent or too many; they may have no token at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from blender_segaddon.protocol.discovery import read_discovery, read_token
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import GenerateRequest

from .support import call, post, serve, until

FLAGS = ("--header-timeout", "0.4", "--read-timeout", "0.4", "--write-timeout", "0.4", "--min-body-rate", "10000")


@pytest.fixture(scope="module")
def strict(shared_home: Path) -> Iterator[Path]:
    """The state folder of a server with little patience and room for eight connections."""
    with serve(shared_home, *FLAGS, "--max-connections", "8", "--enable-test-generator") as server:
        until(lambda: read_discovery(shared_home))
        yield shared_home
        server.terminate()
        _, said = server.communicate(timeout=10)
        assert b"Traceback" not in said, said.decode()


def connect(home: Path) -> socket.socket:
    found = read_discovery(home)
    assert found
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(5)
    connected.connect(found.address.removeprefix("unix:"))
    return connected


def head(home: Path, size: int, token: str | None = None) -> bytes:
    """The head of a submitted job."""
    lines = ["POST /v1/jobs HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token or read_token(home)}"]
    lines += ["Content-Type: application/octet-stream", f"Content-Length: {size}", "", ""]
    return "\r\n".join(lines).encode()


def heard(connected: socket.socket) -> bytes:
    """All that the server still says until it ends the connection."""
    said = b""
    try:
        while data := connected.recv(65536):
            said += data
    except ConnectionError:
        pass
    return said


def dribble(connected: socket.socket, data: bytes, seconds: float) -> float:
    """Send byte by byte until the server has had enough; the seconds that it took."""
    began = time.monotonic()
    try:
        for index in range(int(seconds / 0.05)):
            connected.sendall(data[index : index + 1] or b"x")
            time.sleep(0.05)
    except ConnectionError:
        pass
    return time.monotonic() - began


@pytest.mark.parametrize("said", [b"", b"GET /v1/info HTTP/1.1\r\nHost: loc"], ids=["nothing", "half"])
def test_a_connection_that_asks_nothing_is_ended(strict: Path, said: bytes):
    with connect(strict) as connected:
        began = time.monotonic()
        connected.sendall(said)
        assert heard(connected) == b""
        assert 0.2 < time.monotonic() - began < 2


def test_a_head_that_dribbles_in_is_not_waited_for(strict: Path):
    with connect(strict) as connected:
        assert dribble(connected, head(strict, 5), 4) < 2


def test_a_body_that_pauses_is_refused(strict: Path):
    with connect(strict) as connected:
        connected.sendall(head(strict, 1000) + b"x" * 10)
        said = heard(connected)
        assert said.startswith(b"HTTP/1.1 408")
        assert b'"code":"too_slow"' in said


def test_a_body_that_dribbles_in_is_refused_by_its_size(strict: Path):
    with connect(strict) as connected:
        connected.sendall(head(strict, 5000))  # 0.4 s and half a second for 5,000 bytes
        assert 0.5 < dribble(connected, b"", 5) < 3
        assert heard(connected).startswith(b"HTTP/1.1 408")


def test_what_comes_after_a_refusal_is_not_read_for_ever(strict: Path):
    with connect(strict) as connected:
        connected.sendall(head(strict, 1 << 30, token="wrong"))
        assert dribble(connected, b"", 5) < 2


def test_a_client_that_waits_for_the_word_to_go_on_hears_the_refusal_first(strict: Path):
    with connect(strict) as connected:
        text = head(strict, 1 << 40).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
        connected.sendall(text)
        assert heard(connected).startswith(b"HTTP/1.1 413")


def test_a_reply_that_nobody_reads_ends_the_connection(strict: Path):
    writer = BodyWriter()
    large = writer.add(np.zeros((2048, 2048, 3), np.uint8), compress=True)
    job = post(strict, writer.finish(GenerateRequest("rehearsal", "0 0", image=large)))[1]["id"]
    until(lambda: call(strict, "GET", f"/v1/jobs/{job}")[1]["event"]["state"] == "succeeded")
    with connect(strict) as connected:
        request = f"GET /v1/jobs/{job}/result HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {read_token(strict)}"
        connected.sendall(request.encode() + b"\r\n\r\n")
        time.sleep(1.2)
        assert len(heard(connected)) < 12 << 20
    assert len(call(strict, "GET", f"/v1/jobs/{job}/result")[1]) > 12 << 20


def test_too_many_connections_are_told_so(strict: Path):
    with ExitStack() as stack:
        held = [stack.enter_context(connect(strict)) for _ in range(8)]
        with connect(strict) as one_more:
            said = heard(one_more)
        assert said.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in said.lower()
        assert len(held) == 8
    until(lambda: call(strict, "GET", "/v1/health")[0] == 200)


def test_a_crowd_of_slow_clients_leaves_room_for_the_next(strict: Path):
    with ExitStack() as stack:
        for _ in range(7):
            stack.enter_context(connect(strict)).sendall(b"GET / HTTP/1.1\r\n")
        assert call(strict, "GET", "/v1/health")[0] == 200
        time.sleep(0.8)
        assert call(strict, "GET", "/v1/health")[0] == 200
