"""The class lists that maps and models share: names, synonyms and the exact colours a ControlNet was trained on."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..protocol.errors import InvalidInput

_FOLDER = Path(__file__).parent / "vocabularies"


@dataclass(frozen=True)
class VocabularyClass:
    """One row of a vocabulary."""

    id: int
    """index in the vocabulary; what stands in ``SceneMaps.class_map``"""
    name: str
    synonyms: tuple[str, ...]
    color: tuple[int, int, int]
    """display-referred sRGB, 0..255"""
    is_thing: bool
    """Countable object (True) or stuff and structure (False). ADE20K: the 100 categories of the MIT scene parsing
    challenge's instance task are things, the other 50 are not. COCO: as published in its panoptic categories."""
    is_surface: bool
    """Makes up the room or the land (wall, floor, sky, ground, road …): to replace it would replace the scene.
    Our own column, for both vocabularies."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """A class list; ``classes[i].id == i``. Get one from ``load``."""

    name: str
    """what ``load`` takes; of a user's own vocabulary the absolute path of its file"""
    classes: tuple[VocabularyClass, ...]
    palette: np.ndarray
    """uint8 N×3, read-only; not invertible (some classes share a colour)"""
    _ids: dict[str, int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def title(self) -> str:
        """A short name for people."""
        return self.name if is_builtin(self.name) else Path(self.name).stem

    def to_rows(self) -> list[dict[str, Any]]:
        """The classes as plain values, as a JSON vocabulary file has them."""
        return [
            {
                "name": one.name,
                "color": list(one.color),
                "synonyms": list(one.synonyms),
                "isthing": one.is_thing,
                "surface": one.is_surface,
            }
            for one in self.classes
        ]

    def find(self, name: str) -> VocabularyClass | None:
        """The class with this name or synonym; case, spaces, "_" and "-" do not matter. None if there is none."""
        index = self._ids.get(_normal(name))
        return None if index is None else self.classes[index]

    def lookup(self, name: str) -> VocabularyClass:
        """As ``find``, but raises InvalidInput that names close matches."""
        found = self.find(name)
        if found is None:
            raise InvalidInput(
                f"{name!r} is not a class of the vocabulary {self.name}",
                _did_you_mean(_normal(name), self._ids, "Use a class name or synonym of the vocabulary"),
            )
        return found


def available() -> tuple[str, ...]:
    """Names that ``load`` takes."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.csv")))


def is_builtin(name: str) -> bool:
    """Whether a vocabulary comes with the add-on: those are the ones that models and servers know."""
    return name in available()


def load(name: str = "ade20k") -> Vocabulary:
    """The vocabulary of that name, or of a file of the user's own (see ``vocabulary_files``). Cached.

    Raises:
        InvalidInput: neither; or a file that cannot be read as a vocabulary, with what is wrong in it.
    """
    if is_builtin(name):
        return _load_builtin(name)
    from . import vocabulary_files  # it builds on this module

    if vocabulary_files.is_file_name(name):
        return vocabulary_files.load(name)
    raise InvalidInput(
        f"Unknown vocabulary {name!r}", f"Choose one of: {', '.join(available())}, or give a .csv or .json file"
    )


@cache
def _load_builtin(name: str) -> Vocabulary:
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return make(name, tuple(_read_class(row) for row in csv.DictReader(file)))


def make(name: str, classes: tuple[VocabularyClass, ...]) -> Vocabulary:
    """A vocabulary of these classes, ``classes[i].id == i``."""
    palette = np.array([one.color for one in classes], np.uint8).reshape(-1, 3)
    palette.setflags(write=False)
    return Vocabulary(name, classes, palette, _index(classes))


def _read_class(row: dict[str, str]) -> VocabularyClass:
    return VocabularyClass(
        id=int(row["index"]),
        name=row["name"],
        synonyms=tuple(word for word in row["synonyms"].split(";") if word),
        color=(int(row["r"]), int(row["g"]), int(row["b"])),
        is_thing=row["isthing"] == "1",
        is_surface=row["surface"] == "1",
    )


def _index(classes: tuple[VocabularyClass, ...]) -> dict[str, int]:
    """Normal form of every name and synonym to its class; names win over synonyms, earlier classes over later ones."""
    ids: dict[str, int] = {}
    for one in classes:
        ids.setdefault(_normal(one.name), one.id)
    for one in classes:
        for synonym in one.synonyms:
            ids.setdefault(_normal(synonym), one.id)
    return ids


def _normal(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _did_you_mean(name: str, known: dict[str, int], otherwise: str) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(map(repr, close))}" if close else otherwise
