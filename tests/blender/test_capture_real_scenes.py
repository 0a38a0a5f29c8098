"""Scenes that people made, where ``SEGADDON_SCENES`` names the folder that has them."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import add_framing_camera, capture

from . import raycast, scenes
from .test_capture import ids_as_hit

FOLDER = os.environ.get("SEGADDON_SCENES")
SIZE = (256, 144)
NAMES = {
    "kenney_city/kenney_city.blend": 100,
    "aws_small_house/aws_small_house.blend": 45,
    "bge_traffic/city.blend": 300,
    "kaykit_furniture/gltf/table_medium_long.gltf": 1,
}

pytestmark = pytest.mark.skipif(not FOLDER, reason="SEGADDON_SCENES is not set")


def load(path: Path) -> bpy.types.Scene:
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
    else:
        scenes.empty()
        bpy.ops.import_scene.gltf(filepath=str(path))
    return bpy.context.scene


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_depth_are_those_of_rays(name, record_property):
    scene = load(Path(FOLDER) / name)
    camera = add_framing_camera(scene)
    bpy.context.view_layer.update()
    maps = capture(scene, size=SIZE)
    hits = raycast.cast(scene, camera, SIZE)
    expected = ids_as_hit(maps, hits)
    same = maps.instance_map == expected
    record_property("agreement", float(same.mean()))
    assert same.mean() >= 0.999
    both = same & (expected > 0)
    assert np.percentile(np.abs(maps.depth[both] / hits.depth[both] - 1), 99) <= 1e-4
    assert len(maps.instances) >= NAMES[name]
    seen = np.bincount(expected[expected > 0], minlength=len(maps.instances) + 1)[1:]
    # Every instance that rays see by more than a speck has an id of its own, and none is made up.
    assert all(count for one, count in zip(maps.instances, seen, strict=True) if one.pixels > 4)
