"""Ids drawn with Blender's ``gpu`` module: maps of opaque scenes, and the picture under the live overlay."""

from __future__ import annotations

from .engine import NAME, shoot

__all__ = ["NAME", "shoot"]
