"""Prompts for training: words that change a picture, and others that must not."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.core.prompting import compose

Random = np.random.Generator

TIMES = {
    "night": ("night", "midnight", "moonlit"),
    "sunset": ("sunset", "dusk", "evening", "golden hour"),
    "dawn": ("dawn", "sunrise", "morning"),
    "noon": ("noon", "midday", "day"),
}
WEATHER = {
    "snow": ("snow", "snowy", "winter"),
    "rain": ("rain", "rainy", "wet"),
    "fog": ("fog", "foggy", "mist", "misty"),
    "sunny": ("sunny", "clear", "summer"),
    "cloudy": ("cloudy",),
    "overcast": ("overcast",),
    "storm": ("storm", "stormy"),
}
SEASONS = {"autumn": ("autumn", "fall"), "spring": ("spring", "blossom")}
STYLES = {
    "watercolour": ("watercolour", "watercolor"),
    "ink": ("ink", "sketch"),
    "pastel": ("pastel", "muted"),
    "vivid": ("vivid", "vibrant"),
    "warm": ("warm", "cosy"),
    "cold": ("cold",),
    "dark": ("dark", "gloomy"),
}
JUDGED = ("", "night", "sunset", "dawn", "snow", "rain", "fog", "autumn", "cloudy", "storm", "watercolour", "ink")
"""Words that a picture of any place under the sky shows, and none of them."""
COLOURS = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "white", "black", "grey", "brown", "turquoise")
MATERIALS = ("brick", "wooden", "stone", "concrete", "metal")
FILLING = (
    "a",
    "an",
    "the",
    "with",
    "and",
    "of",
    "in",
    "at",
    "on",
    "photograph",
    "photo",
    "picture",
    "natural light",
    "detailed",
    "fine detail",
    "35mm lens",
    "quiet",
    "old",
    "modern",
    "beautiful",
    "small",
    "large",
    "street",
    "village",
    "town",
    "city",
    "harbour",
    "landscape",
    "room",
    "living room",
    "kitchen",
    "bedroom",
    "office",
    "painting",
    "drawing",
    "illustration",
    "calm",
    "late",
    "afternoon",
    "light",
    "people",
    "buildings",
    "houses",
    "trees",
    "cars",
    "windows",
)
DESCRIBED = (
    "car",
    "house",
    "building",
    "wall",
    "door",
    "chair",
    "sofa",
    "table",
    "bed",
    "fence",
    "boat",
    "bus",
    "truck",
    "cabinet",
    "armchair",
    "rug",
    "floor",
    "curtain",
    "person",
    "lamp",
    "box",
    "skyscraper",
    "bench",
    "wardrobe",
)


def mood(random: Random) -> str:
    """Words for the time, the weather, the season and the style; each may be missing."""
    chosen = []
    for group, chance in ((TIMES, 0.55), (WEATHER, 0.45), (SEASONS, 0.25), (STYLES, 0.2)):
        if random.random() < chance:
            words = group[str(random.choice(list(group)))]
            chosen.append(str(random.choice(words)))
    random.shuffle(chosen)
    return ", ".join(chosen)


def look(random: Random) -> str:
    """A colour, a material or both."""
    colour, material = str(random.choice(COLOURS)), str(random.choice(MATERIALS))
    return str(random.choice([colour, colour, colour, material, f"{colour} {material}"]))


def around(random: Random, words: str, maps: SceneMaps) -> str:
    """The same words in a sentence such as people write: what is added says nothing new."""
    parts = [words] if words else []
    if random.random() < 0.5:
        parts.insert(int(random.integers(0, len(parts) + 1)), compose(maps))
    for _ in range(random.integers(0, 3)):
        parts.insert(int(random.integers(0, len(parts) + 1)), str(random.choice(FILLING)))
    return ", ".join(filter(None, parts))
