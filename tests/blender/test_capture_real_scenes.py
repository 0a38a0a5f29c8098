"""Scenes that people made, where ``SEGADDON_SCENES`` names the folder that has them."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import pytest

from blender_segaddon.capture import add_framing_camera, capture

from . import exact, scenes
from .raycast import Caster

FOLDER = os.environ.get("SEGADDON_SCENES")
SIZE = (241, 135)
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
def test_every_pixel_is_that_of_a_ray(name):
    scene = load(Path(FOLDER) / name)
    camera = add_framing_camera(scene)
    bpy.context.view_layer.update()
    maps = capture(scene, size=SIZE)
    exact.compare(maps, Caster(scene, camera, SIZE))
    assert len(maps.instances) >= NAMES[name]
    assert maps.inexact == ()
