"""Ids drawn with Blender's ``gpu`` module: maps of opaque scenes, and the picture under the live overlay."""

from __future__ import annotations

from .canvas import Canvas, Crowd, Viewpoint
from .context import has_context
from .engine import NAME, keys_in_pieces, look, shoot
from .live import LiveScene, Thing, viewport_state

__all__ = [
    "NAME",
    "Canvas",
    "Crowd",
    "LiveScene",
    "Thing",
    "Viewpoint",
    "has_context",
    "keys_in_pieces",
    "look",
    "shoot",
    "viewport_state",
]
