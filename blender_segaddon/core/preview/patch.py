"""The pixels of one material, as the recipes see them, and the small tools that recipes are written with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import sky
from .colour import Rgb, rgb
from .geometry import dot
from .mood import Mood
from .noise import hash01, sample
from .words import Wish

_F = np.float32


@dataclass(frozen=True, eq=False)
class Look:
    """What a recipe says of its pixels, before light."""

    albedo: np.ndarray
    """float32 3×N, scene-linear"""
    gloss: np.ndarray | float = 0.0
    """0 matte .. 1 mirror"""
    emission: np.ndarray | None = None
    """float32 3×N, scene-linear light"""
    metal: bool = False
    """reflections take the colour of the albedo"""
    soft: float = 0.0
    """0 hard shading .. 1 light passes through (leaves, thin cloth)"""


@dataclass(frozen=True, eq=False)
class Patch:
    """N pixels of one recipe. Per-pixel arrays are float32 (N), lengths in metres."""

    points: np.ndarray
    """3×N, world space"""
    normals: np.ndarray
    """3×N, unit, world space"""
    view: np.ndarray
    """3×N, unit, towards the camera"""
    pixel: np.ndarray
    """width of a pixel on a surface that faces the camera"""
    keys: np.ndarray
    """3×N: three numbers in 0..1, the same for all pixels of an instance"""
    colour: np.ndarray
    """3×N: the colour of the instance, with its own variation"""
    yaw: np.ndarray
    """N×2: cosine and sine of the walls' direction"""
    extent: np.ndarray
    """N×6: see ``Geometry.extent``"""
    mood: Mood
    sun: np.ndarray
    """3: unit, towards the sun"""
    seed: int
    indoors: bool
    wishes: dict[str, Wish]
    plain: bool = False
    """the scene has windows of its own: facades get none painted on"""

    @cached_property
    def _frame(self) -> tuple[np.ndarray, ...]:
        """(along, across, u, v, footprints of u and v, upright, facing along) on the plane nearest to the surface."""
        cos, sin = self.yaw[:, 0], self.yaw[:, 1]
        x, y, z = self.points
        along, across = x * cos + y * sin, y * cos - x * sin
        n_along, n_across = (
            self.normals[0] * cos + self.normals[1] * sin,
            self.normals[1] * cos - self.normals[0] * sin,
        )
        v_along, v_across = (self.view[0] * cos + self.view[1] * sin, self.view[1] * cos - self.view[0] * sin)
        upright = np.abs(self.normals[2]) < 0.72
        side = np.abs(n_along) > np.abs(n_across)
        u = np.where(upright & side, across, along)
        v = np.where(upright, z, across)
        view_u = np.where(upright & side, v_across, v_along)
        view_v = np.where(upright, self.view[2], v_across)
        grazing = _F(1) / np.maximum(self.facing, _F(0.03)) ** 2
        width_u = self.pixel * np.sqrt(1 + view_u * view_u * grazing)
        width_v = self.pixel * np.sqrt(1 + view_v * view_v * grazing)
        return along, across, u, v, width_u, width_v, upright, side

    @property
    def along(self) -> np.ndarray:
        """level, along the instance's walls"""
        return self._frame[0]

    @property
    def across(self) -> np.ndarray:
        """level, across the instance's walls"""
        return self._frame[1]

    @property
    def count(self) -> int:
        return self.pixel.size

    @property
    def u(self) -> np.ndarray:
        """across the picture on walls, along the yaw on the ground"""
        return self._frame[2]

    @property
    def v(self) -> np.ndarray:
        """up on walls"""
        return self._frame[3]

    @property
    def width_u(self) -> np.ndarray:
        return self._frame[4]

    @property
    def width_v(self) -> np.ndarray:
        return self._frame[5]

    @property
    def upright(self) -> np.ndarray:
        """bool: nearer to a wall than to a floor"""
        return self._frame[6]

    @cached_property
    def facing(self) -> np.ndarray:
        """cosine between surface and view, 0..1"""
        return np.clip(np.abs(dot(self.normals, self.view)), 0, 1)

    @cached_property
    def width(self) -> np.ndarray:
        """one footprint for both directions: between the two, so that the ground keeps detail without crawling"""
        return np.sqrt(self.width_u * self.width_v)

    @property
    def height(self) -> np.ndarray:
        """above the lowest visible point of the instance"""
        return self.points[2] - self.extent[:, 4]

    @property
    def tall(self) -> np.ndarray:
        return np.maximum(self.extent[:, 5] - self.extent[:, 4], _F(1e-3))

    @cached_property
    def run(self) -> tuple[np.ndarray, np.ndarray]:
        """(distance from the wall's visible left end, visible length of the wall; never 0)"""
        side = self._frame[7]
        low = np.where(side, self.extent[:, 2], self.extent[:, 0])
        high = np.where(side, self.extent[:, 3], self.extent[:, 1])
        return self.u - low, np.maximum(high - low, _F(1e-3))

    def noise(self, name: str, size: float, stretch: float = 1.0, salt: int = 0) -> np.ndarray:
        """A tile of that name, ``size`` metres wide (``size * stretch`` high); about -1..1."""
        one = _F(1 / size)
        other = _F(1 / (size * stretch))
        shift = hash01(self.seed, salt, 7)[0]
        width = np.maximum(self.width_u * one, self.width_v * other)
        width = np.sqrt(width * self.width * max(one, other))
        return sample(name, self.u * one + shift, self.v * other + shift * _F(3.7), width)

    def solid_noise(self, name: str, size: float, salt: int = 0) -> np.ndarray:
        """Like ``noise`` but without seams on round things: blends the three planes by the normal."""
        one = _F(1 / size)
        shift = hash01(self.seed, salt, 9)[0]
        result = np.zeros(self.count, _F)
        for axis, (pick, weight) in enumerate(self._planes):
            if pick.size:
                first, second = self.points[(axis + 1) % 3][pick], self.points[(axis + 2) % 3][pick]
                width = self.width[pick] * one
                result[pick] += weight * sample(name, first * one + shift, second * one + shift * _F(2.3), width)
        return result

    @cached_property
    def _planes(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """For each axis: the pixels that face along it enough to see a pattern laid on that plane, and how much."""
        power = self.normals * self.normals
        power = power * power * power
        share = power / np.maximum(power[0] + power[1] + power[2], _F(1e-6))
        share = np.where(share > 0.06, share, _F(0))
        share /= np.maximum(share[0] + share[1] + share[2], _F(1e-6))
        # a blend of independent patterns is weaker than each of them: bring it back to the strength of one
        share /= np.sqrt(np.maximum(dot(share, share), _F(1e-6)))
        return tuple((pick, one[pick]) for one in share for pick in (np.flatnonzero(one),))

    def wall(self, word: str, default: str) -> np.ndarray:
        """3×N: the colour wished for this part, else the default."""
        wish = self.wishes.get(word)
        return self.paint(rgb((wish.colour if wish else "") or default))

    def paint(self, colour: Rgb) -> np.ndarray:
        return np.repeat(np.array(colour, _F)[:, None], self.count, 1)

    def reflection(self) -> np.ndarray:
        """3×N: the sky (indoors: a dim room) in the mirrored direction."""
        facing = dot(self.normals, self.view)
        mirrored = 2 * facing * self.normals - self.view
        if self.indoors:
            level = np.clip(_F(0.30) + _F(0.35) * mirrored[2], 0.05, 1)
            return np.stack([level, level * _F(0.94), level * _F(0.85)])
        return sky.gradient(mirrored, self.mood, self.sun)


def mix(a: np.ndarray, b: np.ndarray, t: np.ndarray | float) -> np.ndarray:
    """From a to b as t goes from 0 to 1; colours are 3×N, t is N."""
    return a + (b - a) * t


def joint(position: np.ndarray, share: float | np.ndarray, width: np.ndarray) -> np.ndarray:
    """How much of each pixel lies in the joint that fills the first ``share`` of every period of 1. Box-filtered."""
    width = np.maximum(width, _F(1e-4))
    return np.clip((_steps(position + width / 2, share) - _steps(position - width / 2, share)) / width, 0, 1)


def _steps(x: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    whole = np.floor(x)
    return whole * share + np.minimum(x - whole, share)


def inside(position: np.ndarray, low: float | np.ndarray, high: float | np.ndarray, width: np.ndarray) -> np.ndarray:
    """How much of each pixel lies between low and high; for positions within one cell."""
    half = np.maximum(width, _F(1e-4)) / 2
    return np.clip((np.minimum(position + half, high) - np.maximum(position - half, low)) / (2 * half), 0, 1)


def fade(width: np.ndarray, size: float) -> np.ndarray:
    """1 where a pattern of that size is large against the footprint, 0 where it is under two pixels."""
    return np.clip(_F(1.6) - width * _F(1.8 / size), 0, 1)
