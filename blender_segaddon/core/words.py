"""What single words mean: the table of words that people name things with, and how a name falls into words.

words.csv has one row a class: ``class`` (of ADE20K; "-" = a thing that no class fits), ``kind``, ``language`` and
``words`` separated by ";". Spaces in a word do not matter ("street lamp" also stands for "streetlamp"). Kinds:

- thing: an object of its own.
- place: what other things stand in, on or at (wall, table, road): in "wall_clock" the clock wins.
- part: a part or material (roof, leaves, stone); counts only where no thing or place is named.
- ignore: a synonym of the vocabulary that means something else in names ("case", "machine").
- noise: says nothing about the class (primitives, sizes, colours, "low poly").
- link: what follows it belongs to something else ("wall with door", "box of books").

words_coco.csv leads from classes of ADE20K to those of COCO where the names differ.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .maps import NO_CLASS
from .vocabulary import Vocabulary, load

_FOLDER = Path(__file__).parent
_RANKS = {"thing": 3, "place": 2, "part": 1}
_MAX_WORDS = 4
"""longest phrase of the table, in words"""
_MIN_COMPOUND = 4
"""letters of each half when an unknown word is taken apart; shorter halves occur by chance ("bar" + "rack")"""


@dataclass(frozen=True)
class Meaning:
    """What a word stands for in one vocabulary."""

    class_id: int
    """index in the vocabulary; ``NO_CLASS``: a known thing that has no class there"""
    rank: int
    """3 thing, 2 place, 1 part"""


@dataclass(frozen=True)
class Match:
    """A word of a name that is known."""

    meaning: Meaning
    start: int
    """first and, exclusive, last position among the words of the name"""
    end: int
    plural: bool


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Every known word for one vocabulary, keys folded and without spaces. Get one from ``lexicon``."""

    meanings: dict[str, Meaning]
    noise: frozenset[str]
    links: frozenset[str]

    def find(self, words: list[str]) -> list[Match]:
        """The known words and phrases of a name in order, longest phrase first; never a part of a word."""
        found: list[Match] = []
        position = 0
        while position < len(words):
            matches = self._at(words, position)
            found += matches
            position = max([position + 1, *(one.end for one in matches)])
        return found

    def says_nothing(self, words: list[str]) -> bool:
        """True if all words are noise ("Cube", "Mesh_012", "low_poly")."""
        return all(word in self.noise or len(word) < 3 for word in words)

    def _at(self, words: list[str], start: int) -> list[Match]:
        for end in range(min(start + _MAX_WORDS, len(words)), start, -1):
            key = "".join(words[start:end])
            if key in self.noise:
                return []
            for form in _singulars(key):
                if form in self.meanings:
                    return [Match(self.meanings[form], start, end, plural=form != key)]
        halves = self._compound(words[start])
        return [Match(self.meanings[half], start, start + 1, plural=False) for half in halves]

    def _compound(self, word: str) -> tuple[str, str] | tuple[()]:
        """("house", "wall") for "housewall": both halves must be known words."""
        for cut in range(_MIN_COMPOUND, len(word) - _MIN_COMPOUND + 1):
            first, second = word[:cut], word[cut:]
            if first in self.meanings and second in self.meanings:
                return first, second
        return ()


@cache
def lexicon(vocabulary: str) -> Lexicon:
    """The words for the vocabulary of that name (cached). Raises InvalidInput for an unknown vocabulary."""
    target = load(vocabulary)
    meanings: dict[str, Meaning] = {}
    others: dict[str, set[str]] = {"ignore": set(), "noise": set(), "link": set()}
    for row in _rows("words.csv"):
        keys = ["".join(split(word)) for word in row["words"].split(";")]
        if row["kind"] in _RANKS:
            meaning = Meaning(_class_id(row["class"], target), _RANKS[row["kind"]])
            meanings.update(dict.fromkeys(keys, meaning))
        else:
            others[row["kind"]].update(keys)
    meanings.update(_own_words(target, meanings, others["ignore"]))
    return Lexicon(meanings, frozenset(others["noise"]), frozenset(others["link"]))


def _own_words(target: Vocabulary, meanings: dict[str, Meaning], ignored: set[str]) -> dict[str, Meaning]:
    """Names and synonyms of the vocabulary that the table does not have, or has without a class."""
    own: dict[str, Meaning] = {}
    for one in target.classes:
        for word in (one.name, *one.synonyms):
            key = "".join(split(word))
            known = meanings.get(key)
            if key not in ignored and (known is None or known.class_id == NO_CLASS):
                own.setdefault(key, Meaning(one.id, 3 if one.is_thing else 2))
    return own


def _class_id(ade20k: str, target: Vocabulary) -> int:
    renamed = _renamed().get(ade20k, ade20k) if target.name == "coco_panoptic" else ade20k
    found = target.find(renamed)
    return NO_CLASS if found is None else found.id


@cache
def _renamed() -> dict[str, str]:
    return {row["ade20k"]: row["coco_panoptic"] for row in _rows("words_coco.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# What generators of names append or write instead of a name.
_NOT_A_NAME = re.compile(
    r"""\.\d{3,}$                                                  # Blender's .001
    | ^(Box|Plane|Line|Rectangle|Sphere|Cylinder)\d{2,3}$          # primitives of 3ds Max
    | [0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}                  # UUID
    | ^[0-3](?=.*\d.*\d)[0-9A-Za-z_$]{21}$                         # IFC GUID
    | \b(?=[0-9a-f]*\d[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b # hash
    | FBXASC\d{3}                                                  # characters escaped by FBX exporters
    """,
    re.VERBOSE | re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


def split(name: str) -> list[str]:
    """The words of a name, lower case, without accents, digits and single letters.

    "HouseWallB_01.003" gives ["house", "wall"], "Straßenlaterne" ["strassenlaterne"].
    """
    latin = unicodedata.normalize("NFC", name).translate(_UMLAUTS)
    plain = "".join(one for one in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(one))
    return [word.lower() for word in _WORD.findall(_NOT_A_NAME.sub(" ", plain)) if len(word) > 1]


def _singulars(word: str) -> Iterator[str]:
    """The word itself, then what it may be the plural of."""
    yield word
    for ending, singular in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")):
        if len(word) > 3 and word.endswith(ending) and not word.endswith("ss"):
            yield word.removesuffix(ending) + singular
