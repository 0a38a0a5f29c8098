"""What everything in the 3D Views is taken for, shown over them."""

from __future__ import annotations

import re

import bpy

from ..capture.gpu import Thing
from ..flows import overlay as _overlay
from ..flows.overlay import Overlay, OverlaySettings

__all__ = [
    "Overlay",
    "OverlaySettings",
    "Thing",
    "copies_of",
    "hide_overlay",
    "overlay",
    "redraw_overlay",
    "refresh_overlay",
    "show_overlay",
]

_ENDING = re.compile(r"\.\d{3,}$")


def show_overlay(settings: OverlaySettings | None = None) -> None:
    """Show classes or instances as colours and names over all 3D Views that show overlays, until ``hide_overlay``.

    Args:
        settings: how it looks; also to change an overlay that is shown. Classes at half opacity, with names, when None.
    """
    _overlay.show(settings or OverlaySettings())


def hide_overlay() -> None:
    """Take the overlay off; does nothing if there is none."""
    _overlay.hide()


def overlay() -> Overlay | None:
    """The overlay that is shown, None if it is off; ``thing_at`` tells what is under the mouse."""
    return _overlay.current()


def refresh_overlay() -> None:
    """Ask the names and properties again: after what Blender does not tell, such as custom properties by a script."""
    shown = _overlay.current()
    if shown is not None:
        shown.forget_names()
        _overlay.redraw()


def redraw_overlay() -> None:
    """Draw all 3D Views again, soon."""
    _overlay.redraw()


def copies_of(one: bpy.types.Object) -> list[bpy.types.Object]:
    """The object with all that share its data, and all whose name differs only in its ending .001, .002 …"""
    stem = _ENDING.sub("", one.name)
    return [
        other
        for other in bpy.data.objects
        if (one.data is not None and other.data == one.data) or _ENDING.sub("", other.name) == stem
    ]
