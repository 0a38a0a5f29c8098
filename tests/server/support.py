"""Small helpers of the server tests: requests, raw HTTP, processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.discovery import read_discovery, read_token
from blender_segaddon.protocol.framing import BodyWriter, BytesLike
from blender_segaddon.protocol.messages import GenerateRequest

REPOSITORY = Path(__file__).resolve().parents[2]
SERVER = [sys.executable, "-m", "bridge_server"]
REHEARSAL = [sys.executable, "-m", "tests.server.rehearsal_server"]


def rehearsal(prompt: str = "0 0", *, seed: int = 0, count: int = 1, generator: str = "rehearsal") -> list[BytesLike]:
    """The body of a small job; see ``bridge_server.generation.rehearsal`` for the prompt."""
    writer = BodyWriter()
    image = writer.add(np.zeros((4, 6, 3), np.uint8))
    return writer.finish(GenerateRequest(generator, prompt, seed=seed, count=count, image=image))


def bridge(home: Path, command: list[str] = REHEARSAL, **options: Any) -> Bridge:
    return Bridge(state_dir=home, server_command=command, **options)


def serve(home: Path, *flags: str, prefix: Sequence[str] = (), **options: Any) -> subprocess.Popen[bytes]:
    """A server started by hand, by the command ``prefix`` if given; wait for it with ``until(...)``."""
    arguments = [*prefix, *SERVER, "serve", "--state-dir", str(home), *flags]
    options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(arguments, cwd=REPOSITORY, start_new_session=True, **options)


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true value of ``condition``; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.01)
    return value


def server_pid(home: Path) -> int:
    """Process id of the folder's live server, 0 for none."""
    found = read_discovery(home)
    return found.pid if found and alive(found.pid) else 0


def alive(pid: int) -> bool:
    """True while the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


Answer = tuple[int, Any, dict[str, str]]
"""Status, JSON or bytes, headers."""


def call(home: Path, method: str, path: str, body: bytes = b"", **headers: str | None) -> Answer:
    """One raw request. Headers given as None are left out."""
    found = read_discovery(home)
    assert found
    standard = {"Host": "localhost", "Authorization": f"Bearer {read_token(home)}", "Content-Length": str(len(body))}
    chosen = {**standard, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in chosen.items() if value is not None)]
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(10)
        connected.connect(found.address.removeprefix("unix:"))
        connected.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)
        with http.client.HTTPResponse(connected, method=method) as reply:
            reply.begin()
            data = reply.read()
            kind = reply.headers.get("Content-Type", "")
            return reply.status, json.loads(data) if "json" in kind and data else data, dict(reply.headers)


def post(home: Path, body: list[BytesLike] | bytes, **headers: str | None) -> Answer:
    """Submit a job raw."""
    data = body if isinstance(body, bytes) else b"".join(body)
    return call(home, "POST", "/v1/jobs", data, **{"Content_Type": "application/octet-stream", **headers})
