"""The add-on's client inside Blender's Python, the server in its own."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import GenerateRequest

from ..unit.test_protocol_wire import some_maps


@pytest.mark.skipif("SEGADDON_SERVER_PYTHON" not in os.environ, reason="SEGADDON_SERVER_PYTHON names no server")
def test_a_job_from_blender(tmp_path: Path):
    writer = BodyWriter()
    request = GenerateRequest("preview", seed=4, scene=scene_to_wire(some_maps(24, 32), writer))
    with Bridge(state_dir=tmp_path / "state", end_with_us=True) as bridge:
        result, (image,) = bridge.run(writer.finish(request))
    assert (image.shape, image.dtype, result.is_model) == ((24, 32, 3), np.uint8, False)
    assert bpy.app.version >= (4, 2)
