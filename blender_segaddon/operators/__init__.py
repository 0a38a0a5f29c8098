"""Operators: gather inputs, call one function of ``api``, report."""

from . import generation, maps, overlay, placing, server

CLASSES = (*maps.CLASSES, *overlay.CLASSES, *generation.CLASSES, *placing.CLASSES, *server.CLASSES)
