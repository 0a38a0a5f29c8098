"""Operators: gather inputs, call one function of ``api``, report."""

from . import (
    baking,
    classes,
    export,
    generation,
    looks,
    maps,
    models,
    overlay,
    placing,
    retouch_click,
    retouch_list,
    retouch_paint,
    retouch_results,
    retouch_tool,
    server,
    setup,
    shots,
    views,
)

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (
    *maps.CLASSES,
    *classes.CLASSES,
    *overlay.CLASSES,
    *export.CLASSES,
    *generation.CLASSES,
    *models.CLASSES,
    *looks.CLASSES,
    *placing.CLASSES,
    *retouch_click.CLASSES,
    *retouch_list.CLASSES,
    *retouch_paint.CLASSES,
    *retouch_results.CLASSES,
    *retouch_tool.CLASSES,
    *views.CLASSES,
    *baking.CLASSES,
    *server.CLASSES,
    *setup.CLASSES,
    *shots.CLASSES,
)


def register() -> None:
    """What is not a class."""
    server.register()
    retouch_tool.register()
    shots.register()


def unregister() -> None:
    """The reverse."""
    shots.unregister()
    setup.unregister()
    retouch_tool.unregister()
    server.unregister()
