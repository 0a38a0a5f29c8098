"""Masks, clicks and results over the picture in an Image Editor."""

from __future__ import annotations

from .drawing import Layer, Shown
from .session import hide, is_shown, redraw, set_source, show

__all__ = ["Layer", "Shown", "hide", "is_shown", "redraw", "set_source", "show"]
