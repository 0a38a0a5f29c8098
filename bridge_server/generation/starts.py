"""What a pass of drawing starts from, and the maps at its size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from blender_segaddon.core.maps import SceneMaps

from .pipelines import Mode
from .sizes import Pass, fit_map, fit_picture


@dataclass(frozen=True, eq=False)
class Start:
    """What a pass starts from."""

    mode: Mode
    picture: np.ndarray | None = None
    """uint8 H×W×3, or float32 in 0..1 of the pass's size"""
    mask: np.ndarray | None = None
    """bool H×W"""
    strength: float = 1.0
    levels: np.ndarray | None = None
    """float32 H×W: for soft inpainting"""


def start_options(start: Start, size: Pass, closed: bool) -> dict[str, Any]:
    """What a pass starts from, as the pipelines call it."""
    if start.picture is None:
        return {}
    floats = start.picture.dtype == np.float32
    picture = start.picture if floats else Image.fromarray(fit_picture(start.picture, size, closes=closed))
    options: dict[str, Any] = {"image": picture, "strength": start.strength}
    if start.mask is not None:
        options["mask_image"] = Image.fromarray(fit_map(start.mask, size).astype(np.uint8) * 255)
    return options


def fitted(maps: SceneMaps, size: Pass) -> SceneMaps:
    """The maps for a pass."""
    arrays = {name: fit_map(getattr(maps, name), size) for name in ("instance_map", "class_map", "depth", "normal")}
    return replace(maps, **arrays)
