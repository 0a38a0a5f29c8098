"""What is drawn over an image, in pixels of the region: it follows zoom and pan, its lines stay as wide as they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import bpy
import gpu
import numpy as np

from . import paint

_KEPT = 4
"""textures: a mask or result that is stepped back to is there at once"""


@dataclass(frozen=True, eq=False)
class Layer:
    """Pixels to be drawn. They are made, and sent to the GPU, once a key."""

    key: Hashable
    pixels: Callable[[], np.ndarray | None]
    """float32 H×W in 0..1 for a mask, uint8 H×W×3 (display-referred) for a picture, row 0 at the top"""


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown over one image. Places are pixels of the image, from the top left corner."""

    size: tuple[int, int]
    """(width, height) of the image"""
    mask: Layer | None = None
    points: tuple[tuple[float, float, bool], ...] = ()
    """(x, y, whether it is meant)"""
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    """(x0, y0, x1, y1)"""
    result: Layer | None = None
    wipe: float = 0.0
    """0..1 of the width, up to which the image itself is seen"""
    title: str = ""
    """of the result"""
    under: Layer | None = None
    """a picture that is shown in the image's place, below the mask"""
    painted: bool = False
    """the image is a mask that is being painted, white where it covers: it is shown as one"""


class Drawing:
    """There while the overlay is shown; holds textures. Needs a GPU context."""

    def __init__(self) -> None:
        self._textures: OrderedDict[Hashable, Any] = OrderedDict()

    def draw(self, context: bpy.types.Context, shown: Shown) -> None:
        """Over the region of ``context``."""
        frame = _frame(context.region)
        scale = context.preferences.system.ui_scale
        if shown.result is not None:
            texture = self._texture(shown.result)
            if texture is not None:
                paint.picture(texture, frame, shown.wipe)
                paint.wipe_line(frame, shown.wipe, shown.title, scale)
            return
        under = None if shown.under is None else self._texture(shown.under)
        if under is not None:
            paint.picture(under, frame, 0.0)
        if shown.painted:
            paint.mask(gpu.texture.from_image(context.space_data.image), frame, scale, from_bottom=True)
        if shown.mask is not None:
            texture = self._texture(shown.mask)
            if texture is not None:
                paint.mask(texture, frame, scale)
        for box in shown.boxes:
            paint.box(_place(frame, shown.size, *box[:2]), _place(frame, shown.size, *box[2:]), scale)
        paint.marks([(*_place(frame, shown.size, x, y), good) for x, y, good in shown.points], scale)

    def _texture(self, layer: Layer) -> Any:
        if layer.key not in self._textures:
            pixels = layer.pixels()
            self._textures[layer.key] = None if pixels is None else paint.texture(pixels)
            while len(self._textures) > _KEPT:
                self._textures.popitem(last=False)
        self._textures.move_to_end(layer.key)
        return self._textures[layer.key]


def _frame(region: bpy.types.Region) -> paint.Frame:
    """Where the image lies in the region: its lower left and its upper right corner.

    By ``region_to_view``, since ``view_to_region`` gives whole pixels only.
    """
    u0, v0 = region.view2d.region_to_view(0, 0)
    u1, v1 = region.view2d.region_to_view(region.width, region.height)
    across, up = region.width / (u1 - u0), region.height / (v1 - v0)
    return -u0 * across, -v0 * up, (1 - u0) * across, (1 - v0) * up


def _place(frame: paint.Frame, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    x0, y0, x1, y1 = frame
    return x0 + (x1 - x0) * x / size[0], y1 - (y1 - y0) * y / size[1]
