"""Errors of the project as reports of Blender."""

from __future__ import annotations

from collections.abc import Iterator
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
    except Cancelled as error:
        operator.report({"INFO"}, str(error))
    except SegAddonError as error:
        operator.report({"ERROR"}, str(error))


def show_in_image_editor(context: bpy.types.Context, image: bpy.types.Image) -> None:
    """Show an image in the first Image Editor that is open, if there is one."""
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    for area in areas:
        if area.type == "IMAGE_EDITOR":
            area.spaces.active.image = image
            return
