"""Everything that the add-on puts into Blender, in order; taken out again in reverse."""

from __future__ import annotations

import bpy

from . import api, operators, panels, preferences, properties
from .flows import rendering
from .operators import running, server

_MODULES = (properties, preferences, operators, panels)


@bpy.app.handlers.persistent
def _before_load(_path: object, *_more: object) -> None:
    """Another file: a picture of this one is left to the server."""
    running.stop()


@bpy.app.handlers.persistent
def _on_load(_path: object, *_more: object) -> None:
    """Another file: the pictures of the last one are no longer this session's, but it may have some under way."""
    api.forget_pictures()
    api.forget_renders()
    api.watch_renders()
    server.look()


@bpy.app.handlers.persistent
def _render_begins(scene: bpy.types.Scene, *_more: object) -> None:
    rendering.on_init(scene, scene.segaddon.maps_with_renders)


@bpy.app.handlers.persistent
def _frame_rendered(scene: bpy.types.Scene, *_more: object) -> None:
    rendering.on_post(scene)


@bpy.app.handlers.persistent
def _frame_written(scene: bpy.types.Scene, *_more: object) -> None:
    rendering.on_write(scene)


@bpy.app.handlers.persistent
def _render_complete(_scene: bpy.types.Scene, *_more: object) -> None:
    rendering.on_end(complete=True)


@bpy.app.handlers.persistent
def _render_cancelled(_scene: bpy.types.Scene, *_more: object) -> None:
    rendering.on_end(complete=False)


_HANDLERS = {
    "load_pre": _before_load,
    "load_post": _on_load,
    "render_init": _render_begins,
    "render_post": _frame_rendered,
    "render_write": _frame_written,
    "render_complete": _render_complete,
    "render_cancel": _render_cancelled,
}


def register() -> None:
    """Errors propagate: Blender shows them and leaves the add-on off."""
    for module in _MODULES:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
        if hasattr(module, "register"):
            module.register()
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)
    api.watch_renders()


def unregister() -> None:
    running.stop()
    api.watch_renders(False)
    for name, handler in reversed(_HANDLERS.items()):
        getattr(bpy.app.handlers, name).remove(handler)
    for module in reversed(_MODULES):
        if hasattr(module, "unregister"):
            module.unregister()
        for cls in reversed(module.CLASSES):
            bpy.utils.unregister_class(cls)
    api.forget_pictures()
    api.forget_renders()
