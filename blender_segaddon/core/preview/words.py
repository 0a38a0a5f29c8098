"""What the painter understands of a prompt: the mood of the picture, and colours or materials for things."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from .colour import Rgb, rgb


@dataclass(frozen=True)
class Mood:
    """Light, weather and season. Colours are scene-linear RGB."""

    elevation: float = 38.0
    """of the sun (at night the moon), degrees"""
    sun: Rgb = (3.5, 3.0, 2.35)
    ambient: Rgb = (0.60, 0.74, 0.98)
    """light of the sky from straight above"""
    zenith: Rgb = (0.10, 0.25, 0.62)
    horizon: Rgb = (0.62, 0.76, 0.90)
    glow: Rgb = (1.3, 1.0, 0.6)
    """around the sun"""
    cloud_light: Rgb = (1.12, 1.08, 1.02)
    cloud_dark: Rgb = (0.47, 0.54, 0.66)
    clouds: float = 0.42
    """part of the sky that they cover"""
    fog: float = 1.0
    """times the usual haze"""
    exposure: float = 0.92
    lights: float = 0.0
    """how much lamps and lit windows count, 0..1"""
    stars: float = 0.0
    snow: float = 0.0
    """0..1"""
    wet: float = 0.0
    """0..1"""
    leaves: tuple[str, ...] = ("#4d6b2c", "#5d7a33", "#3f6232", "#6d8138")
    grass: tuple[str, ...] = ("#6b8038",)
    saturation: float = 1.0
    warmth: float = 0.0
    """-1 cold .. 1 warm"""
    contrast: float = 1.0
    style: str = ""
    """"", "ink" or "watercolour" """


@dataclass(frozen=True)
class Wish:
    """What a phrase asks of one kind of thing."""

    colour: Rgb | None = None
    recipe: str | None = None


@dataclass(frozen=True)
class Reading:
    """A prompt, read."""

    mood: Mood
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    """by class name; "roof" and "window" stand for parts of buildings"""
    subject: Wish = Wish()
    """all colour and material words together, for a prompt that describes one thing"""
    understood: tuple[str, ...] = ()


def _evening(mood: Mood) -> Mood:
    return replace(
        mood, elevation=11.0, sun=(4.6, 2.05, 0.72), ambient=(0.46, 0.44, 0.66), zenith=(0.13, 0.20, 0.46),
        horizon=(1.02, 0.50, 0.24), glow=(2.4, 1.05, 0.28), cloud_light=(1.25, 0.62, 0.36), cloud_dark=(0.34, 0.25, 0.36),
        fog=1.3, lights=0.45, exposure=0.98,
    )  # fmt: skip


def _dawn(mood: Mood) -> Mood:
    return replace(
        mood, elevation=14.0, sun=(3.5, 2.15, 1.35), ambient=(0.55, 0.56, 0.78), zenith=(0.22, 0.32, 0.58),
        horizon=(0.98, 0.68, 0.56), glow=(1.7, 1.0, 0.6), cloud_light=(1.15, 0.82, 0.74), cloud_dark=(0.50, 0.46, 0.58),
        fog=1.9, lights=0.2,
    )  # fmt: skip


def _night(mood: Mood) -> Mood:
    return replace(
        mood, elevation=42.0, sun=(0.15, 0.21, 0.34), ambient=(0.050, 0.075, 0.14), zenith=(0.006, 0.012, 0.034),
        horizon=(0.035, 0.060, 0.115), glow=(0.10, 0.13, 0.2), cloud_light=(0.075, 0.095, 0.15),
        cloud_dark=(0.018, 0.025, 0.048), fog=0.9, lights=1.0, stars=1.0, exposure=1.15,
    )  # fmt: skip


def _overcast(mood: Mood) -> Mood:
    grey = _mean(mood.horizon)
    sun, shade = _mean(mood.sun) * 0.12, _mean(mood.ambient)
    return replace(
        mood, clouds=1.0, sun=(sun, sun, sun * 1.04), ambient=(shade * 1.72, shade * 1.78, shade * 1.88),
        zenith=(grey * 0.62, grey * 0.66, grey * 0.72), horizon=(grey * 0.95, grey * 0.99, grey * 1.04), stars=0.0,
        cloud_light=(grey * 0.95, grey * 0.97, grey), cloud_dark=(grey * 0.55, grey * 0.59, grey * 0.65), fog=mood.fog * 1.5,
        glow=(0.0, 0.0, 0.0), saturation=mood.saturation * 0.9,
    )  # fmt: skip


def _rain(mood: Mood) -> Mood:
    grey = _overcast(mood)
    return replace(grey, wet=1.0, fog=grey.fog * 1.5, lights=max(grey.lights, 0.35), exposure=grey.exposure * 0.88)


def _storm(mood: Mood) -> Mood:
    rain = _rain(mood)
    dark = {name: _times(getattr(rain, name), (0.42, 0.47, 0.54)) for name in ("zenith", "cloud_dark", "ambient")}
    return replace(rain, **dark, horizon=_times(rain.horizon, (0.70, 0.74, 0.72)), contrast=1.1, lights=0.6)


def _snow(mood: Mood) -> Mood:
    return replace(
        mood, snow=1.0, clouds=max(mood.clouds, 0.62), ambient=_times(mood.ambient, (1.05, 1.08, 1.1)),
        horizon=_times(mood.horizon, (1.02, 1.02, 1.0)), fog=mood.fog * 1.5, leaves=("#4a5a40", "#54604a", "#5b5a44"),
        grass=("#8a8a66",), saturation=mood.saturation * 0.9, exposure=mood.exposure * 0.88,
    )  # fmt: skip


def _fog(mood: Mood) -> Mood:
    pale = _mean(mood.horizon)
    return replace(
        mood, fog=mood.fog * 6.0, clouds=mood.clouds * 0.5, sun=_times(mood.sun, (0.42, 0.43, 0.46)), contrast=0.94,
        horizon=tuple(0.35 * c + 0.65 * pale for c in mood.horizon),
        zenith=tuple(0.4 * c + 0.5 * pale for c in mood.zenith), saturation=mood.saturation * 0.85,
    )  # fmt: skip


def _desert(mood: Mood) -> Mood:
    return replace(
        mood, clouds=0.08, grass=("#b79a64", "#a98c58"), leaves=("#8a8a4e", "#77824e"), horizon=_times(mood.horizon, (1.2, 1.0, 0.78)),
        fog=mood.fog * 1.3, warmth=mood.warmth + 0.5,
    )  # fmt: skip


def _change(**values: object) -> Callable[[Mood], Mood]:
    return lambda mood: replace(mood, **values)


def _scaled(**factors: float) -> Callable[[Mood], Mood]:
    return lambda mood: replace(mood, **{name: getattr(mood, name) * by for name, by in factors.items()})


_AUTUMN = _change(leaves=("#b5722a", "#c2902f", "#9b4a26", "#8a7a35", "#cf9a3a"), grass=("#8d8540",), warmth=0.25)
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

COLOURS = {
    "red": "#a8322a", "blue": "#2f5f9e", "green": "#4c7a3c", "yellow": "#d9b33c", "orange": "#cf7430", "purple": "#6b4a8c",
    "pink": "#d68fa0", "white": "#e6e3dc", "black": "#26262a", "grey": "#86878a", "gray": "#86878a", "brown": "#6e4c34",
    "beige": "#cdbb98", "turquoise": "#3f9a98", "teal": "#2c7475", "gold": "#b98c3a", "golden": "#b98c3a", "silver": "#b4b7bb",
    "cream": "#e7dcc0", "navy": "#26365c", "violet": "#70529a", "crimson": "#8e2330", "ochre": "#bd8a3e",
}  # fmt: skip

RECIPES = {
    "brick": "brick", "bricks": "brick", "wood": "wood", "wooden": "wood", "oak": "wood", "timber": "wood",
    "planks": "planks", "plank": "planks", "parquet": "planks", "stone": "rock", "rock": "rock", "rocky": "rock",
    "marble": "ceramic", "tiled": "tiles", "tiles": "tiles", "tile": "tiles", "concrete": "concrete", "plaster": "plaster",
    "stucco": "plaster", "metal": "metal", "steel": "metal", "iron": "metal", "chrome": "metal", "glass": "glass",
    "fabric": "fabric", "velvet": "fabric", "linen": "fabric", "leather": "leather", "plastic": "plastic",
    "grassy": "grass", "sandy": "sand", "cobblestone": "paving", "cobbled": "paving", "paved": "paving", "gravel": "soil",
    "asphalt": "asphalt", "mossy": "grass", "leafy": "leaves", "ceramic": "ceramic", "porcelain": "ceramic",
    "bush": "leaves", "hedge": "leaves", "shrub": "leaves", "ivy": "leaves", "foliage": "leaves", "lawn": "grass",
    "crate": "planks", "mud": "soil", "dirt": "soil", "lava": "lamp", "ice": "ceramic",
}  # fmt: skip

PLURALS = {"roofs": "roof", "windows": "window"}
PARTS = ("roof", "window")


def read(prompt: str, nouns: Mapping[str, tuple[str, ...]], materials: Mapping[str, str]) -> Reading:
    """Reads a prompt. Unknown words are passed over.

    Args:
        prompt: free English text.
        nouns: words (also of several parts, "coffee table") → names of the classes that they mean.
        materials: class name → recipe, for a prompt that is about one thing.
    """
    text = " ".join(re.findall(r"[a-z]+", prompt.lower()))
    mood, words = _mood(text)
    wishes, subject, phrases = _things(text.split(), nouns, materials)
    return Reading(mood, wishes, subject, tuple(dict.fromkeys(words + phrases)))


def _mood(text: str) -> tuple[Mood, list[str]]:
    mood, heard = Mood(), []
    for words, change in MOODS:
        found = [word for word in words if re.search(rf"\b{word}\b", text)]
        if found:
            mood = change(mood)
            heard.append(found[0])
    return mood, heard


def _things(
    words: list[str], nouns: Mapping[str, tuple[str, ...]], materials: Mapping[str, str]
) -> tuple[dict[str, Wish], Wish, list[str]]:
    """Colour and material words stick to the next noun, at most three words on."""
    wishes: dict[str, Wish] = {}
    subject, phrases = Wish(), []
    pending, phrase, since = Wish(), [], 0
    at = 0
    while at < len(words):
        noun, taken = _noun_at(words, at, nouns)
        adjective = Wish(_colour(words[at]), RECIPES.get(words[at]))
        if noun and taken and (noun not in RECIPES or phrase):
            names = nouns[noun]
            if phrase:
                wishes.update(dict.fromkeys(names, pending))
                phrases.append(" ".join([*phrase, noun]))
            subject = _join(Wish(None, materials.get(names[0])), _join(subject, pending))
            pending, phrase = Wish(), []
        elif adjective != Wish():
            pending, phrase, since = _join(pending, adjective), [*phrase, words[at]], 0
        elif (since := since + 1) > 2:
            subject, pending, phrase = _join(subject, pending), Wish(), []
        at += taken or 1
    return wishes, _join(subject, pending), phrases


def _noun_at(words: list[str], at: int, nouns: Mapping[str, tuple[str, ...]]) -> tuple[str, int]:
    for size in (3, 2, 1):
        phrase = " ".join(words[at : at + size])
        for form in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es")):
            if form in nouns and len(words) >= at + size:
                return form, size
    return "", 0


def _join(first: Wish, second: Wish) -> Wish:
    """``second`` wins where it says something."""
    return Wish(second.colour or first.colour, second.recipe or first.recipe)


def _colour(word: str) -> Rgb | None:
    return rgb(COLOURS[word]) if word in COLOURS else None


def _mean(colour: Rgb) -> float:
    return sum(colour) / 3


def _times(colour: Rgb, by: Rgb) -> Rgb:
    return (colour[0] * by[0], colour[1] * by[1], colour[2] * by[2])
