"""Masks, clicks and results over the pictures in Image Editors."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..flows import image_overlay as _overlay
from ..flows.image_overlay import Layer, Shown

__all__ = [
    "Layer",
    "Shown",
    "image_overlay_is_shown",
    "redraw_image_overlay",
    "set_image_overlay",
    "show_image_overlay",
]


def set_image_overlay(source: Callable[[bpy.types.Context, bpy.types.Image], Shown | None] | None) -> None:
    """Say what is drawn over an image in the Image Editor of a context; None: nothing over any."""
    _overlay.set_source(source)


def show_image_overlay(shown: bool = True) -> None:
    """Draw masks, clicks and results over all Image Editors, or no longer. Nothing in background mode."""
    if shown:
        _overlay.show()
    else:
        _overlay.hide()


def image_overlay_is_shown() -> bool:
    """Whether they are drawn."""
    return _overlay.is_shown()


def redraw_image_overlay() -> None:
    """Draw all Image Editors again, soon."""
    _overlay.redraw()
