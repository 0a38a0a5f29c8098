"""How fast a click becomes a mask: on a scene's object through Blender, and by a segmenter the size of SAM's vit_b.

    python -m scripts.bench_retouch --json FILE [--part scene|model|edge]

The part "scene" needs Blender as a module (.venv-bpy-*), "model" the models' environment (.venv-models): each runs what
its environment has. "edge" is the soft edge of a mask, against a blur of single pixels by running sums. The weights of
vit_b's size are random: masks are noise, times are the real ones.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from blender_segaddon.core import masks

_SIZE = 2048
_CLICKS = 7


def main() -> None:
    """Measure what can be measured here, print it, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", choices=("scene", "model", "edge"))
    options = parser.parse_args()
    parts = {"scene": ("bpy", scene_clicks), "model": ("torch", model_clicks), "edge": ("numpy", edges)}
    figures = {
        name: measure()
        for name, (needed, measure) in parts.items()
        if options.part in (None, name) and importlib.util.find_spec(needed)
    }
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


def scene_clicks() -> dict[str, float]:
    """Seconds from a click on a Blender image (2048²) of a picture with maps to the object's mask."""
    import bpy

    from blender_segaddon import api as seg

    for one in range(6):
        bpy.ops.mesh.primitive_cube_add(location=(2.5 * one - 6, 0, 0))
    seg.add_camera(bpy.context.scene)
    maps = seg.capture(size=(_SIZE, _SIZE))
    pixels = np.random.default_rng(0).integers(0, 255, (_SIZE, _SIZE, 3), dtype=np.uint8)
    from blender_segaddon.flows.picture import Picture, Recipe

    image = Picture(pixels, Recipe(maps=maps)).image
    rows, columns = np.nonzero(maps.instance_map)
    places = np.random.default_rng(1).integers(0, rows.size, _CLICKS)
    took = [_seconds(lambda at=at: seg.segment(image, points=[(columns[at], rows[at])])) for at in places]
    return {"median_s": statistics.median(took), "worst_s": max(took), "pixels": float(_SIZE)}


def model_clicks() -> dict[str, float]:
    """Seconds of the first click on a picture and of those after it, in the worker's own desk; vit_b's size, CPU."""
    import torch

    from blender_segaddon.protocol.framing import BodyWriter, read_body
    from blender_segaddon.protocol.segmenting import PromptMessage, SegmentRequest
    from bridge_server.segmentation.desk import Desk

    from .lib import tiny_models

    with tempfile.TemporaryDirectory() as folder:
        sams = Path(folder) / "sams"
        sams.mkdir()
        torch.manual_seed(0)
        network = tiny_models.sam(1024, 768, 12, 12, 256, (2, 5, 8, 11), 14)
        torch.save(network.state_dict(), sams / "vit_b_random.pth")
        parameters = sum(one.numel() for one in network.parameters())
        place = Path(folder) / "picture"
        place.write_bytes(np.random.default_rng(0).integers(0, 255, (768, 1024, 3), dtype=np.uint8).tobytes())
        shelf = Path(folder) / "seen"
        desk = Desk("cpu", [Path(folder)], shelf)

        def ask(desk: Desk, **fields: object) -> None:
            request = SegmentRequest("a" * 64, 768, 1024, segmenter="vit_b_random", **fields)  # pyright: ignore
            desk.answer(read_body(b"".join(BodyWriter().finish(request))), place)

        def click(x: float, desk: Desk = desk) -> None:
            ask(desk, prompts=(PromptMessage(((x, 300.0),), (1,)),))

        desk._load(_files(Path(folder)))  # loading is no part of a click
        first = _seconds(lambda: click(100.0))
        later = [_seconds(lambda x=x: click(x)) for x in np.linspace(150, 900, _CLICKS)]
        second = statistics.median(later)
        another = Desk("cpu", [Path(folder)], shelf)  # the server was started again
        another._load(_files(Path(folder)))
        reopened = _seconds(lambda: click(100.0, another))
        return {
            "first_s": first,
            "second_s": second,
            "ratio": second / first,
            "reopened_s": reopened,
            "encodings": float(desk.encoded.total() + another.encoded.total()),
            "parameters": float(parameters),
        }


def edges() -> dict[str, float]:
    """Seconds for the soft edge of 40 discs all over 2048², in turn with three box blurs by running sums."""
    rng, (y, x) = np.random.default_rng(0), np.ogrid[:_SIZE, :_SIZE]
    mask = np.zeros((_SIZE, _SIZE), bool)
    for _ in range(40):
        row, column = rng.integers(0, _SIZE, 2)
        mask |= np.hypot(y - row, x - column) < rng.integers(20, 250)
    figures: dict[str, float] = {}
    for radius in (4, 7, 8, 15, 16, 32, 64):
        pairs = [
            (_seconds(lambda r=radius: masks.feather(mask, r)), _seconds(lambda r=radius: _running_sums(mask, r)))
            for _ in range(_CLICKS)
        ]
        ours, other = (statistics.median(one) for one in zip(*pairs, strict=True))
        error = np.abs(masks.feather(mask, radius) - _running_sums(mask, radius)).max()
        figures |= {f"radius_{radius}_s": ours, f"radius_{radius}_ratio": ours / other}
        figures[f"radius_{radius}_error"] = float(error)
    return figures


def _running_sums(mask: np.ndarray, radius: int) -> np.ndarray:
    soft = np.pad(mask.astype(np.float32), radius, mode="edge")
    for part in [part for part in (radius // 3, (radius + 1) // 3, (radius + 2) // 3) if part]:
        for axis in (0, 1):
            first = [(1, 0) if one == axis else (0, 0) for one in (0, 1)]
            total = np.cumsum(np.pad(soft, first), axis=axis, dtype=np.float64)
            size, width = soft.shape[axis] - 2 * part, 2 * part + 1
            soft = ((total.take(range(width, width + size), axis) - total.take(range(size), axis)) / width).astype("f4")
    return soft


def _files(folder: Path):
    from bridge_server import segmenters

    return segmenters.choose([folder], "vit_b_random")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
    sys.stdout.flush()
