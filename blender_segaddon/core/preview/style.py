"""The last touch: smooth borders, glow of bright spots, and drawing styles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .geometry import Geometry
from .mood import Mood
from .noise import sample

_F = np.float32


def finish(picture: np.ndarray, geometry: Geometry, mood: Mood, seed: int) -> np.ndarray:
    """float32 H×W×3 in 0..255, changed in place where it can be."""
    if mood.style == "watercolour":
        picture = watercolour(picture, geometry, seed)
    elif mood.style == "ink":
        picture = ink(picture, geometry, seed)
    border = _changes(geometry.ids, lambda a, b: a != b)
    border |= _jumps(geometry)
    picture = smooth_borders(picture, border)
    return bloom(picture, mood.lights) if mood.lights > 0.1 and not mood.style else picture


def bloom(picture: np.ndarray, strength: float) -> np.ndarray:
    """A soft warm glow around what shines, as a lens gives it."""
    height, width = picture.shape[:2]
    step = max(1, max(height, width) // 192)
    bright = np.clip(picture[::step, ::step].max(-1) - _F(222), 0, 33) * _F(1 / 33)
    for radius in (2, 5):
        bright = box_blur(bright, radius)
    bright = np.minimum(bright * _F(strength), _F(0.6))
    y, x = (
        np.minimum((np.arange(size) / step), small - 1)
        for size, small in zip((height, width), bright.shape, strict=True)
    )
    glow = _between(_between(bright, y, 0), x, 1)[..., None]
    return picture + (255 - picture) * glow * np.array((0.62, 0.46, 0.26), _F)


def _between(image: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along an axis."""
    low = np.floor(at).astype(np.int32)
    share = (at - low).astype(_F)
    share = share[:, None] if axis == 0 else share
    first, second = image.take(low, axis), image.take(np.minimum(low + 1, image.shape[axis] - 1), axis)
    return first + (second - first) * share


def box_blur(image: np.ndarray, radius: int) -> np.ndarray:
    """float32 H×W: the mean of the square of that radius, cut at the borders."""
    for axis in (0, 1):
        size = image.shape[axis]
        total = np.concatenate([np.zeros_like(image.take([0], axis)), np.cumsum(image, axis, dtype=np.float64)], axis)
        at = np.arange(size)
        low, high = np.maximum(at - radius, 0), np.minimum(at + radius + 1, size)
        count = (high - low)[:, None] if axis == 0 else high - low
        image = ((total.take(high, axis) - total.take(low, axis)) / count).astype(_F)
    return image


def smooth_borders(picture: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Averages the two rows of pixels along borders between instances with their neighbours (one pixel wide)."""
    y, x = np.nonzero(border)
    if not y.size:
        return picture
    height, width = border.shape
    total = np.zeros((y.size, 3), _F)
    for dy in (-1, 0, 1):
        row = np.clip(y + dy, 0, height - 1)
        for dx in (-1, 0, 1):
            total += picture[row, np.clip(x + dx, 0, width - 1)] * _F((2 - abs(dy)) * (2 - abs(dx)))
    picture[y, x] = total * _F(1 / 16)
    return picture


def _changes(values: np.ndarray, differ: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """bool H×W: pixels that differ from a neighbour."""
    border = np.zeros(values.shape, bool)
    right, down = differ(values[:, 1:], values[:, :-1]), differ(values[1:], values[:-1])
    border[:, 1:] |= right
    border[:, :-1] |= right
    border[1:] |= down
    border[:-1] |= down
    return border


def _jumps(geometry: Geometry) -> np.ndarray:
    """bool H×W: pixels where the depth leaps."""
    return _changes(geometry.depth, lambda a, b: np.abs(a - b) > np.minimum(a, b) * _F(0.06))


def _edges(geometry: Geometry) -> np.ndarray:
    """float32 H×W, 0..1: outlines of things and creases of their shape."""
    lines = _changes(geometry.maps.class_map, lambda a, b: a != b) | _jumps(geometry)
    edge = lines.astype(_F) * _F(0.85)
    normals = geometry.normals
    for axis in (1, 2):
        turn = 1 - sum(
            np.take(one, range(1, one.shape[axis - 1]), axis - 1)
            * np.take(one, range(one.shape[axis - 1] - 1), axis - 1)
            for one in normals
        )
        here = (slice(1, None), slice(None)) if axis == 1 else (slice(None), slice(1, None))
        edge[here] = np.maximum(edge[here], np.clip((turn - _F(0.06)) * 4, 0, _F(0.7)))
    return edge


def _paper(shape: tuple[int, int], scale: float, seed: int, tile: str = "soft") -> np.ndarray:
    y, x = np.meshgrid(np.arange(shape[0], dtype=_F), np.arange(shape[1], dtype=_F), indexing="ij")
    one = _F(1 / scale)
    return sample(tile, x * one + _F(seed % 97), y * one, np.full(shape, one, _F))


def watercolour(picture: np.ndarray, geometry: Geometry, seed: int) -> np.ndarray:
    """Pale washes that pool towards the outlines, on paper."""
    shape = geometry.ids.shape
    unit = max(shape) / 1024
    pools = _paper(shape, 260 * unit + 8, seed) * _F(16) + _paper(shape, 170 * unit + 4, seed + 3, "leaves") * _F(4)
    wash = picture * _F(0.80) + _F(62)
    wash += pools[..., None]
    wash -= _edges(geometry)[..., None] * np.array((46, 48, 40), _F)
    grain = _paper(shape, 130, seed + 7, "fine") * _F(5)
    return np.clip(wash + grain[..., None], 0, 252)


def ink(picture: np.ndarray, geometry: Geometry, seed: int) -> np.ndarray:
    """Dark outlines and hatching by brightness on cream paper, with a breath of the colours."""
    shape = geometry.ids.shape
    grey = picture @ np.array((0.30, 0.59, 0.11), _F)
    y, x = np.meshgrid(np.arange(shape[0], dtype=_F), np.arange(shape[1], dtype=_F), indexing="ij")
    wobble = _paper(shape, 90.0, seed)
    period = _F(max(3.5, max(shape) / 200))
    dark = np.zeros(shape, _F)
    for level, diagonal in ((150, x + y), (100, x - y), (58, y * _F(1.4))):
        wave = np.abs((diagonal / period + wobble) % 1 - _F(0.5)) * 2
        dark = np.maximum(dark, np.clip((_F(level) - grey) / 60, 0, 1) * np.clip(_F(1.25) - wave * 2, 0, 1))
    strength = np.maximum(dark * _F(0.75), _edges(geometry))[..., None]
    paper = np.array((243, 236, 220), _F) * _F(0.80) + picture * _F(0.20) + wobble[..., None] * _F(2)
    return paper * (1 - strength) + np.array((38, 34, 40), _F) * strength
