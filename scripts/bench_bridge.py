"""Times of the bridge: maps up and a picture down, its transport alone and its durable jobs, against other ways.

    python -m scripts.bench_bridge [--sizes 1024 2048 4096] [--repeat 7] [--scene FILE] [--json FILE]

Run from the repository root in the server's environment. Up go rgb uint8, ids uint32 and depth float32, down comes a
picture of the same size; every way in turn, again and again, the median counts. *Transport* is the bridge's HTTP
without a job; a *durable* job is hashed, spooled, run by a worker process that paints nothing, and fetched.

The maps are captured from a scene: --scene, else kenney_city in the folder that SEGADDON_SCENES names; without either,
or without a Blender environment, they are 300 random boxes, and the report says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.discovery import read_discovery
from blender_segaddon.protocol.framing import BodyWriter, BytesLike
from blender_segaddon.protocol.messages import GenerateRequest

from .lib.bridge_peers import Maps, Peers

REPOSITORY = Path(__file__).resolve().parents[1]
BASE = "raw TCP"
PAINTED = 1024

Row = dict[str, Any]
"""name, size, value, unit, and for the ways their ratio to BASE"""


def captured(scene: Path, sizes: list[int]) -> dict[int, Maps] | None:
    """The maps of a scene in these sizes, None without a Blender environment."""
    pythons = sorted(REPOSITORY.glob(".venv-bpy-*/bin/python"))
    if not scene.is_file() or not pythons:
        return None
    with tempfile.TemporaryDirectory() as folder:
        command = [str(pythons[0]), "-m", "scripts.lib.bench_maps", str(scene), folder]
        numbers = [str(size) for size in sorted({PAINTED, *sizes})]
        subprocess.run([*command, *numbers], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
        files = {size: np.load(Path(folder) / f"{size}.npz") for size in {PAINTED, *sizes}}
        rgb = files[PAINTED]["rgb"]
        return {size: Maps(_resized(rgb, size), files[size]["ids"], files[size]["depth"]) for size in sizes}


def boxes(size: int, count: int = 300) -> Maps:
    """Random boxes, size×size: few values in the ids, a smooth depth, a picture with the noise of a photograph."""
    rng = np.random.default_rng(0)
    ids = np.zeros((size, size), np.uint32)
    for id in range(1, count + 1):
        x, y, w, h = rng.integers(1, size, 4)
        ids[y : y + h // 4, x : x + w // 4] = id
    ramp = np.linspace(1, 50, size, dtype=np.float32)
    rgb = rng.integers(0, 256, (count + 1, 3), np.uint8)[ids]
    depth = (ramp[:, None] + ids + ramp).astype(np.float32)
    return Maps(rgb ^ rng.integers(0, 8, rgb.shape, np.uint8), ids, depth)


def _resized(rgb: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize((size, size), Image.Resampling.BICUBIC))


def durable_body(maps: Maps, prompt: str) -> list[BytesLike]:
    """A job with exactly these maps; the test generator needs no more than the image."""
    writer = BodyWriter()
    image = writer.add(maps.rgb)
    for array in (maps.ids, maps.depth):
        writer.add(array)
    return writer.finish(GenerateRequest("rehearsal", prompt, image=image))


def in_turn(ways: dict[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Median milliseconds of each, all in turn; the first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat + 1):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def ways(bridge: Bridge, peers: Peers, maps: Maps) -> dict[str, Callable[[], object]]:
    """All ways for these maps."""
    return {
        BASE: lambda: peers.raw(maps),
        "transport": lambda: peers.transport(maps),
        "durable job": lambda: bridge.run(durable_body(maps, "0 0")),
        "multipart PNG": lambda: peers.multipart_png(maps),
        "base64 PNG": lambda: peers.base64_png(maps),
    }


def health_ms(bridge: Bridge, work: Callable[[], object]) -> list[float]:
    """Milliseconds of every /v1/health asked, 100 a second, while ``work`` runs; sorted."""
    thread = threading.Thread(target=work)
    thread.start()
    times = []
    while thread.is_alive():
        start = time.perf_counter()
        bridge.health()
        times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.01)
    return sorted(times)


def health_row(bridge: Bridge, size: int, maps: Maps) -> Row:
    """p99 while jobs with these maps come, run and go: the median of three runs."""
    body = durable_body(maps, "20 0.05")
    runs = []
    for _ in range(3):
        times = health_ms(bridge, lambda: [bridge.run(body) for _ in range(2)])
        runs.append(times[int(len(times) * 0.99)])
    return {"name": "/v1/health p99 while jobs run", "size": size, "value": statistics.median(runs), "unit": "ms"}


def measure(bridge: Bridge, peers: Peers, maps: dict[int, Maps], repeat: int) -> Iterator[Row]:
    """One row a figure."""
    for size, one in maps.items():
        yield {"name": "bytes up", "size": size, "value": sum(map(len, one.parts)) / 2**20, "unit": "MiB"}
        figures = in_turn(ways(bridge, peers, one), repeat)
        for name, value in figures.items():
            yield {"name": name, "size": size, "value": value, "unit": "ms", "ratio": value / figures[BASE]}
        faster = figures["base64 PNG"] / figures["durable job"]
        yield {"name": "durable job faster than base64 PNG", "size": size, "value": faster, "unit": "times"}
        yield health_row(bridge, size, one)
    tiny = durable_body(boxes(16), "0 0")
    value = in_turn({"": lambda: bridge.run(tiny)}, repeat * 5)[""]
    yield {"name": "smallest job", "size": 16, "value": value, "unit": "ms"}


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Bridge, Peers]]:
    """The bridge server and the other ways' server, in processes of their own, until the block ends."""
    state_dir = folder / "state"
    bridge_command = ["bridge_server", "serve", "--state-dir", str(state_dir), "--log-level", "warning"]
    flags = ["--enable-test-generator", "--exit-with-stdin"]
    commands = [[*bridge_command, *flags], ["scripts.lib.bridge_peers", str(folder)]]
    running = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=REPOSITORY, stdin=subprocess.PIPE)
        for command in commands
    ]
    try:
        while not (read_discovery(state_dir) and (folder / "http.sock").exists()):
            if any(process.poll() is not None for process in running):
                raise SystemExit("a server did not start")
            time.sleep(0.005)
        time.sleep(0.3)
        yield Bridge(state_dir=state_dir), Peers(folder)
    finally:
        for process in running:
            if process.stdin:
                process.stdin.close()
            process.wait(10)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 2048, 4096])
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--scene", type=Path, metavar="FILE", help="a .blend or .glb to capture the maps from")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args()
    known = os.environ.get("SEGADDON_SCENES", "")
    scene = options.scene or Path(known, "kenney_city", "kenney_city.blend")
    maps = captured(scene, options.sizes) if options.scene or known else None
    source = f"captured from {scene.name}" if maps else "300 random boxes"
    maps = maps or {size: boxes(size) for size in options.sizes}
    print(f"Maps: {source}")
    rows = []
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (bridge, peers):
        for row in measure(bridge, peers, maps, options.repeat):
            rows.append(row)
            ratio = f"  {row['ratio']:6.2f} × {BASE}" if "ratio" in row else ""
            print(f"{row['name']:36} {row['size']:>5}  {row['value']:9.2f} {row['unit']}{ratio}", flush=True)
    if options.json:
        facts = {"maps": source, "machine": platform.processor() or platform.machine(), "cores": os.cpu_count()}
        options.json.write_text(json.dumps({**facts, "repeat": options.repeat, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
