"""The panel in the 3D View's sidebar."""

from . import classes, export, main, models, overlay, server
from .classes import register, unregister

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (*models.CLASSES, *main.CLASSES, *classes.CLASSES, *overlay.CLASSES, *export.CLASSES, *server.CLASSES)
