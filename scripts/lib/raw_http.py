"""One HTTP request over a Unix socket with nothing in between, for timings."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Where:
    """A server on this machine."""

    address: str
    """unix:/path"""
    token: str


def request(
    where: Where, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of the answer."""
    fields = {"Host": "localhost", "Authorization": f"Bearer {where.token}", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**fields, **(headers or {})}.items())]
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(30)
        connected.connect(where.address.removeprefix("unix:"))
        connected.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        with http.client.HTTPResponse(connected, method=method) as reply:
            reply.begin()
            return reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.read()


def post_job(where: Where, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Hand in a framed body."""
    return request(where, "POST", "/v1/jobs", body, {"Content-Type": "application/octet-stream"})


def field(data: bytes, name: str) -> str:
    """One field of a JSON answer."""
    return json.loads(data)[name]
