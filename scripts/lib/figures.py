"""Figures that the report states about pictures."""

from __future__ import annotations

import math

import numpy as np

from blender_segaddon.protocol.errors import InvalidInput

IDENTICAL = 120.0
"""dB that stand for "every pixel the same", since JSON has no infinity."""


def psnr(a: np.ndarray, b: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 pictures of one shape; inf where they are equal.

    Args:
        mask: bool H×W; only its pixels count.

    Raises:
        InvalidInput: other types or shapes, or a mask without a pixel.
    """
    if a.dtype != np.uint8 or b.dtype != np.uint8 or a.shape != b.shape:
        raise InvalidInput(
            f"Pictures differ in kind: {a.shape} {a.dtype} and {b.shape} {b.dtype}", "Give uint8, one shape"
        )
    if mask is not None:
        if mask.dtype != bool or mask.shape != a.shape[:2]:
            raise InvalidInput(f"A mask of {mask.shape} {mask.dtype} does not fit", f"Give bool {a.shape[:2]}")
        a, b = a[mask], b[mask]
    if not a.size:
        raise InvalidInput("There is no pixel to compare", "Give a mask that is not empty")
    error = np.mean(np.square(a.astype(np.float64) - b))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def reported_psnr(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float | None:
    """As ``psnr``, for JSON: ``IDENTICAL`` at most, two decimals; None where the mask has no pixel."""
    return round(min(psnr(a, b, mask), IDENTICAL), 2) if mask.any() else None
