"""Colours: hex to scene-linear light, and from scene-linear light to the picture's sRGB bytes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Rgb = tuple[float, float, float]

_F = np.float32
_STEPS = 4096


@lru_cache(maxsize=1024)
def rgb(text: str) -> Rgb:
    """ "#rrggbb" (sRGB) as scene-linear RGB, 0..1."""
    values = (int(text[k : k + 2], 16) / 255 for k in (1, 3, 5))
    red, green, blue = (round(_to_linear(value), 5) for value in values)
    return red, green, blue


def luminance(colour: np.ndarray) -> np.ndarray:
    """Of scene-linear RGB, first axis 3."""
    return colour[0] * _F(0.2126) + colour[1] * _F(0.7152) + colour[2] * _F(0.0722)


def develop(light: np.ndarray, exposure: float, contrast: float, saturation: float, warmth: float) -> np.ndarray:
    """Scene-linear light (float32 3×…) to display-referred sRGB, float32 …×3 in 0..255; soft shoulder, no clipping."""
    tint = (1 + 0.10 * warmth, 1.0, 1 - 0.13 * warmth)
    result = np.empty((*light.shape[1:], 3), _F)
    grey = luminance(light)
    for k in range(3):
        channel = grey + (light[k] - grey) * _F(saturation)
        channel = np.maximum(channel * _F(exposure * tint[k]), 0)
        result[..., k] = _encode(_shoulder(channel, contrast))
    return result


def to_bytes(picture: np.ndarray) -> np.ndarray:
    """float32 0..255 to uint8, rounded."""
    return np.clip(picture + _F(0.5), 0, 255).astype(np.uint8)


def to_linear(picture: np.ndarray) -> np.ndarray:
    """uint8 sRGB …×3 to linear float32 of the same shape (display light; the tone curve is not undone)."""
    return _linear_table()[picture]


def from_linear(light: np.ndarray) -> np.ndarray:
    """The reverse of ``to_linear``: linear float32 to uint8."""
    return to_bytes(_encode(np.clip(light, 0, 1)))


def _shoulder(x: np.ndarray, contrast: float) -> np.ndarray:
    """A film-like curve through 0 and, far away, 1; mid grey stays about where it is."""
    x = x * _F(0.62)
    toe = _F(0.04 * contrast)
    return (x * (x * _F(2.45) + toe)) / (x * (x * _F(2.38) + _F(0.55)) + _F(0.115))


@lru_cache(maxsize=1)
def _encode_table() -> np.ndarray:
    linear = np.linspace(0, 1, _STEPS) ** 2  # squared spacing: fine steps in the shadows
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return np.round(srgb * 255, 3).astype(_F)


@lru_cache(maxsize=1)
def _linear_table() -> np.ndarray:
    return np.array([round(_to_linear(k / 255), 6) for k in range(256)], _F)


def _encode(linear: np.ndarray) -> np.ndarray:
    index = np.sqrt(np.clip(linear, 0, 1)) * _F(_STEPS - 1) + _F(0.5)
    return _encode_table()[index.astype(np.int32)]


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
