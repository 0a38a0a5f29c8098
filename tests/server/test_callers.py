"""Who may call: every attack at every route with every method, and what it gets."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.discovery import read_discovery
from bridge_server.routes import ENDPOINTS
from scripts.lib.stress import processes_of

from .support import REPOSITORY, call, post, rehearsal, serve, until

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW")
VALUES = {"{id}": "0" * 32, "{sha256}": "0" * 64, "{name}": "preview"}
PATHS = sorted({re.sub(r"{\w+}", lambda found: VALUES[found[0]], one.path) for one in ENDPOINTS})
SERVED = {(one.method, re.sub(r"{\w+}", lambda found: VALUES[found[0]], one.path)) for one in ENDPOINTS}
PROBLEM = {"type", "title", "status", "code", "detail", "hints", "retryable"}

STRANGERS: list[tuple[dict[str, str | None], int, str]] = [
    ({"Authorization": None}, 401, "wrong_token"),
    ({"Authorization": "Bearer wrong"}, 401, "wrong_token"),
    ({"Authorization": "Bearer "}, 401, "wrong_token"),
    ({"Authorization": "Basic Og=="}, 401, "wrong_token"),
    ({"Authorization": None, "Cookie": "token=x"}, 401, "wrong_token"),
    ({"Host": "evil.example"}, 421, "wrong_host"),
    ({"Host": "evil.example", "Authorization": None}, 421, "wrong_host"),
    ({"Host": "localhost:80"}, 421, "wrong_host"),
    ({"Host": "localhost.evil.example"}, 421, "wrong_host"),
    ({"Host": "localhost@evil.example"}, 421, "wrong_host"),
    ({"Host": ""}, 421, "wrong_host"),
    ({"Host": None}, 400, "no_http"),
    ({"Origin": "http://localhost"}, 403, "web_page"),
    ({"Origin": "null"}, 403, "web_page"),
    ({"Origin": ""}, 403, "web_page"),
    ({"Sec-Fetch-Mode": "no-cors"}, 403, "web_page"),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "wrong_type"),
    ({"Content-Type": "Multipart/Form-Data; boundary=x"}, 415, "wrong_type"),
    ({"Content-Type": "text/plain"}, 415, "wrong_type"),
    ({"Content-Length": None, "Transfer-Encoding": "chunked"}, 411, "no_length"),
    ({"X-SegAddon-Protocol": "2.0"}, 400, "protocol_mismatch"),
    ({"X-SegAddon-Protocol": "one"}, 400, "invalid_input"),
]


@pytest.mark.parametrize(("headers", "status", "code"), STRANGERS, ids=lambda value: str(value)[:70])
def test_every_route_turns_strangers_away(shared: Bridge, shared_home: Path, headers, status, code):
    chunked = b"0\r\n\r\n" if "Transfer-Encoding" in headers else b""
    for path in PATHS:
        for method in METHODS:
            if method == "CONNECT" and status == 400 and code == "no_http":
                continue
            got, problem, _ = call(shared_home, method, path, chunked, **headers)
            assert got == status, (method, path)
            if method != "HEAD":
                assert (set(problem), problem["code"], problem["status"]) == (PROBLEM, code, status), (method, path)
    assert shared.info().pid


def test_methods_that_are_not_served_say_which_are(shared: Bridge, shared_home: Path):
    for path in PATHS:
        for method in METHODS:
            if (method, path) in SERVED or method == "HEAD":
                continue
            status, problem, headers = call(shared_home, method, path)
            assert (status, problem["code"]) == (405, "no_such_method"), (method, path)
            assert set(headers["allow"].split(", ")) == {one for one, served in SERVED if served == path}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", 404),
        ("//v1/info", 404),
        ("/v1//info", 404),
        ("/v1/info/", 404),
        ("/v1/./info", 404),
        ("/v1/jobs/../info", 404),
        ("/v1/jobs/%2e%2e/info", 404),
        ("/v1/jobs/..%2f..%2ftoken", 404),
        ("/v1/jobs/%2Fetc%2Fpasswd", 404),
        ("/v1/jobs/%00", 404),
        ("/v1/%69nfo", 404),
        ("/v1/jobs/..", 404),
        ("/v1/jobs/.ssh", 404),
        ("/v1\\info", 404),
        ("/v1/info;x", 404),
        ("/v1/info?x=1", 400),
        ("/v1/info?", 200),  # an empty query is none
        ("/V1/info", 404),
        ("/v2/info", 404),
        ("/token", 404),
        ("/server.json", 404),
        ("/openapi.json", 404),
        ("/docs", 404),
        ("http://evil.example/v1/info", 404),
        ("http://localhost/v1/info", 404),
        ("*", 404),
        ("/v1/" + "a" * 600, 414),
        ("/v1/" + "a/" * 5000, 414),
        ("/v1/blobs/" + "A" * 64, 404),
        ("/v1/blobs/" + "..%2f" * 12, 404),
    ],
    ids=lambda value: str(value)[:30],
)
def test_paths_lead_nowhere_else(shared: Bridge, shared_home: Path, path: str, expected: int):
    method = "HEAD" if "/blobs/" in path else "GET"
    status, problem, headers = call(shared_home, method, path)
    assert status == expected
    if expected != 200:
        assert headers["content-type"] == "application/problem+json"
        assert method == "HEAD" or problem["hints"]


def test_heads_have_a_size(shared: Bridge, shared_home: Path):
    headers = {f"X-{number}": "x" * 400 for number in range(100)}
    assert call(shared_home, "GET", "/v1/health", **headers)[0] in (400, 431)  # by when its pieces come
    assert call(shared_home, "GET", "/v1/" + "a" * 40_000)[0] in (400, 414)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content_Type": None}, 415),
        ({"Content_Type": "image/png"}, 415),
        ({"Content_Type": "application/json; charset=latin-1"}, 400),
        ({"Content_Length": str(1 << 40)}, 413),
        ({"Content_Length": "9" * 30}, 400),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 400),
        ({"Content_Length": "1e3"}, 400),
        ({"Idempotency_Key": "k" * 1000}, 400),
        ({"X-SegAddon-Priority": "urgent"}, 400),
        ({"X-SegAddon-Deadline": "tomorrow"}, 400),
        ({"X-SegAddon-Deadline": "nan"}, 400),
        ({"X-SegAddon-Deadline": "-5"}, 400),
        ({"X-SegAddon-Deadline": "1e99"}, 400),
    ],
    ids=lambda value: str(value)[:60],
)
def test_bodies_must_say_what_they_are(shared: Bridge, shared_home: Path, headers, expected):
    assert post(shared_home, rehearsal(), **headers)[0] == expected


def test_replies_are_not_for_browsers_or_caches(shared: Bridge, shared_home: Path):
    for path in ("/v1/info", "/v1/jobs", "/nowhere"):
        _, _, headers = call(shared_home, "GET", path)
        assert headers["x-segaddon-protocol"] == "1.0"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert not {name for name in headers if name.startswith("access-control") or name == "set-cookie"}


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A state folder in a place that every user of the machine can reach."""
    with tempfile.TemporaryDirectory(prefix="segaddon-open-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "state"


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can act as another user")
def test_another_user_is_turned_away_by_folder_and_by_server(open_home: Path):
    with serve(open_home) as server:
        try:
            found = until(lambda: read_discovery(open_home))
            path = found.address.removeprefix("unix:")
            assert "PermissionError" in as_nobody(path)
            open_home.chmod(0o777)
            Path(path).chmod(0o777)
            assert as_nobody(path).startswith("HTTP/1.1 403 Forbidden")
            assert '"code":"other_user"' in as_nobody(path)
            assert call(open_home, "GET", "/v1/health")[0] == 200
        finally:
            open_home.chmod(0o700)
            server.terminate()
            server.communicate(timeout=10)
    assert not processes_of(server.pid)


def as_nobody(path: str) -> str:
    """What another user hears from the socket, or the error."""
    script = (
        f"import os, socket; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX)\n"
        f"try: s.connect({path!r}); s.sendall(b'GET /v1/health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')\n"
        "except BrokenPipeError: pass\n"
        "except OSError as error: print(type(error).__name__); raise SystemExit\n"
        "print(s.recv(9999).decode())"
    )
    arguments = [sys.executable, "-c", script]
    return subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, timeout=10, check=True).stdout


def test_a_tcp_server_goes_by_its_own_name_and_port_only(home: Path):
    with serve(home, "--tcp") as server:
        found = until(lambda: read_discovery(home))
        port = int(found.address.rpartition(":")[2])
        statuses = {host: tcp_status(home, port, host) for host in (f"127.0.0.1:{port}", f"LocalHost:{port}")}
        assert set(statuses.values()) == {200}
        for host in ("127.0.0.1", "localhost", f"evil.example:{port}", f"127.0.0.1:{port + 1}", f"127.0.0.2:{port}"):
            assert tcp_status(home, port, host) == 421, host
        server.terminate()
        server.communicate(timeout=10)


def tcp_status(home: Path, port: int, host: str) -> int:
    token = (home / "token").read_text()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connected:
        head = f"GET /v1/health HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        connected.sendall(head.encode())
        return int(connected.recv(100).split()[1])
