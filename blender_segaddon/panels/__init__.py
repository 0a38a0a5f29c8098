"""The panel in the sidebars of 3D View and Image Editor."""

from . import classes, export, generation, looks, main, menus, models, overlay, retouch, server, setup, shots, templates

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (
    *setup.CLASSES,
    *models.CLASSES,
    *main.CLASSES,
    *looks.CLASSES,
    *generation.CLASSES,
    *classes.CLASSES,
    *shots.CLASSES,
    *overlay.CLASSES,
    *export.CLASSES,
    *server.CLASSES,
    *retouch.CLASSES,
    *templates.CLASSES,
    *menus.CLASSES,
)


def register() -> None:
    """What is added to Blender's own menus."""
    classes.register()
    templates.register()
    looks.register()
    menus.register()


def unregister() -> None:
    """The reverse."""
    menus.unregister()
    looks.unregister()
    templates.unregister()
    classes.unregister()
