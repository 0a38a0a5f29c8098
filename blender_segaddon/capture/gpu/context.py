"""Whether there is a GPU to draw with."""

from __future__ import annotations

import gpu

from ...protocol.errors import CaptureError


def has_context() -> bool:
    """False in background mode until something has started drawing, and where no driver can."""
    try:
        gpu.platform.renderer_get()
    except SystemError:
        return False
    return True


def require_context() -> None:
    """Raises CaptureError where there is nothing to draw with."""
    if not has_context():
        raise CaptureError("There is no GPU to draw with", "Install a graphics driver, or use the engine 'cycles'")
