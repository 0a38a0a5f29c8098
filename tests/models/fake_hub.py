"""A hub on this machine: lists and serves the files of one repository as the real one does, as far as clients see."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


_STATUS = {"GatedRepo": 403, "RepoNotFound": 404, "RevisionNotFound": 404}


class Hub:
    """What the server has and how it behaves; ``asked`` are the paths of all requests."""

    def __init__(self, repo: str, files: dict[str, bytes]) -> None:
        self.repo = repo
        self.files = files
        self.asked: list[str] = []
        self.cut_after: int | None = None
        """bytes after which the connection breaks, once"""
        self.damage = False
        """sends other bytes than those that it names"""
        self.refuse = ""
        """code with which every question is refused"""
        self.pause_after: tuple[str, int] | None = None
        """(file, bytes) after which nothing comes until ``go_on`` is set"""
        self.paused, self.go_on = threading.Event(), threading.Event()
        self.ranges: list[str] = []
        """"FILE from BYTE" of each download that was gone on with"""
        self.address = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.hub, urlsplit(self.path).path
        hub.asked.append(f"{self.command} {path}")
        name = path.partition(f"/{hub.repo}/resolve/")[2].partition("/")[2]
        if hub.refuse:
            self._send(b"refused", {"X-Error-Code": hub.refuse, "X-Error-Message": "refused"}, _STATUS[hub.refuse])
        elif path.startswith(f"/api/models/{hub.repo}"):
            files = [_entry(name, data) for name, data in hub.files.items()]
            self._send(json.dumps({"id": hub.repo, "sha": COMMIT, "siblings": files}).encode(), {})
        elif name in hub.files:
            self._file(hub.files[name], name)
        else:
            self._send(b"no such repository", {"X-Error-Code": "RepoNotFound"}, 404)

    def _file(self, data: bytes, name: str) -> None:
        headers = {"ETag": f'"{_digest(data, name)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if _is_large(name):
            headers |= {"X-Linked-ETag": headers["ETag"], "X-Linked-Size": str(len(data))}
        if self.hub.damage and _is_large(name):
            data = bytes(len(data))
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0] or 0)
        if start:
            self.hub.ranges.append(f"{name} from {start}")
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        pause = self.hub.pause_after
        at = pause[1] if pause and pause[0] == name and not start else None
        self._send(data[start:], headers, 206 if start else 200, at)

    def _send(self, data: bytes, headers: dict[str, str], status: int = 200, pause: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if pause is not None and self.command != "HEAD":
            self.wfile.write(data[:pause])
            self.wfile.flush()
            self.hub.paused.set()
            self.hub.go_on.wait(60)
            self.close_connection = True
            return
        cut, self.hub.cut_after = self.hub.cut_after, None
        if self.command == "HEAD" or cut is None or len(data) <= cut:
            self.hub.cut_after = cut
            self.wfile.write(b"" if self.command == "HEAD" else data)
            return
        self.wfile.write(data[:cut])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def _is_large(name: str) -> bool:
    """Whether the hub keeps it apart and names it by its SHA-256."""
    return name.endswith((".safetensors", ".bin"))


def _digest(data: bytes, name: str) -> str:
    return (hashlib.sha256 if _is_large(name) else hashlib.sha1)(data).hexdigest()


def _entry(name: str, data: bytes) -> dict:
    entry = {"rfilename": name, "size": len(data), "blobId": _digest(data, name)}
    if _is_large(name):
        entry["lfs"] = {"sha256": entry["blobId"], "size": len(data), "pointerSize": 130}
    return entry


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub on a free port of the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
