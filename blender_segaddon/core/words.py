"""What single words mean: the tables of words that people name things with, and how a name falls into words.

words.csv (English) and words_world.csv (other languages) have rows of ``class`` (of ADE20K; "-" = a thing that no class
fits), ``kind``, ``language`` and ``words`` separated by ";". Spaces in a word do not matter ("street lamp" also stands
for "streetlamp"). Kinds:

- thing: an object of its own.
- sort: a thing that only says which sort where another thing is named before it ("tree_papaya", "crate_apples").
- place: what other things stand in, on or at (wall, table, road): in "wall_clock" the clock wins.
- venue: a place whose name stands before what belongs to it ("hospital_nursesstation"); counts only where no unknown
  word follows.
- part: a part or material (roof, leaves, stone, wheel); counts only where no thing or place is named.
- ignore: a synonym of the vocabulary that means something else in names ("case", "machine").
- noise: says nothing about the class (primitives, sizes, colours, "low poly").
- link: what follows it belongs to something else ("wall with door", "box of books").
- head: a short word that may end a compound of its language ("Hauswand"); longer ones may anyway.

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
_RANKS = {"thing": 3, "sort": 3, "place": 2, "venue": 2, "part": 1}
_MAX_WORDS = 4
"""longest phrase of the table, in words"""
_MIN_COMPOUND = 4
"""letters of each half when an unknown word is taken apart; shorter halves occur by chance ("bar" + "rack")"""
_MIN_HEAD = 5
"""letters of a known word that may end an unknown compound; the table lists shorter ones that never do by chance"""
_GLUED = ("de", "nl", "sv")
"""Languages that write compounds as one word, with what the thing is at the end ("Küchenschrank")."""
_HEAD_FIRST = ("fr", "es", "it", "pt")
"""Languages that say what the thing is first ("mesa comedor")."""


@dataclass(frozen=True)
class Meaning:
    """What a word stands for in one vocabulary."""

    class_id: int
    """index in the vocabulary; ``NO_CLASS``: a known thing that has no class there"""
    kind: str
    """"thing", "sort", "place", "venue" or "part": see above"""

    @property
    def rank(self) -> int:
        """3 thing, 2 place, 1 part; the higher wins within a name."""
        return _RANKS[self.kind]


@dataclass(frozen=True)
class Match:
    """A word of a name that is known."""

    meaning: Meaning
    start: int
    """first and, exclusive, last position among the words of the name"""
    end: int
    plural: bool = False
    leads: bool = False
    """from a language that says what the thing is first"""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Every known word for one vocabulary, keys folded and without spaces. Get one from ``lexicon``."""

    meanings: dict[str, Meaning]
    noise: frozenset[str]
    links: frozenset[str]
    heads: frozenset[str]
    """words that may end a compound whose first half is unknown"""
    leading: frozenset[str]
    """words of languages that say what the thing is first"""

    def find(self, words: list[str]) -> list[Match]:
        """The known words and phrases of a name in order, longest phrase first; never a part of a word."""
        found: list[Match] = []
        position = 0
        while position < len(words):
            matches, position = self._at(words, position)
            found += matches
        return found

    def knows(self, word: str) -> bool:
        """Whether a word, or what it may be the plural of, is known or noise."""
        return word in self.noise or any(form in self.meanings for form in _singulars(word))

    def says_nothing(self, words: list[str]) -> bool:
        """True if all words are noise ("Cube", "Mesh_012", "low_poly")."""
        return all(word in self.noise or (len(word) < 3 and word not in self.meanings) for word in words)

    def _at(self, words: list[str], start: int) -> tuple[list[Match], int]:
        """What begins at a word, and the position behind it."""
        for end in range(min(start + _MAX_WORDS, len(words)), start, -1):
            key = "".join(words[start:end])
            if key in self.noise:
                return [], end
            for form in _singulars(key):
                if form in self.meanings:
                    return [Match(self.meanings[form], start, end, form != key, form in self.leading)], end
        return [Match(self.meanings[part], start, start + 1) for part in self._compound(words[start])], start + 1

    def _compound(self, word: str) -> tuple[str, ...]:
        """("house", "wall") for "housewall", ("schrank",) for "kuechenschrank", ("椅子",) for "木製椅子"."""
        if not word.isascii():
            return next(((word[cut:],) for cut in range(1, len(word)) if word[cut:] in self.meanings), ())
        halves = [(word[:cut], word[cut:]) for cut in range(_MIN_COMPOUND, len(word) - _MIN_COMPOUND + 1)]
        for first, second in halves:
            known = next((form for form in _singulars(second) if form in self.meanings), None)
            if known is not None and (first in self.meanings or first in self.noise):
                return tuple(part for part in (first, known) if part in self.meanings)
        ends = (form for cut in range(3, len(word)) for form in _singulars(word[cut:]))
        return next(((form,) for form in ends if form in self.heads), ())


@cache
def lexicon(vocabulary: Vocabulary) -> Lexicon:
    """The words for a vocabulary (cached)."""
    meanings: dict[str, Meaning] = {}
    others: dict[str, set[str]] = {"ignore": set(), "noise": set(), "link": set(), "head": set()}
    leading: set[str] = set()
    for row in _rows("words.csv") + _rows("words_world.csv"):
        keys = ["".join(split(word)) for word in row["words"].split(";")]
        if row["kind"] in _RANKS:
            meaning = Meaning(class_from_ade20k(row["class"], vocabulary), row["kind"])
            meanings.update(dict.fromkeys(keys, meaning))
            leading.update(keys if row["language"] in _HEAD_FIRST else ())
            if row["language"] in _GLUED and meaning.rank > 1:
                others["head"].update(key for key in keys if len(key) >= _MIN_HEAD)
        else:
            others[row["kind"]].update(keys)
    meanings.update(_own_words(vocabulary, meanings, others["ignore"]))
    noise, links, heads = (frozenset(others[kind]) for kind in ("noise", "link", "head"))
    return Lexicon(meanings, noise, links, heads, frozenset(leading))


def _own_words(target: Vocabulary, meanings: dict[str, Meaning], ignored: set[str]) -> dict[str, Meaning]:
    """Names and synonyms of the vocabulary that the table does not have, or has without a class."""
    own: dict[str, Meaning] = {}
    for one in target.classes:
        for word in (one.name, *one.synonyms):
            key = "".join(split(word))
            known = meanings.get(key)
            if key and key not in ignored and (known is None or known.class_id == NO_CLASS):
                own.setdefault(key, Meaning(one.id, "thing" if one.is_thing else "place"))
    return own


def class_from_ade20k(name: str, target: Vocabulary) -> int:
    """The class of a vocabulary that a class of ADE20K falls into, ``NO_CLASS`` where there is none or for "-"."""
    source = load("ade20k").find(name)
    if source is None:
        return NO_CLASS
    for word in (source.name, _renamed().get(source.name), *source.synonyms):
        found = target.find(word) if word else None
        if found is not None:
            return found.id
    return NO_CLASS


@cache
def _renamed() -> dict[str, str]:
    return {row["ade20k"]: row["coco_panoptic"] for row in _rows("words_coco.csv")}


@cache
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
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_a-zA-Z]+")
_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "æ": "ae", "œ": "oe", "Œ": "Oe"}
    | {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ı": "i", "đ": "d"}
)
"""Letters that Unicode does not take apart into a plain one and an accent, or that German writes out."""


def split(name: str) -> list[str]:
    """The words of a name, lower case, without accents, digits and single Latin letters.

    "HouseWallB_01.003" gives ["house", "wall"], "Straßenlaterne" ["strassenlaterne"], "椅子_2" ["椅子"].
    """
    latin = unicodedata.normalize("NFC", name).translate(_LETTERS)
    apart = "".join(one for one in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(one))
    plain = unicodedata.normalize("NFC", apart)
    words = (word.lower() for word in _WORD.findall(_NOT_A_NAME.sub(" ", plain)))
    return [word for word in words if len(word) > 1 or not word.isascii()]


def _singulars(word: str) -> Iterator[str]:
    """The word itself, then what it may be the plural of."""
    yield word
    for ending, singular in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")):
        if len(word) > 3 and word.endswith(ending) and not word.endswith("ss"):
            yield word.removesuffix(ending) + singular
