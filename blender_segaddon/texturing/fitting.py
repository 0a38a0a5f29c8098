"""Where the pixels of pictures lie on a texture, and a texture that gives them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import texel_fitting, texels
from ..core.maps import Instance
from .blending import blended
from .carrying import Lookup, Points
from .projector import GAMMA
from .sheets import Triangles

_NEAR = 1.5
"""Texels from the nearest one, at most: further off, the pixel shows another part of the surface."""
_OFF = 0.5
"""Texels off the plane of that texel's triangle, at most."""


@dataclass(frozen=True, eq=False)
class Surface:
    """What was found out about one object's texels."""

    triangles: Triangles
    size: tuple[int, int]
    """width, height of the texture"""
    found: texels.Texels
    position: np.ndarray
    """float64 N×3: where each texel is, world space"""
    thing: Instance


def fitted(light: np.ndarray, surface: Surface, lookups: Sequence[tuple[Lookup, bool]], seen: np.ndarray) -> np.ndarray:
    """A texture from which a renderer gets the colours of the pictures' pixels back, at their own centres.

    Args:
        light: float32 H×W×3, scene-linear, row 0 at the top: what the views show at the texels.
        lookups: as ``blended`` takes them.
        seen: bool, of each texel in ``surface``.
    """
    parts = [_pixels(surface, lookup, np.flatnonzero(seen)) for lookup, _ in lookups]
    place, position = (np.concatenate(list(several)) for several in zip(*parts, strict=True))
    own = np.zeros(len(place), np.int64)
    shown = blended(lookups, Points(position, own, [surface.thing]))
    taps = texel_fitting.taps(place[shown.seen], *surface.size)
    wanted = shown.colour[shown.seen] ** np.float32(GAMMA)
    return texel_fitting.fitted(light.reshape(-1, 3), taps, wanted).reshape(light.shape)


def _pixels(surface: Surface, lookup: Lookup, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(float64 N×2: where pixels of a view lie on the texture, in texels; float64 N×3: the same in world space)."""
    pixel, position = lookup.pixels_of(surface.thing)
    nearest = _nearest(surface, lookup, seen, pixel, position)
    pixel, position, nearest = pixel[nearest >= 0], position[nearest >= 0], nearest[nearest >= 0]
    triangle = surface.found.triangle[nearest]
    place, off = surface.triangles.unfolded(position, triangle, surface.size)
    away = np.abs(place - surface.found.place[nearest]).max(axis=-1, initial=0)
    sure = (away <= _NEAR) & (off <= _OFF)
    return place[sure], position[sure]


def _nearest(surface: Surface, lookup: Lookup, seen: np.ndarray, pixel: np.ndarray, position: np.ndarray) -> np.ndarray:
    """int64 N: of each pixel the texel (index in ``surface``) that is nearest to what it shows, among those that fall
    on it, else what its neighbours have; -1 for none."""
    left, top, right, bottom = lookup.box_of(surface.thing)
    size = (bottom - top) * (right - left)
    number = np.full(size + 1, -1, np.int64)  # the last stands for outside
    number[pixel] = np.arange(len(pixel))
    own = number[lookup.fall_on(surface.thing, surface.position[seen])]
    seen, own = seen[own >= 0], own[own >= 0]
    distance = np.square(surface.position[seen] - position[own]).sum(axis=-1)
    least = np.full(len(pixel), np.inf)
    np.minimum.at(least, own, distance)
    best = distance == least[own]
    texel = np.full(size, -1, np.int64)
    texel[pixel[own[best]]] = seen[best]
    around = texels.with_margin((texel >= 0).reshape(bottom - top, right - left), 2).reshape(-1)[pixel]
    return np.where(around >= 0, texel[around], -1)
