"""Pictures → scene: colour, projection, backdrop, bake, and everything back out again without a trace."""

from __future__ import annotations

from .backdrop import backdrop
from .bake import bake
from .colour import LinearPicture, to_display, to_scene_linear
from .placement import Placement, group_of, placements, remove
from .projection import project
from .render import render_view

__all__ = [
    "LinearPicture",
    "Placement",
    "backdrop",
    "bake",
    "group_of",
    "placements",
    "project",
    "remove",
    "render_view",
    "to_display",
    "to_scene_linear",
]
