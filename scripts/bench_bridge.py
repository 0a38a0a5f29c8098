"""Times of the bridge: maps up and a picture down, against a raw Unix socket, and /health while a job runs.

    python -m scripts.bench_bridge [--sizes 1024 2048] [--repeat 7] [--json FILE]

Run from the repository root in the server's environment. The maps are synthetic (300 boxes), as large as captured
ones; the generator paints nothing, so that only the way there and back is timed.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from blender_segaddon.client import Bridge
from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import Instance, SceneMaps
from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.discovery import read_discovery
from blender_segaddon.protocol.framing import BodyWriter, BytesLike
from blender_segaddon.protocol.messages import GenerateRequest

REPOSITORY = Path(__file__).resolve().parents[1]


def street(size: int, boxes: int = 300) -> SceneMaps:
    """Maps of random boxes, size×size: few values in the id maps, noise in depth and normals."""
    rng = np.random.default_rng(0)
    ids = np.zeros((size, size), np.uint32)
    for id in range(1, boxes + 1):
        x, y, w, h = rng.integers(1, size, 4)
        ids[y : y + h // 4, x : x + w // 4] = id
    normal = rng.standard_normal((size, size, 3), np.float32)
    instances = tuple(Instance(id, "", (), None, id % 150, "", "", 0, (0, 0, 0, 0)) for id in range(1, boxes + 1))
    camera = Camera("PERSP", size, size, 0.1, 100.0, np.eye(4), np.eye(4))
    depth = rng.random((size, size), np.float32)
    return SceneMaps(ids, (ids % 150).astype(np.uint16), depth, normal, instances, camera)


def median_ms(run: Callable[[], object], repeat: int) -> float:
    """Median wall-clock milliseconds, after one run that does not count."""
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def pack(maps: SceneMaps, prompt: str) -> list[BytesLike]:
    """The body of a job."""
    writer = BodyWriter()
    return writer.finish(GenerateRequest("rehearsal", prompt, scene=scene_to_wire(maps, writer)))


def raw_exchange(body: list[BytesLike], reply: int) -> None:
    """The same bytes over a socket pair, to a thread and back: what any transport has to pay."""
    here, there = socket.socketpair()
    size = sum(memoryview(part).nbytes for part in body)

    def answer() -> None:
        receive(there, size)
        there.sendall(bytes(reply))

    thread = threading.Thread(target=answer)
    thread.start()
    with here, there:
        for part in body:
            here.sendall(part)
        receive(here, reply)
        thread.join()


def receive(connected: socket.socket, size: int) -> None:
    """Exactly ``size`` bytes into fresh memory."""
    view = memoryview(bytearray(size))
    while view:
        view = view[connected.recv_into(view) :]


def health_ms(bridge: Bridge, work: Callable[[], object]) -> list[float]:
    """Milliseconds of every /health asked, 100 a second, while ``work`` runs."""
    thread = threading.Thread(target=work)
    thread.start()
    times = []
    while thread.is_alive():
        start = time.perf_counter()
        bridge.health()
        times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.01)
    return sorted(times)


def measure(bridge: Bridge, sizes: list[int], repeat: int) -> list[dict[str, object]]:
    """One row a figure: name, size, value, unit."""
    rows: list[dict[str, object]] = []

    def row(name: str, size: int, value: float, unit: str) -> None:
        rows.append({"name": name, "size": size, "value": round(value, 2), "unit": unit})

    for size in sizes:
        maps = street(size)
        body = pack(maps, "0 0")
        megabytes = sum(memoryview(part).nbytes for part in body) / 2**20
        row("body", size, megabytes, "MiB")
        row("pack (compress the id maps)", size, median_ms(lambda m=maps: pack(m, "0 0"), repeat), "ms")
        row("raw socket, up and down", size, median_ms(lambda b=body, s=size: raw_exchange(b, s * s * 3), repeat), "ms")
        row("job: up, worker, down", size, median_ms(lambda b=body: bridge.run(b), repeat), "ms")
        quiet = pack(maps, "20 0.05")
        times = health_ms(bridge, lambda b=quiet: [bridge.run(b) for _ in range(2)])
        row("/health p50 while jobs run", size, times[len(times) // 2], "ms")
        row("/health p99 while jobs run", size, times[int(len(times) * 0.99)], "ms")
    tiny = pack(street(16), "0 0")
    row("smallest job", 16, median_ms(lambda: bridge.run(tiny), repeat * 5), "ms")
    return rows


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder) / "state"
        arguments = [sys.executable, "-m", "bridge_server", "serve", "--state-dir", str(state_dir)]
        arguments += ["--enable-test-generator", "--exit-with-stdin", "--log-level", "warning"]
        start = time.perf_counter()
        with subprocess.Popen(arguments, cwd=REPOSITORY, stdin=subprocess.PIPE) as server:
            bridge = Bridge(state_dir=state_dir)
            while read_discovery(state_dir) is None and server.poll() is None:
                time.sleep(0.005)
            bridge.info()
            started = {"name": "start of the server", "size": 0, "value": time.perf_counter() - start, "unit": "s"}
            rows = [started, *measure(bridge, options.sizes, options.repeat)]
            assert server.stdin
            server.stdin.close()
    for one in rows:
        print(f"{one['name']:32} {one['size']:>5}  {one['value']:9.2f} {one['unit']}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
