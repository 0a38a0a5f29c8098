"""Operators: gather inputs, call one function of ``api``, report."""

from . import generation, maps, placing, server

CLASSES = (*maps.CLASSES, *generation.CLASSES, *placing.CLASSES, *server.CLASSES)
