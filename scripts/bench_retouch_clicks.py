"""How long a click on a scene object takes in Blender, and how large masks are in the file.

.venv-bpy-4.5/bin/python -m scripts.bench_retouch_clicks [--size 2048x2048] [--repeat 15] [--json FILE]

A click goes all the way: from the operator, through the instance map, to a mask in the image's properties. The mask's
text is compared with the same mask as an 8-bit picture, as Blender packs it into the file, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import bpy
import numpy as np

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.core import mask_codes
from scripts.lib import example_scenes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="2048x2048", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--repeat", type=int, default=15, help="clicks, each on another object; the median counts")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    figures = measure((width, height), options.repeat)
    for name, value in figures.items():
        print(f"{name}: {value}")
    if options.json:
        about = {"blender": bpy.app.version_string, "date": str(date.today()), "size": options.size}
        options.json.write_text(json.dumps({**about, **figures}, indent=2))


def measure(size: tuple[int, int], repeat: int) -> dict[str, Any]:
    """Medians in milliseconds and bytes."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = example_scenes.build_street()
    blender_segaddon.register()
    maps = api.capture(scene, size=size)
    height, width = maps.instance_map.shape
    image = api.generate(maps=maps, seed=1)[0].image
    scene.segaddon.picture = image
    clicks, texts, pictures, text_bytes, picture_bytes = [], [], [], [], []
    for one in sorted(maps.instances, key=lambda one: -one.pixels)[:repeat]:
        y, x = np.argwhere(maps.instance_map == one.id)[one.pixels // 2]
        took, _ = timed(lambda at=(x + 0.5, y + 0.5): bpy.ops.segaddon.mask_click(at=at))
        clicks.append(took)
        mask = maps.instance_map == one.id
        took, text = timed(lambda mask=mask: mask_codes.encode(mask))
        texts.append(took)
        text_bytes.append(len(text))
        took, packed = timed(lambda mask=mask: _packed(mask, width, height))
        pictures.append(took)
        picture_bytes.append(packed)
    middle = statistics.median
    return {
        "click_ms": round(middle(clicks), 1),
        "click_worst_ms": round(max(clicks), 1),
        "text_ms": round(middle(texts), 2),
        "text_bytes": middle(text_bytes),
        "picture_ms": round(middle(pictures), 1),
        "picture_bytes": middle(picture_bytes),
        "picture_to_text_bytes": round(middle(picture_bytes) / middle(text_bytes), 1),
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(milliseconds, what it gave)"""
    start = time.perf_counter()
    result = work()
    return 1000 * (time.perf_counter() - start), result


def _packed(mask: np.ndarray, width: int, height: int) -> int:
    """Bytes of an 8-bit image of the mask, packed."""
    image = bpy.data.images.new("Mask", width, height)
    values = np.ones((height, width, 4), np.float32)
    values[..., :3] = mask[::-1, :, None]
    image.pixels.foreach_set(values.ravel())
    image.pack()
    size = image.packed_file.size
    bpy.data.images.remove(image)
    return size


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # the bpy wheels now and then hang in the interpreter's end
