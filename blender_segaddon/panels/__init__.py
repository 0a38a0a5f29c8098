"""The panel in the 3D View's sidebar."""

from . import main, overlay

CLASSES = (*main.CLASSES, *overlay.CLASSES)
