"""Who may not call, and bodies that lie."""

from __future__ import annotations

import dataclasses
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.discovery import read_discovery
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.messages import BufferRef, GenerateRequest

from .support import call, post, rehearsal

ROUTES = [
    ("GET", "/v1/health"),
    ("GET", "/v1/info"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs/x"),
    ("DELETE", "/v1/jobs/x"),
    ("GET", "/v1/jobs/x/events"),
    ("GET", "/v1/jobs/x/result"),
    ("POST", "/v1/shutdown"),
    ("OPTIONS", "/v1/jobs"),
    ("GET", "/nowhere"),
]
STRANGERS: list[tuple[dict[str, str | None], int]] = [
    ({"Authorization": None}, 401),
    ({"Authorization": "Bearer wrong"}, 401),
    ({"Authorization": "Bearer "}, 401),
    ({"Authorization": "Basic Og=="}, 401),
    ({"Host": "evil.example"}, 421),
    ({"Host": "localhost:80"}, 421),
    ({"Host": None}, 400),  # refused by the HTTP parser itself
    ({"Origin": "http://localhost"}, 403),
    ({"Origin": "null"}, 403),
]


@pytest.mark.parametrize(("headers", "expected"), STRANGERS, ids=str)
def test_strangers_are_turned_away_everywhere(shared: Bridge, shared_home: Path, headers, expected):
    for method, path in ROUTES:
        status, problem, _ = call(shared_home, method, path, **headers)
        assert status == expected, (method, path)
        if expected != 400:
            assert problem["status"] == expected
            assert set(problem) == {"type", "title", "status", "code", "detail", "hints", "retryable"}
    assert shared.info().pid


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/jobs", 405),
        ("PUT", "/v1/info", 405),
        ("TRACE", "/v1/info", 405),
        ("GET", "/v1/jobs/../info", 404),
        ("GET", "/v1/jobs/%2e%2e/info", 404),
        ("GET", "/v1/jobs/..%2f..%2ftoken", 404),
        ("GET", "/v1/info/", 404),
        ("GET", "//v1/info", 404),
        ("GET", "/token", 404),
        ("GET", "/", 404),
    ],
)
def test_paths_lead_nowhere_else(shared: Bridge, shared_home: Path, method, path, expected):
    status, problem, headers = call(shared_home, method, path)
    assert (status, headers["content-type"]) == (expected, "application/problem+json")
    assert problem["code"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Length": str(1 << 40)}, 413),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 400),
        ({"Content_Length": None, "Transfer_Encoding": "chunked"}, 411),
        ({"Idempotency_Key": "k" * 1000}, 400),
    ],
    ids=lambda value: str(value)[:60],
)
def test_bodies_must_say_what_they_are(shared: Bridge, shared_home: Path, headers, expected):
    assert post(shared_home, rehearsal(), **headers)[0] == expected


def test_a_body_that_never_comes_is_no_job(shared: Bridge, shared_home: Path):
    found = read_discovery(shared_home)
    assert found
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(found.address.removeprefix("unix:"))
        token = (shared_home / "token").read_text()
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        connected.sendall(f"{head}Content-Type: application/octet-stream\r\nContent-Length: 99999\r\n\r\n".encode())
        assert call(shared_home, "GET", "/v1/health")[1] == {"status": "ok", "queued": 0, "running": 0}


@pytest.mark.parametrize(
    "header",
    [
        b"not json",
        b"[]",
        b"[" * 100_000,
        b'{"protocol":[1,0],"type":"GenerateRequest"}',
        b'{"protocol":[1,0],"type":"GenerateResult","message":{}}',
        b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"rehearsal","path":"/etc/passwd"}}',
        b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"rehearsal","seed":NaN}}',
        b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"rehearsal","seed":"5"}}',
        b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"rehearsal","count":17}}',
        b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"rehearsal"}}',
        b'{"protocol":["1",0],"type":"GenerateRequest","message":{"generator":"rehearsal"}}',
        b"\xff\xfe",
    ],
    ids=lambda value: value[-40:].decode("latin-1"),
)
def test_malformed_headers_are_refused(shared: Bridge, shared_home: Path, header: bytes):
    status, problem, _ = post(shared_home, struct.pack("<I", len(header)) + header)
    assert (status, problem["code"]) == (400, "invalid_input")


def test_another_protocol_is_refused(shared: Bridge, shared_home: Path):
    header = b'{"protocol":[9,0],"type":"GenerateRequest","message":{}}'
    status, problem, _ = post(shared_home, struct.pack("<I", len(header)) + header)
    assert (status, problem["code"]) == (400, "protocol_mismatch")
    assert "9.0" in problem["detail"]


def _with_image(ref: dict[str, Any], data: bytes) -> bytes:
    """A job whose image reference is changed behind the writer's back."""
    honest = BodyWriter()
    request = GenerateRequest("rehearsal", "0 0", image=honest.add(np.zeros((4, 6, 3), np.uint8)))
    assert request.image
    lie = dataclasses.replace(request, image=dataclasses.replace(request.image, **ref))
    header = dump({"protocol": [1, 0], "type": "GenerateRequest", "message": to_json(lie)})
    return struct.pack("<I", len(header)) + header + data


@pytest.mark.parametrize(
    "ref",
    [
        {"shape": (5, 6, 3)},
        {"shape": (1 << 20, 1 << 20, 3), "length": 3 << 40},
        {"shape": (2**62, 4, 3)},
        {"shape": (-4, -6, 3)},
        {"shape": (0, 6, 3), "length": 0},
        {"shape": (72,)},
        {"shape": ()},
        {"shape": (4, 6, 3), "dtype": "float32"},
        {"offset": 1},
        {"offset": -1},
        {"length": 10**9},
        {"length": -72},
    ],
    ids=str,
)
def test_lying_shapes_are_refused(shared: Bridge, shared_home: Path, ref: dict[str, Any]):
    status, problem, _ = post(shared_home, _with_image(ref, bytes(72)))
    assert (status, problem["code"]) == (400, "invalid_input")
    assert problem["hints"]


def test_truncated_bodies_are_refused(shared: Bridge, shared_home: Path):
    whole = b"".join(rehearsal())
    for size in (0, 3, 4, 50, len(whole) - 20):
        assert post(shared_home, whole[:size])[1]["code"] == "invalid_input"


@pytest.mark.parametrize(
    "data",
    [zlib.compress(bytes(100 << 20)), zlib.compress(bytes(71)), zlib.compress(bytes(72))[:-2], b"x" * 30],
    ids=["bomb", "short", "cut", "garbage"],
)
def test_compressed_buffers_unpack_to_their_size_or_fail(shared: Bridge, shared_home: Path, data: bytes):
    body = _with_image({"encoding": "zlib", "length": len(data)}, data)
    job = post(shared_home, body)[1]["id"]
    assert b'"code":"invalid_input"' in call(shared_home, "GET", f"/v1/jobs/{job}/events")[1]


def test_an_honest_compressed_buffer_passes():
    data = zlib.compress(bytes(72))
    body = read_body(_with_image({"encoding": "zlib", "length": len(data)}, data))
    ref = body.message(GenerateRequest).image
    assert isinstance(ref, BufferRef)
    assert body.array(ref).shape == (4, 6, 3)
