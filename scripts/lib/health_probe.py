"""Asks a bridge server for /v1/health 100 times a second until standard input closes; prints the milliseconds as JSON.

``python -m scripts.lib.health_probe STATE_DIR``: a process of its own, so that only the server's time is measured.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from pathlib import Path

from blender_segaddon.protocol.discovery import read_discovery, read_token


def ask(state_dir: Path) -> float:
    """Milliseconds of one question, its connection included."""
    found = read_discovery(state_dir)
    if not found:
        raise SystemExit("no server runs")
    start = time.perf_counter()
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(found.address.removeprefix("unix:"))
    connection.request("GET", "/v1/health", headers={"Authorization": f"Bearer {read_token(state_dir)}"})
    with connection.getresponse() as reply:
        if reply.status != 200 or not reply.read():
            raise SystemExit(f"the server answers {reply.status}")
    connection.close()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Ask and print."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    times = []
    while not ended.wait(0.01):
        times.append(ask(Path(sys.argv[1])))
    print(json.dumps(times))


if __name__ == "__main__":
    main()
