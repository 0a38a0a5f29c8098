"""Masks: boolean H×W, True = chosen, row 0 at the top; and what retouching does with them. numpy only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..protocol.errors import InvalidInput


def from_ids(instance_map: np.ndarray, ids: Iterable[int]) -> np.ndarray:
    """bool H×W: where the instance map has one of these ids (0 = background)."""
    wanted = np.unique(np.fromiter(ids, np.int64))
    table = np.zeros(int(instance_map.max(initial=0)) + 1, bool)
    table[wanted[(wanted >= 0) & (wanted < table.size)]] = True
    return table[instance_map]


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
    grown[window] = _within(mask[window], radius)
    return grown


def erode(mask: np.ndarray, radius: int) -> np.ndarray:
    """bool H×W: the pixels whose disc of ``radius`` pixels is all True; the border of the image does not eat into it.

    Raises InvalidInput for a negative radius.
    """
    if radius < 0:
        raise InvalidInput(f"A mask cannot shrink by {radius} pixels", "Give a radius of 0 or more")
    window = _window(mask, radius)
    left = np.zeros_like(mask)
    left[window] = ~_within(~mask[window], radius)
    return left


def feather(mask: np.ndarray, radius: int) -> np.ndarray:
    """float32 H×W, 0..1: the mask with an edge that runs softly over ``radius`` pixels to each side.

    Exactly 0 and 1 farther away than ``radius`` (in x or in y) from the edge. Three box blurs, close to a Gaussian.
    Raises InvalidInput for a negative radius.
    """
    if radius < 0:
        raise InvalidInput(f"A mask cannot be feathered by {radius} pixels", "Give a radius of 0 or more")
    window = _window(mask, radius)
    soft = mask[window].astype(np.float32)
    for part in _thirds(radius):
        soft = _box_blur(_box_blur(soft, part, 0), part, 1)
    result = np.zeros(mask.shape, np.float32)
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


def _window(mask: np.ndarray, radius: int) -> tuple[slice, slice]:
    """Rows and columns outside of which nothing can change: the mask's box and ``radius`` + 1 pixels around it."""
    x0, y0, x1, y1 = bbox(mask) or (0, 0, 0, 0)
    margin = radius + 1
    return slice(max(0, y0 - margin), y1 + margin), slice(max(0, x0 - margin), x1 + margin)


def _within(mask: np.ndarray, radius: int) -> np.ndarray:
    """Euclidean dilation: along rows a distance, along columns the half-width of the disc at each offset."""
    across = _row_distance(mask, radius)
    height = mask.shape[0]
    grown = across == 0
    for offset in range(0, min(radius, height - 1) + 1):
        reach = int(np.sqrt(radius * radius - offset * offset))
        near = across <= reach
        grown[offset:] |= near[: height - offset]
        grown[: height - offset] |= near[offset:]
    return grown


def _row_distance(mask: np.ndarray, limit: int) -> np.ndarray:
    """int32 H×W: pixels to the nearest True pixel of the same row, more than ``limit`` where there is none."""
    width = mask.shape[1]
    columns = np.arange(width, dtype=np.int32)
    far = np.int32(width + limit + 1)
    left = np.maximum.accumulate(np.where(mask, columns, -far), axis=1)
    right = np.minimum.accumulate(np.where(mask, columns, width + far)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(columns - left, right - columns)


def _thirds(radius: int) -> tuple[int, ...]:
    """The radius in three parts as even as whole numbers allow, without zeros."""
    return tuple(part for part in (radius // 3, (radius + 1) // 3, (radius + 2) // 3) if part)


def _box_blur(image: np.ndarray, radius: int, axis: int) -> np.ndarray:
    """float32 of the same shape: mean over 2·radius+1 pixels along an axis, edges repeated.

    Results are rounded to multiples of 1/2**20, so the running sums of the next pass are exact in float64 and flat
    areas stay exactly 0 and 1.
    """
    pad = [(0, 0), (0, 0)]
    pad[axis] = (radius + 1, radius)
    total = np.cumsum(np.pad(image, pad, mode="edge"), axis=axis, dtype=np.float64)
    size = 2 * radius + 1
    upper, lower = (total[size:], total[:-size]) if axis == 0 else (total[:, size:], total[:, :-size])
    mean = (upper - lower) / size
    return (np.rint(mean * 2**20) / 2**20).astype(np.float32)
