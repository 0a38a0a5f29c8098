"""Crop with context → the size that a model draws well → stitched back. Shared by all engines.

Two masks: the *denoise* mask says where the model draws; it is wider than what was asked for, so that what is drawn has
run out into its surroundings before it is cut. The *composite* mask says which pixels of the result are taken; outside
of it the picture stays as it was, bit for bit. By default it is the mask that was asked for; ``softness`` lets it run
out beyond it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ...protocol.errors import InvalidInput
from ..camera import Camera
from ..maps import SceneMaps
from ..masks import bbox, composite, dilate, feather
from ..resampling import nearest, resized
from .smooth import blurred, spread

_GRID = 16
"""The sides of a crop are multiples of it where the image has room."""
_LEAST = 256
"""pixels: a smaller crop shows a model too little of the surroundings"""
_ENOUGH = 1.3
"""Up to this many times the native pixel count a crop is drawn at its own size."""
_KEEP = 4
"""Pixels at the rim of the composite mask over which detail that the model's size cannot hold fades out."""
_MOST = 0.15
"""Largest difference, display-referred 0..1, that the colours are corrected by: more is a change that was asked for."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of a picture, and how a model draws it."""

    box: tuple[int, int, int, int]
    """(x0, y0, x1, y1) in the picture, x1 and y1 exclusive; always inside it"""
    drawn: tuple[int, int]
    """(width, height) at which the model draws the box"""
    mask: np.ndarray
    """bool h×w of the box: what was asked for"""
    denoise: np.ndarray
    """float32 h×w of the box, 0..1: where the model draws, and how freely"""
    alpha: np.ndarray
    """float32 h×w of the box, 0..1: how much of the result is taken; 0 outside"""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the box."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    @property
    def window(self) -> tuple[slice, slice]:
        """The box as an index of the picture."""
        x0, y0, x1, y1 = self.box
        return slice(y0, y1), slice(x0, x1)


def plan(
    mask: np.ndarray, *, native: int, cell: int = 8, strength: float = 1.0, softness: float = 0.0, context: float = 1.0
) -> Crop:
    """How what is under a mask is drawn.

    Numbers as users of krita-ai-diffusion are happy with them: with the mask's diagonal d and the strength s, the
    context is max(d/10·s, 32·s) + 4 + 0.06·d pixels, at least 256 in all; the denoise mask is grown by
    4 + f/2 and blurred over f = max(d/10, 32)·s.

    Args:
        mask: bool H×W with a True pixel.
        native: side in pixels of the square that the model was trained on.
        cell: the sides that it draws are multiples of this.
        strength: 0..1.
        softness: pixels beyond the mask over which the result runs out into the picture; 0: only the mask changes.
        context: times the usual context.

    Raises:
        InvalidInput: an empty mask, or a negative softness.
    """
    around = bbox(mask)
    if around is None:
        raise InvalidInput("The mask is empty", "Click on something, or paint the mask first")
    if softness < 0:
        raise InvalidInput(f"Softness {softness:g} is out of range", "Use 0 or more pixels")
    diagonal = math.hypot(around[2] - around[0], around[3] - around[1])
    soft = max(diagonal / 10, 32.0) * strength
    pad = max(diagonal / 10 * strength, 32.0 * strength) + 4 + 0.06 * diagonal + softness
    height, width = mask.shape
    x0, x1 = _span(around[0], around[2], pad * context, width)
    y0, y1 = _span(around[1], around[3], pad * context, height)
    inside = mask[y0:y1, x0:x1]
    return Crop(
        box=(x0, y0, x1, y1),
        drawn=_drawn((x1 - x0, y1 - y0), native, cell),
        mask=inside,
        denoise=feather(dilate(inside, round(4 + soft / 2 + softness)), round(soft / 2)),
        alpha=_alpha(inside, softness),
    )


def whole(mask: np.ndarray, *, native: int, cell: int = 8, softness: float = 0.0) -> Crop:
    """As ``plan`` for the picture as a whole: nothing is cut off."""
    height, width = mask.shape
    crop = plan(mask, native=native, cell=cell, softness=softness, context=float(height + width))
    return replace(crop, drawn=_drawn((width, height), native, cell))


def cut(crop: Crop, array: np.ndarray) -> np.ndarray:
    """The part of a picture (H×W×C, uint8 or float 0..1) as the model gets it: float32 of the drawn size, 0..1."""
    return np.clip(resized(_unit(array[crop.window]), crop.drawn), 0, 1)


def cut_mask(crop: Crop, mask: np.ndarray) -> np.ndarray:
    """float32 of the drawn size, 0..1, of a mask of the box (``crop.denoise``)."""
    return np.clip(resized(mask.astype(np.float32), crop.drawn), 0, 1)


def cut_maps(crop: Crop, maps: SceneMaps) -> SceneMaps:
    """The maps of the box at the drawn size, with the camera that sees just that."""
    arrays = {
        name: nearest(getattr(maps, name)[crop.window], crop.drawn)
        for name in ("instance_map", "class_map", "depth", "normal")
    }
    return replace(maps, **arrays, camera=_camera(maps.camera, crop), coverage=None)


def stitch(picture: np.ndarray, crop: Crop, drawn: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
    """The picture with what was drawn in it; of the picture's type, identical bit for bit where ``crop.alpha`` is 0.

    Colours are matched where the model was to change nothing and did; at the rim the detail that got lost in the
    model's size is put back, so that a model that returns what it got leaves no seam.

    Args:
        picture: uint8 or float (0..1, more is left alone outside) H×W×3.
        drawn: float32 of ``crop.drawn``, 0..1.
        given: what the model was given, where that was not ``cut(crop, picture)``.
    """
    original = _unit(picture[crop.window])
    seen = cut(crop, picture) if given is None else given
    back = np.clip(resized(seen, crop.size), 0, 1)
    fresh = np.clip(resized(drawn, crop.size), 0, 1)
    fresh = fresh + _drift(crop, back - fresh)
    fresh = fresh + _rim(crop)[..., None] * (original - back)
    result = picture.copy()
    made = np.clip(fresh, 0, 1)
    made = np.rint(made * 255).astype(np.uint8) if picture.dtype == np.uint8 else made.astype(picture.dtype)
    result[crop.window] = composite(picture[crop.window], made, crop.alpha)
    return result


def _span(low: int, high: int, pad: float, size: int) -> tuple[int, int]:
    """From and to along one axis: padded, at least ``_LEAST``, a multiple of ``_GRID``, shifted into the image."""
    wanted = max(math.ceil(high - low + 2 * pad), _LEAST)
    length = min(-(-wanted // _GRID) * _GRID, size)
    start = round((low + high - length) / 2)
    start = min(max(start, 0), size - length)
    return start, start + length


def _drawn(size: tuple[int, int], native: int, cell: int) -> tuple[int, int]:
    width, height = size
    scale = math.sqrt(native * native / (width * height))
    if 1 / _ENOUGH <= scale * scale <= 1:
        scale = 1.0
    return (max(cell, round(width * scale / cell) * cell), max(cell, round(height * scale / cell) * cell))


def _alpha(mask: np.ndarray, softness: float) -> np.ndarray:
    """float32: 1 under the mask, from there down to 0 over ``softness`` pixels."""
    if softness < 1:
        return mask.astype(np.float32)
    half = round(softness / 2)
    soft = feather(dilate(mask, half), half)
    return np.where(mask, np.float32(1), soft)


def _rim(crop: Crop) -> np.ndarray:
    """float32 h×w: 1 at the edge of the composite mask and outside of it, 0 deeper inside."""
    return feather(dilate(crop.alpha < 1, _KEEP + 2), _KEEP)


def _drift(crop: Crop, difference: np.ndarray) -> np.ndarray:
    """What is missing to the surroundings' colours: known where nothing was drawn, and spread inwards."""
    kept = (crop.denoise < 0.5) & (crop.alpha == 0)
    if not kept.any() or not difference.any():
        return np.zeros(1, np.float32)
    smooth = blurred(np.clip(difference, -_MOST, _MOST) * kept[..., None], 3)
    share = blurred(kept[..., None].astype(np.float32), 3)
    return spread(smooth / np.maximum(share, np.float32(1e-3)), kept)


def _unit(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    return array.astype(np.float32, copy=False)


def _camera(camera: Camera, crop: Crop) -> Camera:
    x0, y0, x1, y1 = crop.box
    left, right = 2 * x0 / camera.width - 1, 2 * x1 / camera.width - 1
    bottom, top = 1 - 2 * y1 / camera.height, 1 - 2 * y0 / camera.height
    width, height = crop.drawn
    if camera.type == "PANO":
        lat0, lat1, lon0, lon1 = camera.pano_range
        lat, lon = (lambda y: lat0 + (lat1 - lat0) * (y + 1) / 2), (lambda x: lon0 + (lon1 - lon0) * (x + 1) / 2)
        return replace(camera, width=width, height=height, pano_range=(lat(bottom), lat(top), lon(left), lon(right)))
    zoom = np.eye(4)
    zoom[0, 0], zoom[0, 3] = 2 / (right - left), -(right + left) / (right - left)
    zoom[1, 1], zoom[1, 3] = 2 / (top - bottom), -(top + bottom) / (top - bottom)
    return replace(camera, width=width, height=height, projection_matrix=zoom @ camera.projection_matrix)
