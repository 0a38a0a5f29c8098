"""Which moment a render shows."""

from __future__ import annotations

import bpy

_SHIFT = {"START": 0.5, "CENTER": 0.0, "END": -0.5}
"""From the frame to the middle of the time that the shutter is open, in shutter times"""


def moment(scene: bpy.types.Scene) -> float:
    """The frame that maps show: the current one with its fraction; the shutter's middle where motion is blurred."""
    frame, render = scene.frame_current + scene.frame_subframe, scene.render
    if not render.use_motion_blur or render.engine == "BLENDER_WORKBENCH":
        return frame
    owner = render if hasattr(render, "motion_blur_position") else scene.cycles
    return frame + _SHIFT[owner.motion_blur_position] * render.motion_blur_shutter
