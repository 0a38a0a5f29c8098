"""What operators say and show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import bpy

from ..protocol.errors import Cancelled, SegAddonError


@contextmanager
def reported(operator: bpy.types.Operator) -> Iterator[None]:
    """Show a SegAddonError as one line in Blender; other exceptions are defects and propagate.

    Blender turns a report of type ERROR into a RuntimeError for a script that called the operator.
    """
    try:
        yield
    except Cancelled:
        operator.report({"INFO"}, "Cancelled")
    except SegAddonError as error:
        operator.report({"ERROR"}, str(error))


def press(operator: bpy.types.Operator, pressed: Callable[..., set[str]], **options: object) -> None:
    """Press another button from an operator, with a step of undo; what it reports is reported by this one.

    A Python call of an operator that reports an error raises instead of showing it.
    """
    try:
        pressed("INVOKE_DEFAULT", True, **options)
    except RuntimeError as error:
        operator.report({"ERROR"}, str(error).strip().removeprefix("Error: "))


def show_in_image_editor(context: bpy.types.Context, image: bpy.types.Image) -> bool:
    """Show an image in the first open Image Editor that is not pinned to another; whether there is one."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.ui_type == "IMAGE_EDITOR" and not area.spaces.active.use_image_pin:
                area.spaces.active.image = image
                return True
    return False


def show_in_new_window(image: bpy.types.Image) -> None:
    """Show an image in a window of its own, as Blender shows a render."""
    bpy.ops.wm.window_new()
    (area,) = bpy.context.window_manager.windows[-1].screen.areas
    area.ui_type = "IMAGE_EDITOR"
    area.spaces.active.image = image
