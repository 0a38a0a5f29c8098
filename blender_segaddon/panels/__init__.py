"""The panel in the sidebars of 3D View and Image Editor."""

from . import classes, export, generation, main, models, overlay, retouch, server
from .classes import register, unregister

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (
    *models.CLASSES,
    *main.CLASSES,
    *generation.CLASSES,
    *classes.CLASSES,
    *overlay.CLASSES,
    *export.CLASSES,
    *server.CLASSES,
    *retouch.CLASSES,
)
