"""What the painter understands of a prompt: its mood, and colours or materials for things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace

from .mood import Mood, mood_of


@dataclass(frozen=True)
class Wish:
    """What a phrase asks of one kind of thing."""

    colour: str = ""
    """"#rrggbb", "" where nothing is said"""
    recipe: str = ""
    noun: str = ""
    """name of a class"""


@dataclass(frozen=True)
class Reading:
    """A prompt, read."""

    mood: Mood
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    """by class name; "roof" and "window" stand for parts of buildings"""
    subject: Wish = Wish()
    """all colour and material words together, for a prompt that describes one thing"""
    understood: tuple[str, ...] = ()
    """words that change a whole picture"""

    @property
    def named(self) -> tuple[str, ...]:
        """The subject in words, for what is painted under a mask: colour, material, thing."""
        colour = next((word for word, text in COLOURS.items() if text == self.subject.colour), "")
        return tuple(filter(None, (colour, self.subject.recipe, self.subject.noun)))


COLOURS = {
    "red": "#9a4138",
    "blue": "#41648f",
    "green": "#587650",
    "yellow": "#ccab58",
    "orange": "#bf7844",
    "purple": "#6c5484",
    "pink": "#d68fa0",
    "white": "#e6e3dc",
    "black": "#26262a",
    "grey": "#86878a",
    "gray": "#86878a",
    "brown": "#6e4c34",
    "beige": "#cdbb98",
    "turquoise": "#3f9a98",
    "teal": "#2c7475",
    "gold": "#b98c3a",
    "golden": "#b98c3a",
    "silver": "#b4b7bb",
    "cream": "#e7dcc0",
    "navy": "#26365c",
    "violet": "#70529a",
    "crimson": "#86333b",
    "ochre": "#bd8a3e",
}

RECIPES = {
    "brick": "brick",
    "bricks": "brick",
    "wood": "wood",
    "wooden": "wood",
    "oak": "wood",
    "timber": "wood",
    "planks": "planks",
    "plank": "planks",
    "parquet": "planks",
    "stone": "rock",
    "rock": "rock",
    "rocky": "rock",
    "marble": "ceramic",
    "tiled": "tiles",
    "tiles": "tiles",
    "tile": "tiles",
    "concrete": "concrete",
    "plaster": "plaster",
    "stucco": "plaster",
    "metal": "metal",
    "steel": "metal",
    "iron": "metal",
    "chrome": "metal",
    "glass": "glass",
    "fabric": "fabric",
    "velvet": "fabric",
    "linen": "fabric",
    "leather": "leather",
    "plastic": "plastic",
    "grassy": "grass",
    "sandy": "sand",
    "cobblestone": "paving",
    "cobbled": "paving",
    "paved": "paving",
    "gravel": "soil",
    "asphalt": "asphalt",
    "mossy": "grass",
    "leafy": "leaves",
    "ceramic": "ceramic",
    "porcelain": "ceramic",
    "bush": "leaves",
    "hedge": "leaves",
    "shrub": "leaves",
    "ivy": "leaves",
    "foliage": "leaves",
    "lawn": "grass",
    "crate": "planks",
    "mud": "soil",
    "dirt": "soil",
    "lava": "lamp",
    "ice": "ceramic",
}


def read(prompt: str, nouns: Mapping[str, tuple[str, ...]]) -> Reading:
    """Reads a prompt. Unknown words are passed over.

    Args:
        prompt: free English text.
        nouns: words (also of several parts, "coffee table") → names of the classes that they mean.
    """
    text: str = " ".join(re.findall(r"[a-z]+", prompt.lower()))
    text = re.sub(r"\b(?:no|not|without)(?: (?:at|a|an|any|the))* [a-z]+", " ", text)
    mood, words = mood_of(text)
    wishes, subject, phrases = _things(list[str](text.split()), nouns)
    return Reading(mood, wishes, subject, tuple(dict.fromkeys(words + phrases)))


def _things(words: list[str], nouns: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, Wish], Wish, list[str]]:
    """(wishes by class name, what the prompt is about, the phrases read).

    Colour and material words stick to the next noun, at most three words on; the first noun is the subject.
    """
    wishes: dict[str, Wish] = {}
    subject, loose, phrases = Wish(), Wish(), []
    pending, phrase, since = Wish(), [], 0
    at = 0
    while at < len(words):
        noun, taken = _noun_at(words, at, nouns)
        adjective = Wish(COLOURS.get(words[at], ""), RECIPES.get(words[at], ""))
        if noun and (noun not in RECIPES or phrase):
            if phrase:
                wishes.update(dict.fromkeys(nouns[noun], pending))
                phrases.append(" ".join([*phrase, noun]))
            subject = subject if subject.noun else replace(pending, noun=nouns[noun][0])
            pending, phrase = Wish(), []
        elif adjective != Wish():
            pending, phrase, since = _join(pending, adjective), [*phrase, words[at]], 0
        elif (since := since + 1) > 2:
            loose, pending, phrase = _join(loose, pending), Wish(), []
        at += taken or 1
    return wishes, _join(_join(loose, pending), subject), phrases


def _noun_at(words: list[str], at: int, nouns: Mapping[str, tuple[str, ...]]) -> tuple[str, int]:
    for size in (3, 2, 1):
        phrase = " ".join(words[at : at + size])
        for form in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es")):
            if form in nouns and len(words) >= at + size:
                return form, size
    return "", 0


def _join(first: Wish, second: Wish) -> Wish:
    """``second`` wins where it says something."""
    return Wish(*(b or a for a, b in zip(astuple(first), astuple(second), strict=True)))
