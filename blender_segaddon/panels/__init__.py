"""The panel in the 3D View's sidebar."""

from . import export, main, overlay

CLASSES = (*main.CLASSES, *overlay.CLASSES, *export.CLASSES)
register, unregister = overlay.register, overlay.unregister
