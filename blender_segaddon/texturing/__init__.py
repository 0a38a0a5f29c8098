"""Pictures → scene: colour, projection, backdrop, bake, and everything back out again without a trace."""

from __future__ import annotations

from .backdrop import backdrop
from .bake import bake
from .blending import View, blended, share
from .carrying import Lookup, Points, identity, own_weight, pixels_per_unit
from .colour import LinearPicture, to_display, to_scene_linear
from .image_plane import compositor_input, image_plane
from .lighting import set_lighting
from .placement import Placement, group_of, placements, remove, show
from .projection import project, reshare
from .render import render_view
from .shading import LIGHTINGS

__all__ = [
    "LIGHTINGS",
    "LinearPicture",
    "Lookup",
    "Placement",
    "Points",
    "View",
    "backdrop",
    "bake",
    "blended",
    "compositor_input",
    "group_of",
    "identity",
    "image_plane",
    "own_weight",
    "pixels_per_unit",
    "placements",
    "project",
    "remove",
    "render_view",
    "reshare",
    "set_lighting",
    "share",
    "show",
    "to_display",
    "to_scene_linear",
]
