"""Texels whose bilinear lookup gives known colours back at known places. numpy only.

A picture's pixels mark where its colours are exact. Texels that are merely looked up in it cut off what happens between
two of them, most at those very pixels; so they are moved, no further than needed, until a renderer that filters the
texture finds the pixels there again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROUNDS = 16
"""Rounds of conjugate gradients at most: where texels are scarce, more would fit noise."""
_ENOUGH = 1e-3
"""What may remain of the first slope."""
_DARK = 0.02
"""Scene-linear; errors in light that is darker count as if it were that bright."""
_BY_EYE = 1 / 2.2 - 1
"""How the slope of a display's curve falls with the light: errors count as they are seen."""


@dataclass(frozen=True, eq=False)
class Taps:
    """The four texels that a bilinear lookup mixes, for N places."""

    at: np.ndarray
    """int64 N×4: row · width + column"""
    weight: np.ndarray
    """float32 N×4, 0..1, together 1"""


def taps(place: np.ndarray, width: int, height: int) -> Taps:
    """What lookups at ``place`` (float N×2, in texels of that image, centres at .5, y downwards) mix."""
    base = np.floor(place - 0.5).astype(np.int64)
    x, y = (place - 0.5 - base).astype(np.float32).T
    columns = [(base[:, 0] + step).clip(0, width - 1) for step in (0, 1)]
    rows = [(base[:, 1] + step).clip(0, height - 1) for step in (0, 1)]
    at = np.stack([row * width + column for row in rows for column in columns], axis=-1)
    weight = np.stack([down * right for down in (1 - y, y) for right in (1 - x, x)], axis=-1)
    return Taps(at, weight)


def fitted(light: np.ndarray, lookups: Taps, wanted: np.ndarray) -> np.ndarray:
    """``light`` with those texels changed that ``lookups`` mix, so that each comes as near as can be to what it wants.

    The smallest change that does it, by conjugate gradients on the normal equations (Hestenes and Stiefel 1952).

    Args:
        light: float32 T×C, scene-linear, >= 0, of all texels.
        wanted: float32 N×C, scene-linear: what each lookup should give.
    """
    if not len(wanted):
        return light
    used, own = np.unique(lookups.at, return_inverse=True)
    system = _System(own.reshape(-1, 4), lookups.weight, len(used))
    gain = (wanted + np.float32(_DARK)) ** np.float32(_BY_EYE)
    values = light[used]
    left = (wanted - system.forward(values)) * gain
    way = slope = system.back(left * gain)
    steep = first = float(np.vdot(slope, slope))
    for _ in range(_ROUNDS):
        if steep <= first * _ENOUGH**2:
            break
        seen = system.forward(way) * gain
        step = np.float32(steep / float(np.vdot(seen, seen)))
        values, left = values + step * way, left - step * seen
        slope = system.back(left * gain)
        before, steep = steep, float(np.vdot(slope, slope))
        way = slope + np.float32(steep / before) * way
    result = light.copy()
    result[used] = np.maximum(values, 0)
    return result


@dataclass(frozen=True, eq=False)
class _System:
    """The lookups as a matrix from texels to places."""

    at: np.ndarray
    weight: np.ndarray
    count: int

    def forward(self, texels: np.ndarray) -> np.ndarray:
        """float32 N×C: what the lookups give."""
        return np.einsum("nt,ntc->nc", self.weight, texels[self.at])

    def back(self, places: np.ndarray) -> np.ndarray:
        """float32 T×C: the transposed matrix."""
        at, weight = self.at.ravel(), self.weight.ravel()
        spread = np.repeat(places, 4, axis=0) * weight[:, None]
        return np.stack([np.bincount(at, one, self.count) for one in spread.T], axis=-1).astype(np.float32)
