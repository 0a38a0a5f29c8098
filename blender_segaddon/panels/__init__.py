"""The panel in the 3D View's sidebar."""

from . import main

CLASSES = main.CLASSES
