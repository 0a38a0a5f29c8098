"""How much of each pixel each instance covers: soft edges, as depth of field, motion blur and hair make them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..protocol.errors import InvalidInput

RANKS = 6
"""Instances a pixel that are kept, those that cover most; Cryptomatte's usual number."""
_CHUNK = 1 << 21
"""Samples that are compared at once: 8 MB of ids."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """Up to R things a pixel, those that cover most first. Arrays are to be treated as read-only."""

    ids: np.ndarray
    """uint32 H×W×R; value in ``SceneMaps.instance_map`` (0 = background); 0 also where a rank is unused"""
    weights: np.ndarray
    """float32 H×W×R, 0..1, falling; they add up to 1 where a pixel shows at most R things, else to less"""
    samples: int = 1
    """a pixel"""

    def matte(self, *ids: int) -> np.ndarray:
        """float32 H×W, 0..1: how much of each pixel these instances cover together (0: the background)."""
        chosen = np.isin(self.ids, np.array(ids, np.uint32))
        return np.minimum(np.where(chosen, self.weights, 0).sum(axis=-1, dtype=np.float32), np.float32(1))


def sharp(instance_map: np.ndarray) -> Coverage:
    """The coverage of maps that were made without one: each pixel shows one thing."""
    return Coverage(instance_map[..., None], np.ones((*instance_map.shape, 1), np.float32))


def grouped(coverage: Coverage, table: np.ndarray) -> Coverage:
    """Coverage of groups: ids become ``table[id]`` (uint32), what falls together adds up."""
    ids, weights = table[coverage.ids].astype(np.uint32, copy=False), coverage.weights
    if weights.shape[-1] == 1:
        return Coverage(ids, weights, coverage.samples)
    mixed = weights[..., 1] > 0
    ids, weights = ids.copy(), weights.copy()
    ids[mixed], weights[mixed] = _merged(ids[mixed], weights[mixed])
    ids[~mixed, 1:] = 0
    return Coverage(ids, weights, coverage.samples)


def _merged(ids: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """N×R: what has one id in a row adds up in its first place, the heaviest first."""
    changed = np.zeros(len(ids), bool)
    for later in range(1, ids.shape[1]):
        for earlier in range(later):
            same = np.flatnonzero((ids[:, earlier] == ids[:, later]) & (weights[:, later] > 0))
            weights[same, earlier] += weights[same, later]
            weights[same, later] = 0
            changed[same] = True
    ids[weights == 0] = 0
    order = np.argsort(-weights[changed], axis=1, kind="stable")
    for array in (ids, weights):
        array[changed] = np.take_along_axis(array[changed], order, axis=1)
    return ids, weights


def gather(fine: np.ndarray, factor: int, kernel: np.ndarray) -> Coverage:
    """Coverage of pixels out of a picture ``factor`` times as large, each of whose pixels is one sample.

    Args:
        fine: uint32 (factor·H)×(factor·W), an id a sample.
        factor: samples along each side of a pixel.
        kernel: float32 M; the pixel filter along one axis at the samples around a pixel's middle; adds up to 1,
            M - factor is even. See ``pixel_filter``.
    """
    height, width = (side // factor for side in fine.shape)
    if fine.shape != (height * factor, width * factor) or (len(kernel) - factor) % 2:
        raise InvalidInput(f"Samples of {fine.shape} do not fit {factor}² a pixel", "Give a multiple of it")
    margin = (len(kernel) - factor) // 2
    if margin < 0:
        raise InvalidInput(f"A filter of {len(kernel)} samples leaves some of {factor} out", "Give a wider one")
    ids = np.zeros((height, width, RANKS), np.uint32)
    weights = np.zeros((height, width, RANKS), np.float32)
    ids[..., 0], weights[..., 0] = fine[factor // 2 :: factor, factor // 2 :: factor], 1
    padded = np.pad(fine, margin, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (len(kernel), len(kernel)))[::factor, ::factor]
    y, x = np.nonzero(_mixed(fine, factor, -(-margin // factor)))
    shape = np.outer(kernel, kernel).astype(np.float32).ravel()
    step = max(_CHUNK // shape.size, 1)
    for start in range(0, len(y), step):
        rows, columns = y[start : start + step], x[start : start + step]
        some = windows[rows, columns].reshape(len(rows), -1)
        ids[rows, columns], weights[rows, columns] = _ranked(some, shape)
    used = max(int((weights > 0).any(axis=(0, 1)).sum()), 1)
    return Coverage(np.ascontiguousarray(ids[..., :used]), np.ascontiguousarray(weights[..., :used]), factor**2)


def pixel_filter(kind: str, width: float, factor: int) -> np.ndarray:
    """A render's pixel filter at the middles of samples, along one axis: float32 M, adds up to 1.

    Args:
        kind: "BOX", "GAUSSIAN" or "BLACKMAN_HARRIS", as Cycles defines them (intern/cycles/scene/film.cpp).
        width: Cycles' filter width, pixels; a box is one pixel wide whatever it says.
        factor: samples a pixel.
    """
    reach = {"BOX": 0.5, "GAUSSIAN": 1.5 * width, "BLACKMAN_HARRIS": width}.get(kind)
    if reach is None:
        raise InvalidInput(f"Unknown pixel filter {kind!r}", "Choose BOX, GAUSSIAN or BLACKMAN_HARRIS")
    extra = max(int(np.floor((reach - 0.5) * factor)), 0)
    at = (np.arange(-extra, factor + extra) + 0.5) / factor - 0.5
    values = np.ones_like(at)
    if kind == "GAUSSIAN":
        values = np.exp(-2 * (2 * at / max(width, 1e-6)) ** 2)
    elif kind == "BLACKMAN_HARRIS":
        turn = 2 * np.pi * (at / (2 * max(width, 1e-6)) + 0.5)
        values = 0.35875 - 0.48829 * np.cos(turn) + 0.14128 * np.cos(2 * turn) - 0.01168 * np.cos(3 * turn)
        values[np.abs(at) > max(reach, 0.5 / factor)] = 0
    while extra and values[0] < 0.01 * values.max():  # what weighs nothing costs time
        values, extra = values[1:-1], extra - 1
    return (values / values.sum()).astype(np.float32)


def _mixed(fine: np.ndarray, factor: int, reach: int) -> np.ndarray:
    """bool H×W: whether a pixel or one of its neighbours up to ``reach`` shows more than one thing."""
    height, width = (side // factor for side in fine.shape)
    blocks = fine.reshape(height, factor, width, factor)
    low, high = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    return _spread(low, np.minimum, reach) != _spread(high, np.maximum, reach)


def _spread(values: np.ndarray, choose: np.ufunc, reach: int) -> np.ndarray:
    """The least or greatest value within ``reach`` pixels, along both axes."""
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if each == axis else (0, 0) for each in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis)
        values = choose.reduce(windows, axis=-1)
    return values


def _ranked(samples: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(ids uint32 N×RANKS, weights float32 N×RANKS) of N pixels with S samples each.

    One thing after the other is taken out of all pixels: most pixels hold two, and sorting would cost more.
    """
    count = len(samples)
    open_rows, left = np.arange(count), np.broadcast_to(shape, samples.shape).copy()
    pixels, ids, weights = [], [], []
    while len(open_rows):
        first = np.argmax(left, axis=1)
        one = samples[np.arange(len(samples)), first]
        same = samples == one[:, None]
        part = np.where(same, left, 0)
        pixels.append(open_rows)
        ids.append(one)
        weights.append(part.sum(axis=1))
        left -= part
        more = left.any(axis=1)
        open_rows, samples, left = open_rows[more], samples[more], left[more]
    return _table(count, np.concatenate(pixels), np.concatenate(ids), np.concatenate(weights))


def _table(count: int, pixels: np.ndarray, ids: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entries (pixel, id, weight) as rows of ``RANKS``, the heaviest first; ties by id."""
    order = np.lexsort((ids, -weights, pixels))
    pixels, ids, weights = pixels[order], ids[order], weights[order]
    starts = np.searchsorted(pixels, np.arange(count))
    rank = np.arange(len(pixels)) - starts[pixels]
    keep = rank < RANKS
    table_ids, table_weights = np.zeros((count, RANKS), np.uint32), np.zeros((count, RANKS), np.float32)
    table_ids[pixels[keep], rank[keep]] = ids[keep]
    table_weights[pixels[keep], rank[keep]] = weights[keep]
    return table_ids, table_weights
