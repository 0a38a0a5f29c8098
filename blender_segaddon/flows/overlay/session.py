"""The overlay on and off: what hangs in Blender while it is shown, and nothing afterwards.

It is drawn last of all in a region (POST_PIXEL): renders of the viewport do not show it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .drawing import Overlay, OverlaySettings, views

log = logging.getLogger(__name__)


@dataclass
class _Session:
    overlay: Overlay | None = None
    handle: Any = None


_session = _Session()


def current() -> Overlay | None:
    """None while the overlay is off."""
    return _session.overlay


def show(settings: OverlaySettings) -> None:
    """Turn the overlay on, or change how it looks."""
    if _session.overlay is not None and _session.overlay.settings.vocabulary != settings.vocabulary:
        hide()
    if _session.overlay is None:
        _session.overlay = Overlay(settings)
        _session.handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")
        for handlers, function in _handlers():
            handlers.append(function)
    _session.overlay.settings = settings
    redraw()


def hide() -> None:
    """Turn the overlay off, without a trace."""
    if _session.overlay is None:
        return
    bpy.types.SpaceView3D.draw_handler_remove(_session.handle, "WINDOW")
    for handlers, function in _handlers():
        if function in handlers:
            handlers.remove(function)
    if bpy.app.timers.is_registered(_rest):
        bpy.app.timers.unregister(_rest)
    _session.overlay = _session.handle = None
    redraw()


def redraw() -> None:
    """All 3D Views, soon."""
    for area in views():
        area.tag_redraw()


def _handlers() -> Iterator[tuple[list, Any]]:
    on = bpy.app.handlers
    yield from ((on.depsgraph_update_post, _on_update), (on.frame_change_post, _on_update))
    yield from ((on.undo_post, _on_undo), (on.redo_post, _on_undo), (on.load_pre, _on_load))


def _on_update(_scene: object, depsgraph: bpy.types.Depsgraph) -> None:
    if _session.overlay is not None and depsgraph.mode == "VIEWPORT":
        _session.overlay.note(depsgraph)


def _on_undo(*_arguments: object) -> None:
    if _session.overlay is not None:
        _session.overlay.forget()


def _on_load(*_arguments: object) -> None:
    hide()


def _draw() -> None:
    context = bpy.context
    overlay = _session.overlay
    if overlay is None or not context.space_data.overlay.show_overlays:
        return
    try:
        overlay.draw(context)
    except Exception:  # Blender would print it at every redraw, for ever
        log.exception("The overlay could not be drawn; it is off now")
        bpy.app.timers.register(hide, first_interval=0)
        return
    if overlay.names_are_due and not bpy.app.timers.is_registered(_rest):
        bpy.app.timers.register(_rest, first_interval=0.05)


def _rest() -> float | None:
    """Until the view has come to rest; then the names find their new places."""
    overlay = _session.overlay
    if overlay is None:
        return None
    missing = overlay.seconds_to_rest()
    if missing > 0:
        return missing
    redraw()
    return None
