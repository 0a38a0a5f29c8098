"""Operators: gather inputs, call one function of ``api``, report."""

from . import export, generation, maps, overlay, placing, server

CLASSES = (*maps.CLASSES, *overlay.CLASSES, *export.CLASSES, *generation.CLASSES, *placing.CLASSES, *server.CLASSES)
