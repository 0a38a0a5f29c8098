"""The panel in the 3D View's sidebar."""

from . import classes, main, server
from .classes import register, unregister

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (*main.CLASSES, *classes.CLASSES, *server.CLASSES)
