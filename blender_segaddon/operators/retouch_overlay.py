"""What is drawn over a picture: its masks and clicks, or a result beside what was there before."""

from __future__ import annotations

import bpy
import numpy as np

from .. import api
from . import retouch_masks

dragged: dict[str, tuple[float, float, float, float]] = {}
"""Image → the box that is being drawn on it just now, (x0, y0, x1, y1) in its pixels."""


def source(context: bpy.types.Context, image: bpy.types.Image) -> api.Shown | None:
    """What is shown over an image, None for nothing."""
    record = image.segaddon
    if record.painted_for is not None:
        return _painted(record.painted_for, tuple(image.size))
    if not (len(record.masks) or len(record.results) or image.name in dragged):
        return None
    size = retouch_masks.size_of(image, context.scene)
    if len(record.results):
        return _result(context, record, size)
    name = image.name
    boxes = [dragged[name]] if name in dragged else []
    open_mask = retouch_masks.active(image) if record.is_open else None
    points: tuple[tuple[float, float, bool], ...] = ()
    if open_mask is not None and open_mask.use:
        points = tuple((one.x, one.y, one.positive) for one in open_mask.points)
        boxes += [tuple(open_mask.box)] if any(open_mask.box) else []
    key = retouch_masks.key(image, size)
    layer = api.Layer(("mask", *key), lambda: retouch_masks.soft(bpy.data.images[name], size))
    return api.Shown(size, layer, points, tuple(boxes))


def _result(context: bpy.types.Context, record: bpy.types.PropertyGroup, size: tuple[int, int]) -> api.Shown | None:
    number = min(record.result, len(record.results) - 1)
    made = record.results[number].image
    if made is None:
        return None
    name, count = made.name, len(record.results)
    title = f"After {number + 1} of {count}" if count > 1 else "After"
    layer = api.Layer(("result", made.session_uid, name), lambda: _pixels(name))
    return api.Shown(size, result=layer, wipe=context.scene.segaddon.retouch.wipe, title=title)


def _painted(picture: bpy.types.Image, size: tuple[int, int]) -> api.Shown:
    """The picture whose mask is painted on the image that is shown; of the Render Result the mask alone."""
    if picture.type == "RENDER_RESULT":
        return api.Shown(size, painted=True)
    name = picture.name
    return api.Shown(size, under=api.Layer(("under", picture.session_uid, name), lambda: _pixels(name)), painted=True)


def _pixels(name: str) -> np.ndarray:
    """uint8 H×W×3 of a picture as people see it."""
    image = bpy.data.images[name]
    known = api.find_picture(image)
    return known.pixels if known is not None else api.as_picture(image).pixels
