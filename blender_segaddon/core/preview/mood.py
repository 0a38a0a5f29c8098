"""Light, weather and season of a picture, and the words of a prompt that set them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from .colour import Rgb


@dataclass(frozen=True)
class Mood:
    """Light, weather and season. Colours are scene-linear RGB."""

    elevation: float = 38.0
    """of the sun (at night the moon), degrees"""
    sun: Rgb = (3.0, 2.6, 2.08)
    ambient: Rgb = (0.50, 0.63, 0.86)
    """light of the sky from straight above"""
    zenith: Rgb = (0.09, 0.25, 0.68)
    horizon: Rgb = (0.66, 0.88, 1.14)
    glow: Rgb = (1.3, 1.0, 0.6)
    """around the sun"""
    cloud_light: Rgb = (1.75, 1.66, 1.55)
    cloud_dark: Rgb = (0.56, 0.64, 0.78)
    clouds: float = 0.46
    """part of the sky that they cover"""
    fog: float = 1.0
    """times the usual haze"""
    exposure: float = 0.86
    lights: float = 0.0
    """how much lamps and lit windows count, 0..1"""
    stars: float = 0.0
    snow: float = 0.0
    """0..1"""
    wet: float = 0.0
    """0..1"""
    leaves: tuple[str, ...] = ("#4b5f33", "#56693a", "#42583a", "#64703d")
    grass: tuple[str, ...] = ("#66753f",)
    saturation: float = 0.9
    warmth: float = 0.0
    """-1 cold .. 1 warm"""
    contrast: float = 1.0
    style: str = ""
    """"", "ink" or "watercolour" """


def _evening(mood: Mood) -> Mood:
    return replace(
        mood,
        elevation=11.0,
        sun=(4.6, 2.05, 0.72),
        ambient=(0.46, 0.44, 0.66),
        zenith=(0.13, 0.20, 0.46),
        horizon=(1.02, 0.50, 0.24),
        glow=(2.4, 1.05, 0.28),
        cloud_light=(1.25, 0.62, 0.36),
        cloud_dark=(0.34, 0.25, 0.36),
        fog=1.3,
        lights=0.45,
        exposure=0.98,
    )


def _dawn(mood: Mood) -> Mood:
    return replace(
        mood,
        elevation=14.0,
        sun=(3.5, 2.15, 1.35),
        ambient=(0.55, 0.56, 0.78),
        zenith=(0.22, 0.32, 0.58),
        horizon=(0.98, 0.68, 0.56),
        glow=(1.7, 1.0, 0.6),
        cloud_light=(1.15, 0.82, 0.74),
        cloud_dark=(0.50, 0.46, 0.58),
        fog=1.9,
        lights=0.2,
    )


def _night(mood: Mood) -> Mood:
    return replace(
        mood,
        elevation=42.0,
        sun=(0.15, 0.21, 0.34),
        ambient=(0.050, 0.075, 0.14),
        zenith=(0.006, 0.012, 0.034),
        horizon=(0.035, 0.060, 0.115),
        glow=(0.10, 0.13, 0.2),
        cloud_light=(0.075, 0.095, 0.15),
        cloud_dark=(0.018, 0.025, 0.048),
        fog=0.9,
        lights=1.0,
        stars=1.0,
        exposure=1.15,
    )


def _overcast(mood: Mood) -> Mood:
    grey = _mean(mood.horizon)
    sun, shade = _mean(mood.sun) * 0.12, _mean(mood.ambient)
    return replace(
        mood,
        clouds=1.0,
        sun=(sun, sun, sun * 1.04),
        ambient=(shade * 1.72, shade * 1.78, shade * 1.88),
        zenith=(grey * 0.62, grey * 0.66, grey * 0.72),
        horizon=(grey * 0.95, grey * 0.99, grey * 1.04),
        stars=0.0,
        cloud_light=(grey * 0.95, grey * 0.97, grey),
        cloud_dark=(grey * 0.55, grey * 0.59, grey * 0.65),
        fog=mood.fog * 1.5,
        glow=(0.0, 0.0, 0.0),
        saturation=mood.saturation * 0.9,
    )


def _rain(mood: Mood) -> Mood:
    grey = _overcast(mood)
    return replace(grey, wet=1.0, fog=grey.fog * 1.5, lights=max(grey.lights, 0.35), exposure=grey.exposure * 0.88)


def _storm(mood: Mood) -> Mood:
    rain = _rain(mood)
    dark = {name: _times(getattr(rain, name), (0.42, 0.47, 0.54)) for name in ("zenith", "cloud_dark", "ambient")}
    return replace(rain, **dark, horizon=_times(rain.horizon, (0.70, 0.74, 0.72)), contrast=1.1, lights=0.6)


def _snow(mood: Mood) -> Mood:
    return replace(
        mood,
        snow=1.0,
        clouds=max(mood.clouds, 0.62),
        ambient=_times(mood.ambient, (1.05, 1.08, 1.1)),
        horizon=_times(mood.horizon, (1.02, 1.02, 1.0)),
        fog=mood.fog * 1.5,
        leaves=("#4a5a40", "#54604a", "#5b5a44"),
        grass=("#8a8a66",),
        saturation=mood.saturation * 0.9,
        exposure=mood.exposure * 0.88,
    )


def _fog(mood: Mood) -> Mood:
    pale = _mean(mood.horizon)
    return replace(
        mood,
        fog=mood.fog * 6.0,
        clouds=mood.clouds * 0.5,
        sun=_times(mood.sun, (0.42, 0.43, 0.46)),
        contrast=0.94,
        horizon=tuple(0.35 * c + 0.65 * pale for c in mood.horizon),
        zenith=tuple(0.4 * c + 0.5 * pale for c in mood.zenith),
        saturation=mood.saturation * 0.85,
    )


def _desert(mood: Mood) -> Mood:
    return replace(
        mood,
        clouds=0.08,
        grass=("#b79a64", "#a98c58"),
        leaves=("#8a8a4e", "#77824e"),
        horizon=_times(mood.horizon, (1.2, 1.0, 0.78)),
        fog=mood.fog * 1.3,
        warmth=mood.warmth + 0.5,
    )


def _change(**values: object) -> Callable[[Mood], Mood]:
    return lambda mood: replace(mood, **values)


def _scaled(**factors: float) -> Callable[[Mood], Mood]:
    return lambda mood: replace(mood, **{name: getattr(mood, name) * by for name, by in factors.items()})


_AUTUMN = _change(leaves=("#b5722a", "#c2902f", "#9b4a26", "#8a7a35", "#cf9a3a"), grass=("#807848",), warmth=0.25)
_SPRING = _change(leaves=("#7fa03e", "#93ac4b", "#e0b4bd", "#6f9440"), grass=("#7d9c3c",))

MOODS: tuple[tuple[tuple[str, ...], Callable[[Mood], Mood]], ...] = (
    (("sunset", "dusk", "evening", "golden hour", "twilight"), _evening),
    (("dawn", "sunrise", "morning"), _dawn),
    (("night", "midnight", "moonlight", "moonlit", "nighttime"), _night),
    (("noon", "midday"), _change(elevation=62.0, sun=(3.7, 3.35, 2.85))),
    (("sunny", "clear", "cloudless"), _change(clouds=0.14)),
    (("cloudy", "clouds"), _change(clouds=0.72)),
    (("summer",), _change(clouds=0.3, grass=("#71893a", "#7d8a3e"))),
    (("autumn", "autumnal", "fall"), _AUTUMN),
    (("spring", "blossom", "blossoms"), _SPRING),
    (("desert", "arid", "dry"), _desert),
    (("overcast", "grey sky", "gray sky"), _overcast),
    (("rain", "rainy", "wet", "drizzle", "raining"), _rain),
    (("storm", "stormy", "thunderstorm"), _storm),
    (("snow", "snowy", "winter", "wintry", "frost"), _snow),
    (("fog", "foggy", "mist", "misty", "haze", "hazy"), _fog),
    (("warm", "cosy", "cozy"), lambda mood: replace(mood, warmth=mood.warmth + 0.6)),
    (("cold", "cool", "icy"), lambda mood: replace(mood, warmth=mood.warmth - 0.6)),
    (("dramatic", "moody"), _scaled(contrast=1.15, exposure=0.85)),
    (("dark", "gloomy"), _scaled(exposure=0.62)),
    (("bright", "airy"), _scaled(exposure=1.3)),
    (("pastel", "muted"), lambda mood: replace(mood, saturation=mood.saturation * 0.62, contrast=0.9)),
    (("vivid", "vibrant", "colorful", "colourful"), _scaled(saturation=1.35)),
    (("watercolor", "watercolour"), _change(style="watercolour")),
    (("ink", "sketch", "pencil"), _change(style="ink")),
)
"""In the order in which they act: time of day before weather, weather before taste."""


def mood_of(text: str) -> tuple[Mood, list[str]]:
    """The mood of a prompt (lower-case words, single spaces) and the words that made it."""
    mood, heard = Mood(), []
    for words, change in MOODS:
        found = [word for word in words if re.search(rf"\b{word}\b", text)]
        if found:
            mood = change(mood)
            heard.append(found[0])
    return mood, heard


def _mean(colour: Rgb) -> float:
    return sum(colour) / 3


def _times(colour: Rgb, by: Rgb) -> Rgb:
    return (colour[0] * by[0], colour[1] * by[1], colour[2] * by[2])
