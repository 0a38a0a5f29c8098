"""What the maps of large pictures take while they are made: of the picture's own arrays, not of Blender's."""

from __future__ import annotations

import tracemalloc

from blender_segaddon.capture import capture

from . import scenes

SIZE = (2048, 1536)
MAPS = 4 + 2 + 4 + 12
"""bytes a pixel that are the result: ids, classes, depth, normals"""
MOST = 40
"""bytes a pixel; one whole-image temporary of 64 bits more would not fit"""


def test_large_pictures_are_decoded_in_bands():
    scene = scenes.everything()
    capture(scene, size=(64, 48))  # what is made once
    tracemalloc.start()
    try:
        maps = capture(scene, size=SIZE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    pixels = SIZE[0] * SIZE[1]
    assert maps.instance_map.nbytes + maps.class_map.nbytes + maps.depth.nbytes + maps.normal.nbytes == MAPS * pixels
    assert peak / pixels < MOST, f"{peak / pixels:.0f} bytes a pixel"
