"""The panel in the 3D View's sidebar."""

from . import export, main, overlay, server

CLASSES = (*main.CLASSES, *overlay.CLASSES, *export.CLASSES, *server.CLASSES)
register, unregister = overlay.register, overlay.unregister
