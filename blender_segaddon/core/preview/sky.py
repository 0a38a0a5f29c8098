"""The sky: a gradient, clouds on a layer above the scene, the glow of the sun, stars; and fog in its colours."""

from __future__ import annotations

import numpy as np

from .geometry import dot
from .mood import Mood
from .noise import hash01, sample

_F = np.float32


def gradient(direction: np.ndarray, mood: Mood, sun: np.ndarray) -> np.ndarray:
    """float32 3×…: the cloudless sky in these unit directions (world space); below the horizon a haze."""
    up = direction[2]
    height = np.sqrt(np.clip(up, 0, 1))
    blend = height * (_F(1.55) - _F(0.55) * height)
    toward = np.clip(direction[0] * sun[0] + direction[1] * sun[1] + direction[2] * sun[2], 0, 1)
    wide = toward * toward
    wide *= wide
    tight = wide * wide
    tight *= tight
    below = np.clip(-up * _F(2.5), 0, 1)
    below = below * (2 - below)
    result = np.empty(direction.shape, _F)
    for k in range(3):
        channel = _F(mood.horizon[k]) + _F(mood.zenith[k] - mood.horizon[k]) * blend
        channel += _F(mood.glow[k]) * (_F(0.10) * wide + _F(0.45) * tight)
        result[k] = channel + (_F(mood.ambient[k] * 1.0) - channel) * below
    return result


def paint(direction: np.ndarray, mood: Mood, sun: np.ndarray, seed: int, width: float) -> np.ndarray:
    """float32 3×N: the sky with clouds and stars.

    Args:
        direction: float32 3×N, unit, world space.
        sun: float32 (3), unit, towards the sun.
        width: angle of a pixel, radians.
    """
    light = gradient(direction, mood, sun)
    if mood.stars > 0:
        light += _stars(direction, mood, seed)
    light += _disc(direction, mood, sun)
    cover, shade = _clouds(direction, mood, sun, seed, width)
    for k in range(3):
        colour = _F(mood.cloud_dark[k]) + _F(mood.cloud_light[k] - mood.cloud_dark[k]) * shade
        # distant clouds sink into the haze of the horizon
        light[k] += (colour - light[k]) * cover
    return light


def _disc(direction: np.ndarray, mood: Mood, sun: np.ndarray) -> np.ndarray:
    off = 1 - (direction[0] * sun[0] + direction[1] * sun[1] + direction[2] * sun[2])
    core = np.clip(1.6 - off * _F(1.6 / 0.00035), 0, 1) if mood.glow != (0.0, 0.0, 0.0) else np.zeros_like(off)
    halo = _F(1) / (1 + off * _F(900))
    strength = _F(0.8 if mood.stars else 6.0)
    return np.stack([core * strength + halo * _F(mood.glow[k] * 0.5) for k in range(3)])


def _clouds(
    direction: np.ndarray, mood: Mood, sun: np.ndarray, seed: int, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """(cover 0..1, light 0..1) of a layer of heaps that shrink towards the horizon."""
    up = np.abs(direction[2])
    away = _F(1) / (up + _F(0.22))
    shift_x, shift_y = (float(hash01(seed, salt)[0]) for salt in (11, 12))
    u = direction[0] * away * _F(0.20) + _F(shift_x)
    v = direction[1] * away * _F(0.20) + _F(shift_y)
    step = away * away * _F(width * 0.04)
    warp = sample("soft", u * _F(0.6) + _F(0.31), v * _F(0.6), step) * _F(0.06)
    body = sample("soft", u + warp, v - warp, step)
    edge = sample("leaves", u * _F(1.1) + warp * 3, v * _F(1.1) + _F(0.17), step * _F(1.1))
    fluff = sample("soft", u * _F(3.3) + warp, v * _F(3.3), step * _F(3.3))
    density = body + edge * _F(0.16) + fluff * _F(0.26)
    # the same field a little towards the sun: what is thicker there stands in shade here
    toward = sample("soft", u + warp + _F(sun[0] * 0.03), v - warp + _F(sun[1] * 0.03), step * 2)
    threshold = _F(1.0 - 2.15 * mood.clouds)
    cover = np.clip((density - threshold) * _F(2.1), 0, 1)
    cover = cover * cover * (3 - 2 * cover)
    thick = np.clip(density - threshold, 0, 1.4)
    shade = np.clip(_F(0.74) + (body - toward) * _F(1.1) - thick * _F(0.30) + (edge + fluff) * _F(0.12), 0, 1)
    under = direction[2] < 0  # from above, a sea of clouds: softer and lit from our side
    shade = np.where(under, _F(0.35) + _F(0.4) * shade, shade)
    fade = np.clip(up * _F(11.0), 0, 1) * np.where(under, _F(0.62), _F(0.95))
    return cover * fade, shade


def _stars(direction: np.ndarray, mood: Mood, seed: int) -> np.ndarray:
    cells = [np.floor(one * _F(190)).astype(np.int32) for one in direction]
    chance = hash01(cells[0], cells[1], cells[2], seed)
    middle = sum((direction[k] * _F(190) - cells[k] - _F(0.5)) ** 2 for k in range(3))
    bright = np.clip((chance - _F(0.985)) * _F(66), 0, 1) * np.clip(1 - middle * 3, 0, 1)
    bright *= np.clip(direction[2] * 4, 0, 1) * _F(0.9 * mood.stars)
    return np.stack([bright, bright, bright * _F(1.15)])


def haze(direction: np.ndarray, mood: Mood, sun: np.ndarray) -> np.ndarray:
    """float32 3×…: the colour that distant things fade into, seen in these directions."""
    flat = direction.copy()
    flat[2] = np.maximum(flat[2] * _F(0.3), _F(-0.3))
    return gradient(flat / np.sqrt(dot(flat, flat)), mood, sun)
