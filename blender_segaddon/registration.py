"""Everything that the add-on puts into Blender, in order; taken out again in reverse."""

from __future__ import annotations

import bpy

from . import api, operators, panels, preferences, properties
from .operators import classes, running, server

_MODULES = (properties, preferences, operators, panels)


@bpy.app.handlers.persistent
def _before_load(_path: object, *_more: object) -> None:
    """Another file: a picture of this one is left to the server."""
    running.stop()


@bpy.app.handlers.persistent
def _on_load(_path: object, *_more: object) -> None:
    """Another file: the pictures of the last one are no longer this session's, but it may have some under way."""
    api.forget_pictures()
    classes.forget_reports()
    server.look()


def register() -> None:
    """Errors propagate: Blender shows them and leaves the add-on off."""
    for module in _MODULES:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
        if hasattr(module, "register"):
            module.register()
    bpy.app.handlers.load_pre.append(_before_load)
    bpy.app.handlers.load_post.append(_on_load)


def unregister() -> None:
    running.stop()
    bpy.app.handlers.load_post.remove(_on_load)
    bpy.app.handlers.load_pre.remove(_before_load)
    for module in reversed(_MODULES):
        if hasattr(module, "unregister"):
            module.unregister()
        for cls in reversed(module.CLASSES):
            bpy.utils.unregister_class(cls)
    api.forget_pictures()
    classes.forget_reports()
