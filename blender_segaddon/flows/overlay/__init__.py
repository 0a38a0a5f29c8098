"""The live overlay: what everything in the 3D View is taken for, while somebody works in it."""

from __future__ import annotations

from .drawing import Overlay, OverlaySettings
from .session import current, hide, redraw, show

__all__ = ["Overlay", "OverlaySettings", "current", "hide", "redraw", "show"]
