"""Recipes for what grows, lies and flows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .colour import rgb
from .noise import sample
from .patch import Look, Patch, fade, mix

_F = np.float32


def leaves(p: Patch) -> Look:
    """Clumps of leaves: light masses, dark hollows between them, dabs of leaf on top."""
    clumps = p.solid_noise("soft", 4.2, 1)
    dabs = p.solid_noise("leaves", 3.1, 2)
    fine = p.solid_noise("leaves", 1.25, 3)
    volume = clumps * _F(0.34) + dabs * _F(0.40)
    hollow = np.clip(_F(0.62) - volume, 0, 1)
    shade = np.clip(_F(1.06) + volume * _F(0.55) + fine * _F(0.20) + _F(0.16) * p.normals[2], 0.30, 1.9)
    shade *= 1 - hollow * hollow * _F(0.75)
    light, cool = p.paint((1.22, 1.08, 0.72)), p.paint((0.66, 0.84, 0.86))
    tone = mix(cool, light, np.clip(_F(0.48) + _F(0.55) * volume + _F(0.22) * fine + _F(0.25) * p.normals[2], 0, 1))
    return Look(p.colour * tone * shade, 0.0, soft=0.75)


def tree(p: Patch) -> Look:
    """Leaves, and bark where the trunk is."""
    crown = leaves(p)
    trunk = _trunk(p)
    if not trunk.any():
        return crown
    bark = p.paint(rgb("#5b4936")) * np.clip(1 + _F(0.22) * p.noise("grain", 0.7, 4.0, 25), 0.4, 1.6)
    return replace(crown, albedo=mix(crown.albedo, bark, trunk))


def _trunk(p: Patch) -> np.ndarray:
    """1 on what is thin altogether, or is low, in the middle, and set back behind the front of the crown."""
    wide = np.maximum(p.extent[:, 1] - p.extent[:, 0], p.extent[:, 3] - p.extent[:, 2])
    cos, sin = p.yaw[:, 0], p.yaw[:, 1]
    off_along = p.along - (p.extent[:, 0] + p.extent[:, 1]) / 2
    off_across = p.across - (p.extent[:, 2] + p.extent[:, 3]) / 2
    away_along, away_across = -(p.view[0] * cos + p.view[1] * sin), -(p.view[1] * cos - p.view[0] * sin)
    level = np.sqrt(away_along * away_along + away_across * away_across) + _F(1e-3)
    beside = np.abs(off_along * away_across - off_across * away_along) / level
    behind = (off_along * away_along + off_across * away_across) / level
    core = (beside < wide * _F(0.14)) & (behind > wide * _F(0.03)) & (p.height < p.tall * _F(0.42))
    return (((p.tall > 4 * wide) | core) & (p.tall > 1.2) & (np.abs(p.normals[2]) < _F(0.7))).astype(_F)


def grass(p: Patch) -> Look:
    """Lawn: tufts up close, patches of drier and lusher green further out."""
    patches = p.noise("soft", 34.0, 1.0, 4)
    spots = p.noise("soft", 7.0, 1.0, 5)
    blades = p.noise("blades", 1.7, 1.0, 6)
    fine = p.noise("leaves", 2.9, 1.0, 7)
    dry = p.colour * p.paint((1.28, 1.08, 0.92))
    lush = p.colour * p.paint((0.72, 0.84, 0.76))
    tone = mix(lush, dry, np.clip(_F(0.46) + _F(0.26) * patches + _F(0.20) * spots, 0, 1))
    return Look(tone * np.clip(1 + _F(0.20) * blades + _F(0.12) * fine + _F(0.06) * spots, 0.3, 1.8), 0.0, soft=0.35)


def soil(p: Patch) -> Look:
    """Bare earth: stains, crumbs and some pebbles."""
    stains, crumbs, stones = (
        p.noise("soft", 8.0, 1.0, 8),
        p.noise("fine", 1.6, 1.0, 9),
        p.noise("pebbles", 2.2, 1.0, 10),
    )
    return Look(p.colour * np.clip(1 + _F(0.16) * stains + _F(0.14) * crumbs + _F(0.10) * stones, 0.35, 1.7))


def sand(p: Patch) -> Look:
    """Sand with wind ripples that bend."""
    bend = p.noise("soft", 14.0, 1.0, 11)
    ripples = p.noise("grain", 5.0, 0.28, 12)
    grain = p.noise("fine", 0.8, 1.0, 13)
    return Look(p.colour * np.clip(1 + _F(0.10) * bend + _F(0.07) * ripples + _F(0.04) * grain, 0.5, 1.5))


def rock(p: Patch) -> Look:
    """Rock faces: broken planes, strata, moss on what lies flat."""
    planes = p.solid_noise("pebbles", 14.0, 14)
    cracks = p.solid_noise("soft", 3.2, 15)
    fine = p.solid_noise("fine", 1.1, 16)
    tone = np.clip(_F(0.96) + _F(0.13) * planes + _F(0.17) * cracks + _F(0.09) * fine, 0.35, 1.7)
    moss = np.clip((p.normals[2] - _F(0.55)) * 3 + cracks, 0, 1) * _F(0.35)
    return Look(mix(p.colour, p.paint(rgb("#65703c")), moss) * tone)


def mountain(p: Patch) -> Look:
    """A mountain side seen from afar: woods below, ravines, bare rock and old snow above."""
    span = np.maximum(p.tall, _F(20))
    ravines = _ravines(p, span)
    up = np.clip(p.height / span, 0, 1)
    woods = p.paint(rgb("#49543f")) * (1 + _F(0.25) * ravines)
    stone = p.colour * np.clip(1 + _F(0.42) * ravines, 0.35, 1.7)
    tone = mix(woods, stone, np.clip((up - _F(0.22) + _F(0.20) * ravines) * 4, 0, 1))
    white = np.clip((up - _F(0.70) + _F(0.20) * ravines) * 6, 0, 1)
    white = white * (span > 60)
    return Look(mix(tone, p.paint((0.80, 0.83, 0.88)), white))


def _ravines(p: Patch, span: np.ndarray) -> np.ndarray:
    """Noise in units of the mountain's own height, steeper than wide."""
    one = _F(1) / span
    around = np.where(np.abs(p.normals[0]) > np.abs(p.normals[1]), p.points[1], p.points[0])
    lean = p.points[2] * sample("soft", around * one * _F(0.35), p.points[2] * one * _F(0.2), p.width * one)
    broad = sample("soft", (around + lean) * one * _F(0.9), p.points[2] * one * _F(0.55), p.width * one)
    fine = sample("leaves", (around - lean) * one * _F(0.5), p.points[2] * one * _F(0.45), p.width * one)
    return broad * _F(0.6) + fine * _F(0.45)


def water(p: Patch) -> Look:
    """Water: the sky in waves that flatten with distance, its own colour looking down."""
    long_waves = p.noise("grain", 9.0, 0.55, 17)
    short_waves = p.noise("grain", 2.3, 0.6, 18)
    swell = p.noise("soft", 60.0, 0.35, 19)
    slope = long_waves * _F(0.5) + short_waves * _F(0.35)
    fresnel = _schlick(np.clip(p.facing + slope * _F(0.09), 0, 1))
    reflected = _rippled_sky(p, slope)
    deep = p.colour * np.clip(1 + _F(0.10) * swell + _F(0.14) * slope, 0.5, 1.5)
    light = reflected * np.clip(fresnel, 0, 1)
    # what is mirrored does not wait for light again: it goes out as it is
    return Look(deep * (1 - fresnel), 0.0, emission=light * np.clip(1 + _F(0.10) * swell, 0.7, 1.3))


def _schlick(facing: np.ndarray) -> np.ndarray:
    grazing = 1 - facing
    square = grazing * grazing
    return _F(0.03) + _F(0.80) * square * square * grazing


def _rippled_sky(p: Patch, slope: np.ndarray) -> np.ndarray:
    normals = p.normals.copy()
    normals[0] += slope * _F(0.045)
    normals[1] += slope * _F(0.07)
    rippled = replace(p, normals=normals)
    return rippled.reflection()


def fall(p: Patch) -> Look:
    """Falling water: white threads."""
    threads = p.noise("grain", 1.8, 4.0, 20)
    return Look(mix(p.colour, p.paint((0.85, 0.90, 0.94)), np.clip(_F(0.55) + _F(0.45) * threads, 0, 1)), 0.1, soft=0.5)


def flowers(p: Patch) -> Look:
    """Leaves with dots of blossom in the instance's colour."""
    green = leaves(replace(p, colour=p.paint(rgb("#5d7a33"))))
    dots = p.solid_noise("pebbles", 1.3, 21)
    bloom = np.clip((dots - _F(0.15)) * 4, 0, 1) * fade(p.width, 0.12)
    bloom = np.maximum(bloom, _F(0.30))
    return Look(mix(green.albedo, p.colour, bloom), 0.02, soft=0.6)


def fur(p: Patch) -> Look:
    """Short hair, paler below."""
    hair, spots = p.solid_noise("fine", 0.35, 22), p.solid_noise("soft", 1.1, 23)
    belly = np.clip(-p.normals[2], 0, 1) * _F(0.25)
    return Look(p.colour * np.clip(1 + _F(0.14) * hair + _F(0.16) * spots + belly, 0.4, 1.6), soft=0.2)


def food(p: Patch) -> Look:
    """Something baked: speckled and a little shiny."""
    return Look(p.colour * np.clip(1 + _F(0.22) * p.solid_noise("leaves", 0.25, 24), 0.4, 1.6), 0.12, soft=0.2)


RECIPES = {
    "leaves": leaves,
    "tree": tree,
    "grass": grass,
    "soil": soil,
    "sand": sand,
    "rock": rock,
    "mountain": mountain,
    "water": water,
    "waterfall": fall,
    "flowers": flowers,
    "fur": fur,
    "food": food,
}
