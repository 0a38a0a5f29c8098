"""Pictures → scene: colour, projection, backdrop, bake, and everything back out again without a trace."""

from __future__ import annotations

from .backdrop import backdrop
from .bake import Baked, PlannedBake, bake_steps, plan
from .baked import Shown as ShownBake
from .baked import exist as has_bakes
from .baked import keep_copies
from .baked import put as put_bake
from .baked import shown as shown_bake
from .baked import take_off as take_off_bake
from .blending import View, blended, share
from .carrying import Lookup, Points, identity, own_weight, pixels_per_unit
from .colour import LinearPicture, ViewStudy, emitted, know_view, to_display, to_scene_linear, unexposed
from .compositing import compositor_input
from .compositing import swap as swap_compositor_input
from .evidence import prepare as prepare_evidence
from .foreground import conceal, reveal
from .image_plane import image_plane
from .lighting import set_lighting
from .linked import name_of
from .placement import Placement, group_of, placements, remove, show
from .projection import project, reshare, stored
from .references import check as check_reference
from .references import reference
from .references import swap as swap_reference
from .render import render_view
from .shading import LIGHTINGS
from .usd import file_name, write_image
from .usd import write_scene as write_usd
from .uv_layers import UV_LAYER
from .uv_layers import mark as mark_bake

__all__ = [
    "LIGHTINGS",
    "UV_LAYER",
    "Baked",
    "LinearPicture",
    "Lookup",
    "Placement",
    "PlannedBake",
    "Points",
    "ShownBake",
    "View",
    "ViewStudy",
    "backdrop",
    "bake_steps",
    "blended",
    "check_reference",
    "compositor_input",
    "conceal",
    "emitted",
    "file_name",
    "group_of",
    "has_bakes",
    "identity",
    "image_plane",
    "keep_copies",
    "know_view",
    "mark_bake",
    "name_of",
    "own_weight",
    "pixels_per_unit",
    "placements",
    "plan",
    "prepare_evidence",
    "project",
    "put_bake",
    "reference",
    "remove",
    "render_view",
    "reshare",
    "reveal",
    "set_lighting",
    "share",
    "show",
    "shown_bake",
    "stored",
    "swap_compositor_input",
    "swap_reference",
    "take_off_bake",
    "to_display",
    "to_scene_linear",
    "unexposed",
    "write_image",
    "write_usd",
]
