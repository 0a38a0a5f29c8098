"""Functions of a pipeline that are called when something was made, as Blender's own in ``bpy.app.handlers``.

    from bl_ext.user_default.blender_segaddon import api as seg

    @seg.handlers.generated.append
    def publish(pictures):
        for picture in pictures:
            seg.save(picture, f"/renders/{picture.image.name}.png")

They run in Blender's main thread, whoever asked: a button, an operator, a script. One that fails is told in the log and
spoils nothing. A function with the attribute ``_bpy_persistent`` (``@bpy.app.handlers.persistent``) stays when another
file is loaded, the others are dropped then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from ..core.maps import SceneMaps
from ..flows.picture import Picture

log = logging.getLogger(__name__)

captured: list[Callable[[SceneMaps], Any]] = []
"""Called with the maps, after each capture."""
generated: list[Callable[[list[Picture]], Any]] = []
"""Called with the pictures, after each generation, variation and retouch; best first where some were left out."""

_LISTS: tuple[list[Callable[..., Any]], ...] = (captured, generated)


def tell(functions: Iterable[Callable[[Any], Any]], value: Any) -> None:
    """Call each with the value."""
    for function in tuple(functions):
        try:
            function(value)
        except Exception:
            log.exception("A handler failed: %r", function)


def forget(everything: bool = True) -> None:
    """Drop them all, or only those that do not outlive their file."""
    for functions in _LISTS:
        functions[:] = [one for one in functions if not everything and hasattr(one, "_bpy_persistent")]
