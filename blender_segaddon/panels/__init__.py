"""The panel in the 3D View's sidebar."""

from . import main, server

CLASSES = (*main.CLASSES, *server.CLASSES)
