"""The panel in the 3D View's sidebar."""

from . import classes, export, main, overlay, server

CLASSES = (*main.CLASSES, *classes.CLASSES, *overlay.CLASSES, *export.CLASSES, *server.CLASSES)


def register() -> None:
    classes.register()
    overlay.register()


def unregister() -> None:
    overlay.unregister()
    classes.unregister()
