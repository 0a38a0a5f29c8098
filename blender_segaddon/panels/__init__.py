"""The panel in the sidebars of 3D View and Image Editor."""

from . import classes, export, main, models, overlay, retouch, server, setup
from .classes import register, unregister

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (
    *setup.CLASSES,
    *models.CLASSES,
    *main.CLASSES,
    *classes.CLASSES,
    *overlay.CLASSES,
    *export.CLASSES,
    *server.CLASSES,
    *retouch.CLASSES,
)
