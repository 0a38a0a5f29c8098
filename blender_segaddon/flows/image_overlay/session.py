"""The overlay on and off: what hangs in Blender while it is shown, and nothing afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from .drawing import Drawing, Shown

log = logging.getLogger(__name__)

Source = Callable[[bpy.types.Context, bpy.types.Image], Shown | None]
"""Says what is shown over an image in the Image Editor of a context, None for nothing."""


@dataclass
class _Session:
    source: Source | None = None
    drawing: Drawing | None = None
    handle: Any = None


_session = _Session()


def set_source(source: Source | None) -> None:
    """Who says what is shown; None takes the overlay off too."""
    _session.source = source
    if source is None:
        hide()


def is_shown() -> bool:
    """Whether anything is drawn."""
    return _session.handle is not None


def show() -> None:
    """Draw over all Image Editors, until ``hide``."""
    if _session.handle is None and not bpy.app.background:
        _session.drawing = Drawing()
        _session.handle = bpy.types.SpaceImageEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")
    redraw()


def hide() -> None:
    """Draw nothing any more, and keep nothing in the GPU's memory."""
    if _session.handle is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(_session.handle, "WINDOW")
    _session.drawing = _session.handle = None
    redraw()


def redraw() -> None:
    """All Image Editors, soon."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                area.tag_redraw()


def _draw() -> None:
    context = bpy.context
    image = context.space_data.image
    if image is None or _session.source is None or _session.drawing is None or context.area.ui_type != "IMAGE_EDITOR":
        return
    try:
        shown = _session.source(context, image)
        if shown is not None:
            _session.drawing.draw(context, shown)
    except Exception:  # Blender would print it at every redraw, for ever
        log.exception("The masks could not be drawn; they are off now")
        bpy.app.timers.register(hide, first_interval=0)
