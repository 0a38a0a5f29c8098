"""Requests whose fields do not belong together are refused before they travel."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.checks import check_generate
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import GenerateRequest, Region

from .test_protocol_wire import some_maps

WRITER = BodyWriter()
SCENE = scene_to_wire(some_maps(4, 6), WRITER)
IMAGE = WRITER.add(np.zeros((4, 6, 3), np.uint8))
FLOATS = WRITER.add(np.zeros((4, 6, 3), np.float32))
MASK = WRITER.add(np.zeros((4, 6), bool))
GREY = WRITER.add(np.zeros((4, 6), np.uint8))
SMALL = WRITER.add(np.zeros((3, 6, 3), np.uint8))
GOOD = GenerateRequest("preview", scene=SCENE, image=IMAGE, mask=MASK)


@pytest.mark.parametrize("parts", [{}, {"image": None, "mask": None}, {"scene": None}, {"scene": None, "mask": None}])
def test_what_can_be_run_passes(parts: dict[str, Any]):
    check_generate(dataclasses.replace(GOOD, **parts))


@pytest.mark.parametrize(
    "parts",
    [
        {"seed": -1},
        {"seed": 2**32},
        {"count": 0},
        {"count": 17},
        {"strength": -0.1},
        {"strength": 1.1},
        {"prompt": "x" * 10_001},
        {"scene": None, "image": None, "mask": None},
        {"image": None},
        {"image": GREY},
        {"image": SMALL, "mask": None},
        {"mask": GREY},
        {"scene": None, "image": SMALL},
        {"softness": -1.0},
        {"softness": 513.0},
        {"image": FLOATS, "mask": None},
    ],
    ids=", ".join,
)
def test_requests_that_cannot_be_run_are_refused(parts: dict[str, Any]):
    with pytest.raises(InvalidInput) as error:
        check_generate(dataclasses.replace(GOOD, **parts))
    assert error.value.hint


@pytest.mark.parametrize(
    "parts",
    [
        {"depth": SCENE.normal},
        {"normal": SCENE.depth},
        {"class_map": SCENE.instance_map},
        {"instance_map": SCENE.class_map},
        {"unit_scale": 0.0},
        {"regions": (Region(2, 4),)},
        {"regions": (Region(1, 4), Region(1, 4))},
        {"regions": (Region(1, 65536),)},
        {"camera": dataclasses.replace(SCENE.camera, width=5)},
        {"camera": dataclasses.replace(SCENE.camera, matrix_world=(1.0,) * 15)},
        {"camera": dataclasses.replace(SCENE.camera, pano_range=(1.0,))},
    ],
    ids=", ".join,
)
def test_scenes_that_make_no_sense_are_refused(parts: dict[str, Any]):
    with pytest.raises(InvalidInput):
        check_generate(dataclasses.replace(GOOD, scene=dataclasses.replace(SCENE, **parts)))
