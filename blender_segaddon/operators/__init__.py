"""Operators: gather inputs, call one function of ``api``, report."""

from . import classes, export, generation, maps, overlay, placing, server, views
from .server import register, unregister

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (
    *maps.CLASSES,
    *classes.CLASSES,
    *overlay.CLASSES,
    *export.CLASSES,
    *generation.CLASSES,
    *placing.CLASSES,
    *views.CLASSES,
    *server.CLASSES,
)
