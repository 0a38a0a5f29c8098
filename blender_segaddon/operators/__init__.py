"""Operators: gather inputs, call one function of ``api``, report."""

from . import classes, generation, maps, placing, server
from .server import register, unregister

__all__ = ["CLASSES", "register", "unregister"]

CLASSES = (*maps.CLASSES, *classes.CLASSES, *generation.CLASSES, *placing.CLASSES, *server.CLASSES)
