"""Everything that the add-on puts into Blender, in order; taken out again in reverse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy

from . import api, operators, panels, preferences, properties
from .capture import background
from .operators import classes, running, server

_MODULES = (properties, preferences, operators, panels)


@bpy.app.handlers.persistent
def _before_load(_path: object, *_more: object) -> None:
    """Another file: a picture of this one is left to the server."""
    running.stop()
    background.cancel_all()


@bpy.app.handlers.persistent
def _on_load(_path: object, *_more: object) -> None:
    """Another file: the pictures of the last one are no longer this session's, but it may have some under way."""
    api.forget_pictures()
    background.sweep()
    classes.forget_reports()
    server.look()


@bpy.app.handlers.persistent
def _after_undo(_scene: object, *_more: object) -> None:
    """The step may be from while a capture was under way."""
    background.sweep()


def _handlers() -> Iterator[tuple[list, Callable[..., None]]]:
    """(Blender's list, what belongs into it)."""
    lists = bpy.app.handlers
    yield lists.load_pre, _before_load
    yield lists.load_post, _on_load
    for functions in (lists.undo_post, lists.redo_post):
        yield functions, _after_undo


def register() -> None:
    """Errors propagate: Blender shows them and leaves the add-on off."""
    for module in _MODULES:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
        if hasattr(module, "register"):
            module.register()
    for functions, function in _handlers():
        functions.append(function)


def unregister() -> None:
    running.stop()
    background.cancel_all()
    for functions, function in _handlers():
        functions.remove(function)
    for module in reversed(_MODULES):
        if hasattr(module, "unregister"):
            module.unregister()
        for cls in reversed(module.CLASSES):
            bpy.utils.unregister_class(cls)
    api.forget_pictures()
    classes.forget_reports()
