"""For tests that draw: what they need, and what they look at."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import capture
from blender_segaddon.capture.gpu import Canvas, LiveScene, Viewpoint
from blender_segaddon.capture.gpu.context import check_can_draw
from blender_segaddon.protocol.errors import CaptureError

from . import scenes


def need_gpu() -> None:
    """Skips the test, with the reason, where nothing can draw; afterwards there is a context."""
    try:
        check_can_draw()
    except CaptureError as error:
        pytest.skip(str(error))
    scene = scenes.empty()
    scenes.add("Cube", scenes.mesh())
    scenes.camera()
    capture(scene, size=(32, 18), engine="gpu")


def ids_seen(live: LiveScene, scene: bpy.types.Scene, size: tuple[int, int] = (96, 54)) -> np.ndarray:
    """What the scene's camera sees of a live scene, brought up to date: uint32 H×W."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    live.update(depsgraph)
    camera = scene.camera.evaluated_get(depsgraph)
    canvas = Canvas(*size)
    view = np.linalg.inv(np.array(camera.matrix_world.normalized(), np.float64))
    projection = np.array(camera.calc_matrix_camera(depsgraph, x=size[0], y=size[1]), np.float64)
    canvas.draw(live.crowd, Viewpoint(view, projection, *size, 1e3))
    return canvas.read()[0]
