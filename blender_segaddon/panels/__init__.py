"""The panel in the 3D View's sidebar."""

from . import export, main

CLASSES = (*main.CLASSES, *export.CLASSES)
