"""Everything that the add-on puts into Blender, in order; taken out again in reverse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy

from . import api, operators, panels, preferences, properties, texturing, translations
from .capture import background
from .flows import rendering
from .operators import classes, retouch_history, retouch_masks, retouch_paint, running, server

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
    api.handlers.forget(everything=False)
    background.sweep()
    texturing.conceal()  # the file may have been saved while an update looked at what backdrops hide
    classes.forget_reports()
    retouch_masks.forget()
    api.forget_renders()
    api.watch_renders()
    api.show_image_overlay(any(one.segaddon.masks or one.segaddon.results for one in bpy.data.images))
    server.look()


@bpy.app.handlers.persistent
def _after_undo(_scene: object, *_more: object) -> None:
    """The step may be from while a capture or an update was under way."""
    background.sweep()
    if running.current is None:
        texturing.conceal()
    retouch_history.follow()
    api.redraw_image_overlay()


@bpy.app.handlers.persistent
def _before_undo(_scene: object, *_more: object) -> None:
    retouch_history.note()


@bpy.app.handlers.persistent
def _before_save(_path: object, *_more: object) -> None:
    """Strokes on pictures and masks that are packed go into the file with them."""
    retouch_paint.pack_painted()


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


def _handlers() -> Iterator[tuple[list, Callable[..., None]]]:
    """(Blender's list, what belongs into it)."""
    lists = bpy.app.handlers
    yield lists.load_pre, _before_load
    yield lists.load_post, _on_load
    yield lists.save_pre, _before_save
    for functions in (lists.undo_pre, lists.redo_pre):
        yield functions, _before_undo
    for functions in (lists.undo_post, lists.redo_post):
        yield functions, _after_undo
    yield lists.render_init, _render_begins
    yield lists.render_post, _frame_rendered
    yield lists.render_write, _frame_written
    yield lists.render_complete, _render_complete
    yield lists.render_cancel, _render_cancelled


def register() -> None:
    """Errors propagate: Blender shows them and leaves the add-on off."""
    for module in _MODULES:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
        if hasattr(module, "register"):
            module.register()
    for functions, function in _handlers():
        functions.append(function)
    translations.register()
    api.watch_renders()


def unregister() -> None:
    running.stop()
    translations.unregister()
    api.watch_renders(False)
    background.cancel_all()
    for functions, function in reversed([*_handlers()]):
        functions.remove(function)
    for module in reversed(_MODULES):
        if hasattr(module, "unregister"):
            module.unregister()
        for cls in reversed(module.CLASSES):
            bpy.utils.unregister_class(cls)
    api.forget_pictures()
    api.handlers.forget()
    classes.forget_reports()
    api.forget_renders()
