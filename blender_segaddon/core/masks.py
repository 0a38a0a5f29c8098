"""Masks: boolean H×W, True = chosen, row 0 at the top; and what retouching does with them. numpy only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

from ..protocol.errors import InvalidInput
from . import discs

_BLOCKS = 8
"""Below this radius a soft edge is drawn pixel by pixel; the blocks of larger ones are an eighth of the radius."""
_COMBINE = {
    "add": np.logical_or,
    "subtract": np.greater,  # of booleans: the one and not the other
    "intersect": np.logical_and,
}


def from_ids(instance_map: np.ndarray, ids: Iterable[int]) -> np.ndarray:
    """bool H×W: where the instance map has one of these ids (0 = background)."""
    wanted = np.unique(np.fromiter(ids, np.int64))
    table = np.zeros(int(instance_map.max(initial=0)) + 1, bool)
    table[wanted[(wanted >= 0) & (wanted < table.size)]] = True
    return table[instance_map]


def from_alpha(image: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """bool H×W: where the picture's alpha is at least ``threshold`` (0..1 of its range).

    Args:
        image: H×W×4; uint8, or float in 0..1.
    Raises InvalidInput for a picture without alpha.
    """
    if image.ndim != 3 or image.shape[2] != 4:
        raise InvalidInput(f"A picture of shape {image.shape} has no alpha", "Give H×W×4 values")
    return image[..., 3] >= threshold * (255 if image.dtype == np.uint8 else 1)


def combine(masks: Iterable[np.ndarray], how: str = "add") -> np.ndarray:
    """bool H×W out of several masks of one size, from the first to the last.

    Args:
        how: "add" (any of them), "subtract" (the first without the others), "intersect" (all of them).

    Raises:
        InvalidInput: no mask, masks of different sizes or types, or another ``how``.
    """
    given = [_checked(one) for one in masks]
    if not given:
        raise InvalidInput("There is no mask to combine", "Give at least one")
    first, *others = given
    if how not in _COMBINE:
        raise InvalidInput(f"Masks cannot be combined by {how!r}", f"Choose one of: {', '.join(_COMBINE)}")
    result = first.copy()
    for one in others:
        if one.shape != first.shape:
            raise InvalidInput(f"Masks of {first.shape} and {one.shape} do not fit", "Give masks of one size")
        _COMBINE[how](result, one, out=result)
    return result


def invert(mask: np.ndarray) -> np.ndarray:
    """bool H×W: what was not chosen."""
    return ~_checked(mask)


def bbox(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """(x0, y0, x1, y1) around the True pixels, x1 and y1 exclusive; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def dilate(mask: np.ndarray, radius: int) -> np.ndarray:
    """bool H×W: every pixel within ``radius`` pixels (Euclidean, 0 = as it is) of a True one.

    Raises InvalidInput for a negative radius.
    """
    if radius < 0:
        raise InvalidInput(f"A mask cannot grow by {radius} pixels", "Give a radius of 0 or more")
    window = _window(mask, radius)
    grown = np.zeros_like(mask)
    grown[window] = discs.grown(mask[window], radius)
    return grown


def erode(mask: np.ndarray, radius: int) -> np.ndarray:
    """bool H×W: the pixels whose disc of ``radius`` pixels is all True; the border of the image does not eat into it.

    Raises InvalidInput for a negative radius.
    """
    if radius < 0:
        raise InvalidInput(f"A mask cannot shrink by {radius} pixels", "Give a radius of 0 or more")
    window = _window(mask, radius)
    left = np.zeros_like(mask)
    left[window] = ~discs.grown(~mask[window], radius)
    return left


def feather(mask: np.ndarray, radius: int) -> np.ndarray:
    """float32 H×W, 0..1: the mask with an edge that runs softly over ``radius`` pixels to each side.

    Exactly 0 and 1 farther away than ``radius`` (in x or in y) from the edge. Three box blurs, close to a Gaussian, of
    whole numbers; from a radius of 8 on of blocks of radius/8 pixels (2 at least), enlarged linearly: against those of
    single pixels the edge is steeper, values differ by 0.14 at most. Raises InvalidInput for a negative radius.
    """
    if radius < 0:
        raise InvalidInput(f"A mask cannot be feathered by {radius} pixels", "Give a radius of 0 or more")
    window = _window(mask, radius)
    result = np.zeros(mask.shape, np.float32)
    inside = mask[window]
    if inside.size:
        block = 1 if radius < _BLOCKS else max(2, radius // _BLOCKS)
        soft = _blurred(_block_sums(inside, block), _reach(radius, block), block * block)
        for axis in (1, 0):
            soft = _enlarged(soft, block, inside.shape[axis], axis)
        result[window] = soft
    return result


def composite(original: np.ndarray, painted: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The painted picture over the original; where alpha is 0 the original remains bit for bit.

    Args:
        original, painted: H×W×C of one shape and dtype, uint8 or float.
        alpha: bool H×W, or float H×W in 0..1.
    Raises InvalidInput where the shapes or dtypes differ.
    """
    if original.shape != painted.shape or original.dtype != painted.dtype or original.shape[:2] != alpha.shape:
        raise InvalidInput(
            f"Pictures of {original.shape} {original.dtype} and {painted.shape} {painted.dtype} "
            f"and a mask of {alpha.shape} do not fit together",
            "Give pictures and mask of the same size and type",
        )
    result = original.copy()
    full = alpha if alpha.dtype == bool else alpha >= 1
    result[full] = painted[full]
    if alpha.dtype != bool:
        edge = (alpha > 0) & ~full
        weight = alpha[edge].astype(np.float32)[:, None]
        mixed = original[edge] * (1 - weight) + painted[edge] * weight
        result[edge] = np.rint(mixed) if original.dtype.kind in "ui" else mixed
    return result


def _checked(mask: np.ndarray) -> np.ndarray:
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise InvalidInput(f"A mask is boolean H×W, not {mask.dtype} {mask.shape}", "Compare it with a threshold first")
    return mask


def _window(mask: np.ndarray, radius: int) -> tuple[slice, slice]:
    """Rows and columns outside of which nothing can change: the mask's box and ``radius`` + 1 pixels around it."""
    x0, y0, x1, y1 = bbox(mask) or (0, 0, 0, 0)
    margin = radius + 1
    return slice(max(0, y0 - margin), y1 + margin), slice(max(0, x0 - margin), x1 + margin)


def _thirds(radius: int) -> tuple[int, ...]:
    """The radius in three parts as even as whole numbers allow, without zeros."""
    return tuple(part for part in (radius // 3, (radius + 1) // 3, (radius + 2) // 3) if part)


def _reach(radius: int, block: int) -> int:
    """Blocks that a blur may reach, so that enlarged it changes nothing farther away than ``radius`` pixels."""
    return radius if block == 1 else int((radius + 1 - block / 2) / block - 1)


def _block_sums(mask: np.ndarray, block: int) -> np.ndarray:
    """Sums of block×block pixels, the last ones filled up with the border; uint8 of single pixels, else uint32."""
    if block == 1:
        return mask.view(np.uint8)
    padded = np.pad(mask.view(np.uint8), [(0, -size % block) for size in mask.shape], mode="edge")
    rows = reduce(np.add, (padded[k::block].astype(np.uint32) for k in range(block)))
    return reduce(np.add, (rows[:, k::block] for k in range(block)))


def _blurred(sums: np.ndarray, reach: int, most: int) -> np.ndarray:
    """float32 H×W, 0..1: three box blurs that reach ``reach`` values in all, of whole numbers 0..``most``."""
    values = np.pad(sums, reach, mode="edge")
    for part in _thirds(reach):
        for _axis in (0, 1):
            most *= 2 * part + 1
            kind = next(one for one in (np.uint8, np.uint16, np.uint32, np.uint64) if most <= np.iinfo(one).max)
            values = _window_sums(values.astype(kind, copy=False), 2 * part + 1).T
    soft = values.astype(np.float32)
    soft /= np.float32(most)
    return soft


def _window_sums(values: np.ndarray, taps: int) -> np.ndarray:
    """Of all ``taps`` rows that follow each other: by sums of 1, 2, 4, … rows."""
    count = len(values) - taps + 1
    total, at, width, part = None, 0, 1, values
    while True:
        if taps & width:
            piece = part[at : at + count]
            total = piece if total is None else total + piece
            at += width
        if 2 * width > taps:
            return values if total is None else total
        part = part[:-width] + part[width:]
        width *= 2


def _enlarged(values: np.ndarray, times: int, size: int, axis: int) -> np.ndarray:
    """``times`` as long along an axis by linear interpolation between the blocks' middles, cut to ``size``."""
    if times == 1:
        return values
    rows = values if axis == 0 else values.T
    before, after = np.concatenate([rows[:1], rows]), np.concatenate([rows, rows[-1:]])
    step = after - before
    shape = (len(rows) * times, rows.shape[1])
    result = np.empty(shape, np.float32) if axis == 0 else np.empty(shape[::-1], np.float32).T
    for k in range(times):
        share = (k + 0.5) / times + 0.5  # from the middle of the block before
        part = slice(int(share), int(share) + len(rows))
        np.multiply(step[part], np.float32(share % 1), out=result[k::times])
        result[k::times] += before[part]
    return (result if axis == 0 else result.T)[tuple(slice(size if one == axis else None) for one in (0, 1))]
