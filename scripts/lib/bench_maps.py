"""Square maps of a real scene for benches that run without Blender.

``python -m scripts.lib.bench_maps SCENE FOLDER SIZE...``, with the Python of a bpy environment, writes FOLDER/SIZE.npz
(``ids`` uint32, ``depth`` float32 and, at most 1024², ``rgb`` uint8: the preview generator's picture).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

PAINTED = 1024
"""Largest size that is painted."""


def main() -> None:
    """Capture and write."""
    from blender_segaddon.capture import add_framing_camera, capture
    from blender_segaddon.core import preview

    from .scene_files import load_scene

    scene = load_scene(sys.argv[1])
    if not scene.camera:
        add_framing_camera(scene)
    for size in map(int, sys.argv[3:]):
        maps = capture(scene, size=(size, size))
        rgb = preview.run(maps=maps, prompt="sunset", seed=1) if size <= PAINTED else np.zeros((1, 1, 3), np.uint8)
        np.savez(Path(sys.argv[2]) / f"{size}.npz", ids=maps.instance_map, depth=maps.depth, rgb=rgb)
    sys.stdout.flush()
    os._exit(0)  # the wheel may crash in the interpreter's end


if __name__ == "__main__":
    main()
