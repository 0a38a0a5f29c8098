"""Times the preview generator: wall time and peak memory of one picture, on one core.

python -m scripts.bench_preview [--size 1024x1024] [--maps maps.npz --camera camera.json] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from itertools import pairwise
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402

from blender_segaddon.core import preview  # noqa: E402
from blender_segaddon.core.camera import Camera  # noqa: E402
from blender_segaddon.core.maps import SceneMaps  # noqa: E402


def load(maps_file: Path, camera_file: Path) -> SceneMaps:
    """Maps as the export writes them."""
    arrays = np.load(maps_file)
    camera = Camera.from_dict(json.loads(camera_file.read_text(encoding="utf-8")))
    return SceneMaps(
        arrays["instance_map"], arrays["class_map"], arrays["depth"], arrays["normal"], instances=(), camera=camera
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1024x1024", help="WxH of the built-in street")
    parser.add_argument("--maps", type=Path, help="maps.npz instead of the built-in street")
    parser.add_argument("--camera", type=Path, help="camera.json next to it")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    given = parser.parse_args()
    if given.maps and given.camera:
        maps = load(given.maps, given.camera)
    else:
        from tests.unit.preview_scenes import street

        maps = street(*(int(part) for part in given.size.split("x")))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times, gaps, busy = [], [], []
    for _ in range(given.repeat):
        marks, start = [time.perf_counter()], time.process_time()
        preview.paint(maps, given.prompt, on_step=lambda *_, marks=marks: marks.append(time.perf_counter()))
        busy.append(time.process_time() - start)
        times.append(time.perf_counter() - marks[0])
        gaps.append(max(b - a for a, b in pairwise(marks)))
    result = {
        "size": [maps.width, maps.height],
        "prompt": given.prompt,
        "seconds_first": round(times[0], 3),
        "seconds_best": round(min(times), 3),
        "cpu_seconds_best": round(min(busy), 3),
        "longest_step_seconds": round(min(gaps), 3),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_mib_before": round(before / 1024),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    print("\n".join(f"{key}: {value}" for key, value in result.items()))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
