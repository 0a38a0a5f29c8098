"""All four maps, by us and by others, on the same scenes: seconds, memory, and how many pixels are right.

    .venv-bpy-4.2/bin/python -m scripts.bench_maps [--repeat 5] [--size 1024x576] [--only NAME ...] [--json FILE]

Every figure is taken in a Blender of its own, all ways in turn, so that what else the machine does hits all of them;
medians. Scenes: "modest" (the example street), "heavy" (1.4 million triangles, 2,000 instances), and what lies in
SEGADDON_SCENES. BlenderProc's own code runs where it is installed, in a folder of its own:

    .venv-bpy-4.2/bin/python -m pip install --no-deps --target build/peers/blenderproc blenderproc numpy==1.26.4 \\
        imageio opencv-python-headless==4.11.0.86 scipy rich markdown-it-py mdurl pygments h5py trimesh \\
        gitpython gitdb smmap pillow

It renders as slowly as it does only up to Blender 4.2 or 4.5: see docs/performance.md. "right": share of pixels whose
thing, by Blender's own ray casting, has an id that no other thing has.
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
from datetime import date
from pathlib import Path

import bpy
import numpy as np

_ROOT = Path(__file__).resolve().parents[1]
_PEERS = _ROOT / "build/peers/blenderproc"
_OURS = ("cycles", "cycles again", "next view", "passes")
_OTHERS = ("object index", "bpycv")
_BLENDERPROC = ("blenderproc", "blenderproc ids")
_FILES = (
    "kenney_city/kenney_city.blend",
    "aws_small_house/aws_small_house.blend",
    "bge_traffic/city.blend",
    "kaykit_furniture/gltf/table_medium_long.gltf",
)

Figures = dict[str, float]


def main() -> None:
    options = _options()
    engines = [*_OURS, *_OTHERS]
    if (_PEERS / "blenderproc").is_dir():
        engines += _BLENDERPROC
    else:
        print("BlenderProc is not installed: left out. See --help")
    rows = []
    for scene in _scenes(options.only):
        found = measure(scene, engines, options.size, options.repeat)
        rows += [{"scene": Path(scene).name, "way": way, **figures} for way, figures in found.items()]
        print(table(Path(scene).name, found), flush=True)
    if options.json:
        machine = {"blender": bpy.app.version_string, "machine": platform.processor() or platform.machine()}
        options.json.write_text(
            json.dumps(
                {**machine, "cpus": os.cpu_count(), "date": str(date.today()), "size": options.size, "maps": rows},
                indent=2,
            )
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each way; the median counts")
    parser.add_argument("--size", default="1024x576", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--only", nargs="+", help="scenes: modest, heavy, or a file name")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _scenes(only: list[str] | None) -> list[str]:
    folder = os.environ.get("SEGADDON_SCENES")
    files = [Path(folder, one) for one in _FILES] if folder else []
    if not files:
        print("SEGADDON_SCENES is not set: only the scenes that scripts make")
    known = ["modest", "heavy", *(str(one) for one in files if one.exists())]
    return [one for one in known if not only or Path(one).name in only]


def measure(scene: str, engines: list[str], size: str, repeat: int) -> dict[str, Figures]:
    """Medians for each way, all ways in turn in each round. A way that fails is left out, with its last words."""
    runs: dict[str, list[Figures]] = {one: [] for one in engines}
    for _ in range(repeat):
        for engine in [one for one in engines if one in runs]:
            figures = _run(engine, scene, size)
            if figures is None:
                del runs[engine]
            else:
                runs[engine].append(figures)
    return {
        engine: {name: statistics.median(run[name] for run in taken) for name in taken[0]}
        for engine, taken in runs.items()
    }


def _run(engine: str, scene: str, size: str) -> Figures | None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "figures.npz")
        command = [sys.executable, "-m", "scripts.lib.bench_engines", engine, scene, size, str(out)]
        if engine in _BLENDERPROC:
            command.append(str(_PEERS))
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, errors="replace", check=False)
        if not out.exists():
            print(f"{engine} failed on {scene}: {done.stderr.strip()[-300:]}")
            return None
        with np.load(out) as data:
            return {name: float(data[name]) for name in data}


def table(scene: str, found: dict[str, Figures]) -> str:
    """Markdown; ratios against our first capture."""
    lines = [f"| {scene} | seconds | × ours | peak MiB above | right |", "|---|---|---|---|---|"]
    base = found["cycles"]["seconds"] if "cycles" in found else float("nan")
    for engine, figures in found.items():
        right = "–" if np.isnan(figures["right"]) else f"{figures['right']:.2%}"
        seconds = figures["seconds"]
        lines.append(f"| {engine} | {seconds:.3f} | {seconds / base:.2f} | {figures['peak_mib']:.0f} | {right} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
