"""Noise without randomness at run time: integer hashes and tileable, mip-mapped noise tiles.

Only additions, products and square roots of IEEE floats reach the picture, so it is the same on every machine.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SIZE = 256
"""Texels along one side of a tile."""
_LEVELS = 9
_OFFSETS = np.array([sum((SIZE >> k) ** 2 for k in range(level)) for level in range(_LEVELS)], np.int32)
_MASK32 = 0xFFFFFFFF


def hash01(*keys: np.ndarray | int) -> np.ndarray:
    """float32 in [0, 1): a number that depends on all the integer keys (broadcast together)."""
    mixed = np.zeros(1, np.uint32)
    for key in keys:
        mixed = (mixed ^ _as_uint32(key)) * np.uint32(0x9E3779B1) + np.uint32(0x7F4A7C15)
        mixed ^= mixed >> np.uint32(15)
        mixed = mixed * np.uint32(0x2C1B3C6D)
        mixed ^= mixed >> np.uint32(12)
    mixed = mixed * np.uint32(0x297A2D39)
    mixed ^= mixed >> np.uint32(15)
    return (mixed >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def _as_uint32(key: np.ndarray | int) -> np.ndarray:
    if isinstance(key, np.ndarray):
        return key.astype(np.int64).astype(np.uint32) if key.dtype.kind == "f" else key.astype(np.uint32)
    return np.array([int(key) & _MASK32], np.uint32)


def sample(name: str, u: np.ndarray, v: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Bilinear look-up in the tile ``name`` at the mip level that fits the footprint.

    u, v, width: float32 of one shape, in tiles (1 = one repetition). Returns float32, about -1..1 with mean 0;
    fades to 0 as ``width`` reaches 1.
    """
    data = _tile(name)
    level = np.clip(np.frexp(width * np.float32(SIZE))[1], 0, _LEVELS - 1)
    side = np.right_shift(np.int32(SIZE), level)
    last = side - 1
    x, y = u * side, v * side
    floor_x, floor_y = np.floor(x), np.floor(y)
    x -= floor_x
    y -= floor_y
    left, top = floor_x.astype(np.int32), floor_y.astype(np.int32)
    right, bottom = (left + 1) & last, (top + 1) & last
    left &= last
    top &= last
    start = _OFFSETS[level]
    top *= side
    top += start
    bottom *= side
    bottom += start
    upper, lower = data[top + left], data[bottom + left]
    upper += (data[top + right] - upper) * x
    lower += (data[bottom + right] - lower) * x
    lower -= upper
    lower *= y
    upper += lower
    return upper


@lru_cache(maxsize=16)
def _tile(name: str) -> np.ndarray:
    """The tile and its mip levels, one behind the other: float32, flat, read-only."""
    image = _BUILDERS[name]().astype(np.float32)
    image -= image.mean(dtype=np.float64).astype(np.float32)
    image /= np.float32(np.round(2 * image.std(dtype=np.float64), 4))
    levels = [image]
    while levels[-1].shape[0] > 1:
        big = levels[-1]
        levels.append((big[::2, ::2] + big[1::2, ::2] + big[::2, 1::2] + big[1::2, 1::2]) * np.float32(0.25))
    flat = np.concatenate([level.ravel() for level in levels])
    flat.setflags(write=False)
    return flat


def _lattice(columns: int, rows: int, salt: int) -> np.ndarray:
    """Smooth periodic value noise with that many cells across the tile; SIZE×SIZE, 0..1."""
    values = hash01(np.arange(columns)[None, :], np.arange(rows)[:, None], salt)
    return _stretch(_stretch(values, columns, 1), rows, 0)


def _stretch(values: np.ndarray, cells: int, axis: int) -> np.ndarray:
    position = (np.arange(SIZE, dtype=np.float32) + np.float32(0.5)) * np.float32(cells / SIZE)
    first = np.floor(position)
    t = position - first
    t = t * t * (3 - 2 * t)
    t = t[None, :] if axis else t[:, None]
    index = first.astype(np.int64)
    low, high = np.take(values, index % cells, axis=axis), np.take(values, (index + 1) % cells, axis=axis)
    return low + (high - low) * t


def _octaves(columns: int, rows: int, count: int, gain: float, salt: int) -> np.ndarray:
    total = np.zeros((SIZE, SIZE), np.float32)
    weight = np.float32(1.0)
    for k in range(count):
        total += weight * _lattice(min(columns << k, SIZE), min(rows << k, SIZE), salt + k)
        weight *= np.float32(gain)
    return total


def _voronoi(cells: int, salt: int) -> tuple[np.ndarray, np.ndarray]:
    """(distance to the nearest point in cells, a random value of that point), SIZE×SIZE each, periodic."""
    grid = np.arange(cells)
    jitter_x = hash01(grid[None, :], grid[:, None], salt)
    jitter_y = hash01(grid[None, :], grid[:, None], salt + 1)
    shade = hash01(grid[None, :], grid[:, None], salt + 2)
    position = (np.arange(SIZE, dtype=np.float32) + np.float32(0.5)) * np.float32(cells / SIZE)
    x, y = np.meshgrid(position, position)
    cell_x, cell_y = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    best = np.full((SIZE, SIZE), np.float32(9))
    value = np.zeros((SIZE, SIZE), np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            column, row = (cell_x + dx) % cells, (cell_y + dy) % cells
            gap_x = (cell_x + dx) + jitter_x[row, column] - x
            gap_y = (cell_y + dy) + jitter_y[row, column] - y
            distance = (gap_x * gap_x + gap_y * gap_y).astype(np.float32)
            nearer = distance < best
            best = np.where(nearer, distance, best)
            value = np.where(nearer, shade[row, column], value)
    return np.sqrt(best), value


def _leaves() -> np.ndarray:
    """Dabs of leaves in two sizes, each dab lighter towards its middle."""
    big_distance, big = _voronoi(14, 31)
    small_distance, small = _voronoi(34, 37)
    return big * 0.55 - big_distance * 0.45 + small * 0.75 - small_distance * 0.5


def _pebbles() -> np.ndarray:
    distance, shade = _voronoi(24, 41)
    return shade * 0.7 - distance


def _blades() -> np.ndarray:
    """Short upright strokes on soft tufts."""
    return _octaves(64, 14, 3, 0.8, 51) + 0.8 * _octaves(8, 5, 2, 0.6, 57)


_BUILDERS = {
    "soft": lambda: _octaves(4, 4, 6, 0.55, 1),
    "fine": lambda: _octaves(32, 32, 4, 0.75, 11),
    "grain": lambda: _octaves(16, 2, 4, 0.7, 21),
    "leaves": _leaves,
    "pebbles": _pebbles,
    "blades": _blades,
}
