"""One question to a running server, over whatever it listens on. For ``doctor``; the add-on has a client of its own."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.parse
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.discovery import read_token
from blender_segaddon.protocol.messages import Discovery

from .settings import Settings

_SECONDS = 5.0
_MAX_BYTES = 1 << 20


def ask(found: Discovery, settings: Settings, path: str) -> tuple[int, Any]:
    """Status and JSON of a GET. Raises OSError, http.client.HTTPException, ValueError for what is no answer."""
    connection = _connection(found.address, settings)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {read_token(settings.state_dir)}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read(_MAX_BYTES))
    finally:
        connection.close()


def _connection(address: str, settings: Settings) -> http.client.HTTPConnection:
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "unix":
        connection = http.client.HTTPConnection("localhost", timeout=_SECONDS)
        connection.sock = _unix(Path(parts.path))
        return connection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=str(settings.tls_cert) if settings.tls_cert else None)
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_SECONDS, context=context)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)


def _unix(path: Path) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(_SECONDS)
        connected.connect(str(path))
    except OSError:
        connected.close()
        raise
    return connected
