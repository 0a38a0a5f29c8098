"""Where light comes from and what stands in its way: sun and sky outdoors, windows and lamps in a room.

Shadow and contact shade are found in the picture itself (at half size), from what the camera sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..camera import Camera
from .geometry import Geometry, dot, length, turn
from .mood import Mood
from .noise import hash01

_F = np.float32

INDOOR = frozenset(
    {
        "ceiling",
        "floor",
        "bed",
        "cabinet",
        "curtain",
        "sofa",
        "armchair",
        "wardrobe",
        "bathtub",
        "rug",
        "desk",
        "pillow",
        "cushion",
        "chest of drawers",
        "refrigerator",
        "fireplace",
        "bookcase",
        "coffee table",
        "toilet",
        "stove",
        "sink",
        "kitchen island",
        "chandelier",
        "television receiver",
        "shower",
        "lamp",
        "stool",
        "shelf",
        "chair",
        "table",
        "painting",
    }
)
OUTDOOR = frozenset(
    {
        "sky",
        "tree",
        "road",
        "grass",
        "sidewalk",
        "earth",
        "mountain",
        "car",
        "water",
        "sea",
        "field",
        "sand",
        "skyscraper",
        "path",
        "river",
        "hill",
        "dirt track",
        "lake",
        "streetlight",
        "house",
        "building",
        "palm",
        "runway",
        "pier",
        "land",
        "boat",
    }
)
_DITHER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], _F) / _F(16)
"""Each pixel of a block starts its walk at another distance; blurring over the block then gives all of them."""
SOURCES = frozenset({"windowpane", "lamp", "chandelier", "light", "sconce", "fireplace", "streetlight"})


@dataclass(frozen=True, eq=False)
class Lamp:
    """A soft light at a point."""

    at: np.ndarray
    """float32 (3), metres from the geometry's origin"""
    colour: np.ndarray
    """float32 (3)"""
    reach: float
    """metres at which it has fallen to half"""


@dataclass(frozen=True, eq=False)
class Light:
    """All the light of one picture."""

    sun: np.ndarray
    """float32 (3), unit, towards the sun"""
    sun_colour: np.ndarray
    """float32 (3); 0 indoors"""
    ambient: np.ndarray
    """float32 (3) from above"""
    bounce: np.ndarray
    """float32 (3) from below"""
    lamps: tuple[Lamp, ...]
    indoors: bool
    fog: float
    """1 / metres"""


def is_indoors(geometry: Geometry, shares: dict[str, float]) -> bool:
    """Whether the camera stands in a room: things of rooms more than of streets, and it is not above all of them."""
    inside = sum(share for name, share in shares.items() if name in INDOOR)
    outside = sum(share for name, share in shares.items() if name in OUTDOOR)
    if inside <= outside or float(geometry.solid.mean()) < 0.6:
        return False
    height = geometry.points[2][geometry.coarse][geometry.solid[geometry.coarse]]
    return bool(geometry.eye[2] < np.quantile(height, 0.99) + 0.3)


def sun_direction(geometry: Geometry, mood: Mood, seed: int) -> np.ndarray:
    """Unit vector towards the sun: beside or behind the camera by day, ahead of it when it is low."""
    ahead = -geometry.rotation[:, 2].astype(np.float64)
    if np.hypot(ahead[0], ahead[1]) < 0.2:  # looking down: up in the picture is ahead
        ahead = geometry.rotation[:, 1].astype(np.float64)
    azimuth = float(np.arctan2(ahead[1], ahead[0]))
    chance, turn = (float(hash01(seed, salt)[0]) for salt in (21, 22))
    side = 1 if chance < 0.5 else -1
    off = np.radians(52 + 22 * turn) if mood.elevation < 20 else np.radians(104 + 34 * turn)
    angle, up = azimuth + side * off, np.radians(mood.elevation)
    return np.round([np.cos(angle) * np.cos(up), np.sin(angle) * np.cos(up), np.sin(up)], 5).astype(_F)


def arrange(geometry: Geometry, mood: Mood, shares: dict[str, float], names: tuple[str, ...], seed: int) -> Light:
    """Sets up the light for a picture. ``shares``: part of the picture by class name."""
    indoors = is_indoors(geometry, shares)
    sun = sun_direction(geometry, mood, seed)
    ambient = np.array(mood.ambient, _F)
    fog = _fog(geometry, mood)
    if indoors:
        level = _F(0.26 + 0.26 * min(float(ambient.mean()), 1.0))
        warm = np.array((1.0, 0.93, 0.84), _F)
        lamps = _lamps(geometry, mood, names, indoors)
        return Light(sun, np.zeros(3, _F), warm * level, warm * level * _F(0.72), lamps, True, 0.012 * mood.fog)
    bounce = ambient * _F(0.32) + np.array(mood.sun, _F) * np.array((0.070, 0.060, 0.045), _F)
    lamps = _lamps(geometry, mood, names, indoors) if mood.lights > 0.1 else ()
    return Light(sun, np.array(mood.sun, _F), ambient, bounce, lamps, False, fog)


def _fog(geometry: Geometry, mood: Mood) -> float:
    """Thicker in small scenes, so that near and far come apart, but never as thick as to hide what is close."""
    if not geometry.solid.any():
        return 0.0
    depth = geometry.depth[geometry.coarse][geometry.solid[geometry.coarse]]
    if not depth.size:
        return 0.0
    near, far = (float(np.round(np.quantile(depth, q), 3)) for q in (0.15, 0.985))
    return min(mood.fog, 7.0) * 0.24 * (1 - 0.8 * min(near / max(far, 1e-6), 1)) / max(far, 8.0)


def _lamps(geometry: Geometry, mood: Mood, names: tuple[str, ...], indoors: bool) -> tuple[Lamp, ...]:
    """Up to six: what is seen of windows and lamps, the largest first; a room always gets one behind the camera."""
    step = geometry.coarse
    classes, ids = geometry.maps.class_map[step].ravel(), geometry.ids[step].ravel()
    wanted = [index for index, name in enumerate(names) if name in SOURCES and (indoors or name != "windowpane")]
    pick = np.isin(classes, wanted) & geometry.solid[step].ravel()
    lamps = []
    if pick.any():
        points = geometry.points[(slice(None), *step)].reshape(3, -1)[:, pick]
        count = np.bincount(ids[pick], minlength=geometry.count)
        for at in np.argsort(-count, kind="stable")[:6]:
            if count[at]:
                own = ids[pick] == at
                kind = names[int(classes[pick][own][0])]
                lamps.append(_lamp(points[:, own], kind, mood, geometry))
    if indoors:
        lamps.append(_behind(geometry))
    return tuple(lamps)


def _lamp(points: np.ndarray, kind: str, mood: Mood, geometry: Geometry) -> Lamp:
    middle = np.round(points.mean(1, dtype=np.float64), 3).astype(_F)
    if kind == "windowpane":
        day = np.array(mood.horizon, _F) * _F(1.9) + np.array(mood.sun, _F) * _F(0.35)
        toward = geometry.eye - middle
        return Lamp(middle + toward * _F(0.25 / max(float(length(toward)), 0.3)), day, 3.2)
    if kind == "streetlight":
        middle[2] = points[2].max()
        return Lamp(middle - np.array((0, 0, 0.2), _F), np.array((1.25, 0.80, 0.38), _F) * _F(mood.lights), 3.0)
    on = max(mood.lights, 0.55)
    return Lamp(middle - np.array((0, 0, 0.15), _F), np.array((1.5, 1.05, 0.62), _F) * _F(on), 2.2)


def _behind(geometry: Geometry) -> Lamp:
    """A window that the camera has at its back: without one, rooms look flat."""
    right, up = geometry.rotation[:, 0], np.array((0, 0, 1), _F)
    back = geometry.rotation[:, 2]
    reach = float(np.round(np.median(geometry.depth[geometry.coarse]), 2))
    at = geometry.eye + (back * _F(0.10) + right * _F(0.55)) * _F(reach) + up * _F(0.5)
    return Lamp(at.astype(_F), np.array((0.95, 0.90, 0.80), _F), reach * 1.1)


def half(array: np.ndarray) -> np.ndarray:
    """Every second pixel of the last two axes."""
    return np.ascontiguousarray(array[..., ::2, ::2])


def contact(geometry: Geometry) -> np.ndarray:
    """float32, half size, 0 dark .. 1 open: how far what is near closes off the sky (two reaches, in the picture)."""
    points, normals = half(geometry.points), half(geometry.normals)
    pixel, solid = half(geometry.pixel) * 2, half(geometry.solid)
    closed = np.zeros(pixel.shape, _F)
    weights = _F(0)
    for ring, radius in enumerate((2, 5, 11, 23, 44)):
        if radius * 2 > min(pixel.shape):
            break
        for k in range(4):
            dx, dy = ((1, 0), (0, 1), (1, 1), (1, -1))[k] if ring % 2 == 0 else ((2, 1), (-1, 2), (1, -2), (2, -1))[k]
            size = radius / max(abs(dx), abs(dy))
            _look_aside(points, normals, pixel, solid, closed, round(dx * size), round(dy * size))
        weights += _F(2.6)
    if not weights:
        return np.ones(pixel.shape, _F)
    return _soften(np.clip(1 - closed / weights, 0.18, 1), half(geometry.ids))


def _look_aside(
    points: np.ndarray, normals: np.ndarray, pixel: np.ndarray, solid: np.ndarray, closed: np.ndarray, dx: int, dy: int
) -> None:
    """Adds to ``closed`` what the pixel at (dx, dy) and the one opposite take away from each other."""
    height, width = pixel.shape
    here = (slice(max(0, -dy), height - max(0, dy)), slice(max(0, -dx), width - max(0, dx)))
    there = (slice(max(0, dy), height + min(0, dy)), slice(max(0, dx), width + min(0, dx)))
    gap = points[:, there[0], there[1]] - points[:, here[0], here[1]]
    square = dot(gap, gap) + _F(1e-9)
    reach = _F(1.3) + 6 * pixel[here]
    weak = np.maximum(1 - square / (reach * reach), 0) / np.sqrt(square)
    weak *= solid[here] & solid[there]
    closed[here] += np.maximum(dot(gap, normals[:, here[0], here[1]]) * weak - _F(0.10), 0)
    closed[there] += np.maximum(-dot(gap, normals[:, there[0], there[1]]) * weak - _F(0.10), 0)


def shadow(geometry: Geometry, light: Light, steps: int = 32) -> np.ndarray:
    """float32, half size, 0 shade .. 1 lit: walks from each pixel towards the light through the depth."""
    points, normals = half(geometry.points), half(geometry.normals)
    shape = points.shape[1:]
    lit = np.ones(shape, _F)
    if light.indoors or float(light.sun_colour.max()) < 0.3 or geometry.maps.camera.type == "PANO":
        return lit
    facing = normals[0] * light.sun[0] + normals[1] * light.sun[1] + normals[2] * light.sun[2]
    todo = np.flatnonzero((half(geometry.solid) & (facing > 0)).ravel())
    if not todo.size:
        return lit
    start = points.reshape(3, -1)[:, todo] + normals.reshape(3, -1)[:, todo] * (
        half(geometry.pixel).ravel()[todo] * 2 + _F(0.02)
    )
    flat = lit.ravel()
    rows, columns = np.divmod(todo, shape[1])
    dither = _DITHER[rows % 4, columns % 4]
    flat[todo] = _walk(geometry, light, start, half(geometry.pixel).ravel()[todo], dither, steps)
    return _soften(lit, half(geometry.ids))


def _walk(
    geometry: Geometry, light: Light, start: np.ndarray, pixel: np.ndarray, dither: np.ndarray, steps: int
) -> np.ndarray:
    camera = geometry.maps.camera
    rotation = geometry.rotation
    base = list(turn(rotation.T, start - geometry.eye[:, None]))
    toward = [_F(sum(float(rotation[k, axis]) * float(light.sun[k]) for k in range(3))) for axis in range(3)]
    depth = half(np.where(geometry.solid, geometry.depth, _F(1e30)))
    rows, columns = depth.shape
    flat = depth.ravel()
    free = np.ones(pixel.shape, _F)
    first = np.maximum(pixel * 4, _F(0.06))
    growth = _F((18.0 / 0.06) ** (1 / steps))
    reach = first * (1 + (growth - 1) * dither)
    stride = reach * (growth - 1)
    for _ in range(steps):
        x, y, away, inside = _pixels_of(camera, base, toward, reach, geometry.metres, columns, rows)
        seen = flat[np.where(inside, y * columns + x, 0)]
        behind = away - seen
        thick = stride * _F(1.8) + _F(0.25) + reach * _F(0.12)
        free[inside & (behind > stride * _F(0.06)) & (behind < thick + _F(0.8))] = 0
        stride = reach * (growth - 1)
        reach = reach * growth
    return free


def _pixels_of(
    camera: Camera,
    base: list[np.ndarray],
    toward: list[np.float32],
    reach: np.ndarray,
    metres: float,
    columns: int,
    rows: int,
) -> tuple[np.ndarray, ...]:
    """(column, row, depth, is in the picture) at half size of the points ``base + toward * reach`` (camera space)."""
    p = camera.projection_matrix
    x, y, z = (base[k] + toward[k] * reach for k in range(3))
    away = -z
    ahead = away > 1e-3
    if camera.type == "ORTHO":
        ndc_x, ndc_y = x * _F(p[0, 0] / metres) + _F(p[0, 3]), y * _F(p[1, 1] / metres) + _F(p[1, 3])
    else:
        safe = np.where(ahead, away, 1)
        ndc_x, ndc_y = x * _F(p[0, 0]) / safe - _F(p[0, 2]), y * _F(p[1, 1]) / safe - _F(p[1, 2])
    column, row = (ndc_x + 1) * _F(columns / 2), (1 - ndc_y) * _F(rows / 2)
    inside = ahead & (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    return np.where(inside, column, 0).astype(np.int32), np.where(inside, row, 0).astype(np.int32), away, inside


def _soften(image: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Blurs over five pixels each way, but not from one instance into another: takes away the dither."""
    for axis in (0, 1):
        total, weight = image * _F(2), np.full(image.shape, _F(2))
        for shift, share in ((1, 2.0), (2, 1.0)):
            if shift >= image.shape[axis]:
                continue
            low, high = (slice(None, -shift), slice(shift, None))
            here, there = (
                ((low, slice(None)), (high, slice(None))) if axis == 0 else ((slice(None), low), (slice(None), high))
            )
            same = (ids[here] == ids[there]) * _F(share)
            total[here] += image[there] * same
            total[there] += image[here] * same
            weight[here] += same
            weight[there] += same
        image = total / weight
    return image


def enlarge(small: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Half size back to full; takes only neighbours of the same instance, so that nothing leaks over an edge."""
    ids = geometry.ids
    height, width = ids.shape
    small_ids = half(ids)
    rows, columns = np.arange(height), np.arange(width)
    total = np.zeros(ids.shape, _F)
    weight = np.zeros(ids.shape, _F)
    for dy in (0, 1):
        for dx in (0, 1):
            y = np.minimum(rows // 2 + dy * (rows % 2), small.shape[0] - 1)
            x = np.minimum(columns // 2 + dx * (columns % 2), small.shape[1] - 1)
            index = np.ix_(y, x)
            same = np.where(small_ids[index] == ids, _F(1), _F(0.01))
            total += same * small[index]
            weight += same
    return total / weight
