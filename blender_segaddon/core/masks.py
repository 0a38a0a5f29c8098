"""Masks: boolean H×W, True = chosen, row 0 at the top; and what retouching does with them. numpy only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..protocol.errors import InvalidInput
from . import discs

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


def from_classes(class_map: np.ndarray, classes: Iterable[int]) -> np.ndarray:
    """bool H×W: where the class map has one of these class ids."""
    return from_ids(class_map, classes)


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
