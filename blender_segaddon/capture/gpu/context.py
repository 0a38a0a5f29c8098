"""Whether there is a GPU, or Mesa in its place, to draw with."""

from __future__ import annotations

import ctypes
import sys

import bpy
import gpu

from ...protocol.errors import CaptureError

_SURFACELESS = 0x31DD
"""EGL_PLATFORM_SURFACELESS_MESA, https://registry.khronos.org/EGL/api/EGL/eglext.h"""


def has_context() -> bool:
    """False in background mode until something has started drawing."""
    try:
        gpu.platform.renderer_get()
    except SystemError:
        return False
    return True


def check_can_draw() -> None:
    """Raises CaptureError where a render that asks Blender for a GPU context would get none.

    Without a window, Blender on Linux goes through EGL and aborts the whole program if that does not work.
    """
    if bpy.app.background and sys.platform.startswith("linux") and not has_context() and not _egl_works():
        raise CaptureError(
            "There is no GPU to draw with",
            "Use the engine 'cycles', or install a graphics driver (Mesa's, for one: libegl1 and libgl1-mesa-dri)",
        )


def _egl_works() -> bool:
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetPlatformDisplay.restype = egl.eglGetDisplay.restype = ctypes.c_void_p
    except (OSError, AttributeError):  # no EGL, or one before 1.5
        return False
    # The two that Blender tries: the display that there is, then none.
    displays = egl.eglGetDisplay(None), egl.eglGetPlatformDisplay(_SURFACELESS, None, None)
    return any(one and egl.eglInitialize(ctypes.c_void_p(one), None, None) for one in displays)
