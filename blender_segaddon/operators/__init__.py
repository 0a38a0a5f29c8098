"""Operators: gather inputs, call one function of ``api``, report."""

from . import export, generation, maps, placing, server

CLASSES = (*maps.CLASSES, *export.CLASSES, *generation.CLASSES, *placing.CLASSES, *server.CLASSES)
