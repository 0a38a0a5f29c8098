"""Ids drawn with Blender's ``gpu`` module: maps of opaque scenes, and the picture under the live overlay."""

from __future__ import annotations

from .canvas import Canvas, Crowd, Viewpoint
from .engine import NAME, shoot
from .live import LiveScene, Thing, viewport_state

__all__ = ["NAME", "Canvas", "Crowd", "LiveScene", "Thing", "Viewpoint", "shoot", "viewport_state"]
