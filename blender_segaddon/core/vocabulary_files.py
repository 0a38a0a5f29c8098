"""Vocabularies of the user's own, from a file.

CSV with a header, or JSON: a list of classes, or an object whose "classes" or "categories" (as COCO writes them) is
one. The order of the classes is their index. Columns or keys of a class:

- name (needed).
- color: "#rrggbb", or three numbers 0..255 ("120 80 30", [120, 80, 30]); or columns r, g, b. Where no class has one,
  all get colours that are far apart.
- synonyms: separated by ";", or a list.
- isthing: 1 for countable objects, 0 for stuff; surface: 1 for what makes up the room or the land. Where they are
  missing they are taken from the class of ADE20K that has the name, else thing and no surface.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..protocol.errors import InvalidInput
from .vocabulary import Vocabulary, VocabularyClass, make
from .vocabulary import load as load_builtin

MAX_CLASSES = 65534
"""What the class map can hold beside ``NO_CLASS``."""
_MAX_BYTES = 32 << 20
_SUFFIXES = (".csv", ".json")
_TRUTH = {"1": True, "true": True, "yes": True, "thing": True, "0": False, "false": False, "no": False, "stuff": False}

_Row = Mapping[str, Any]
_loaded: dict[str, tuple[float, Vocabulary]] = {}
"""path → (time of its last change, vocabulary); 0 for one that came with maps."""


def is_file_name(name: str) -> bool:
    """Whether a name of a vocabulary is that of a file."""
    return name.lower().endswith(_SUFFIXES)


def load(path: str) -> Vocabulary:
    """The vocabulary in a file, read again when the file has changed; its name is the absolute path.

    Raises:
        InvalidInput: the file cannot be read, has no class, too many, two of one name or colour, or a bad colour.
    """
    file = Path(path).expanduser().absolute()
    name = str(file)
    try:
        changed = file.stat().st_mtime
        if name not in _loaded or _loaded[name][0] != changed:
            if file.stat().st_size > _MAX_BYTES:
                raise InvalidInput(f"{file.name} is larger than a vocabulary can be", "Give a file of classes")
            _loaded[name] = changed, from_rows(name, _read(file.name, file.read_bytes()))
    except OSError as error:
        if name not in _loaded:
            reason = error.strerror or str(error)
            raise InvalidInput(f"Vocabulary {file} cannot be read: {reason}", "Choose a .csv or .json file") from error
    return _loaded[name][1]


def remember(name: str, rows: Iterable[_Row]) -> None:
    """Know a vocabulary that came with maps, for when its file is gone. Raises InvalidInput as ``load``."""
    if is_file_name(name) and name not in _loaded and not Path(name).is_file():
        _loaded[name] = 0.0, from_rows(name, list(rows))


def from_rows(name: str, rows: list[_Row]) -> Vocabulary:
    """A vocabulary of rows as ``Vocabulary.to_rows`` gives them. Raises InvalidInput, naming row and fault."""
    file = Path(name).name
    if not 1 <= len(rows) <= MAX_CLASSES:
        raise InvalidInput(f"{file} has {len(rows)} classes", f"A vocabulary has 1 to {MAX_CLASSES}")
    colours = [_colour(row, f"{file}, class {number}") for number, row in enumerate(rows, start=1)]
    given = [colour for colour in colours if colour is not None]
    if given and len(given) < len(rows):
        raise InvalidInput(f"{file}: class {colours.index(None) + 1} has no colour", "Give all classes one, or none")
    given = given or _far_apart(len(rows))
    classes = tuple(_class(number, row, given[number], file) for number, row in enumerate(rows))
    _check_unique([one.name.casefold() for one in classes], file, "name")
    _check_unique([one.color for one in classes], file, "colour")
    return make(name, classes)


def _read(file: str, data: bytes) -> list[_Row]:
    try:
        text = data.decode("utf-8-sig")
        return _json_rows(text, file) if file.lower().endswith(".json") else _csv_rows(text)
    except (ValueError, csv.Error, RecursionError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", "Save it as UTF-8 CSV with a header, or JSON") from error


def _csv_rows(text: str) -> list[_Row]:
    dialect = csv.excel
    if ";" in text.partition("\n")[0] and "," not in text.partition("\n")[0]:  # as Excel writes it in much of Europe
        dialect = type("Semicolons", (csv.excel,), {"delimiter": ";"})
    rows = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect, strict=True)
    return [{(key or "").strip().lower(): value for key, value in row.items()} for row in rows]


def _json_rows(text: str, file: str) -> list[_Row]:
    data = json.loads(text)
    if isinstance(data, dict):
        data = data.get("classes", data.get("categories"))
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise InvalidInput(f"{file} holds no list of classes", 'Write [{"name": "wall", "color": [120, 120, 120]}, …]')
    return [{str(key).lower(): value for key, value in row.items()} for row in data]


def _class(number: int, row: _Row, colour: tuple[int, int, int], file: str) -> VocabularyClass:
    name = str(row.get("name") or "").strip()
    if not name:
        raise InvalidInput(f"{file}: class {number + 1} has no name", "Give every class a name, in a column 'name'")
    known, where = load_builtin("ade20k").find(name), f"{file}, class {name!r}"
    return VocabularyClass(
        id=number,
        name=name,
        synonyms=_synonyms(row.get("synonyms")),
        color=colour,
        is_thing=_truth(row.get("isthing"), known is None or known.is_thing, f"{where}: isthing"),
        is_surface=_truth(row.get("surface"), known is not None and known.is_surface, f"{where}: surface"),
    )


def _synonyms(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else str(value or "").split(";")
    return tuple(text for word in words if (text := str(word).strip()))


def _truth(value: object, otherwise: bool, where: str) -> bool:
    text = "" if value is None else str(value).strip().lower()
    if text and text not in _TRUTH:
        raise InvalidInput(f"{where} is {value!r}", "Write 1 or 0")
    return _TRUTH.get(text, otherwise)


def _colour(row: _Row, where: str) -> tuple[int, int, int] | None:
    value = row.get("color") or row.get("colour")
    if value is None and any(str(row.get(channel) or "").strip() for channel in "rgb"):
        value = [row.get(channel) for channel in "rgb"]
    if value is None or value == "":
        return None
    numbers = _numbers(value)
    if len(numbers) != 3 or not all(0 <= one <= 255 for one in numbers):
        raise InvalidInput(f"{where} has the colour {value!r}", "Write #rrggbb, or three whole numbers 0 to 255")
    return numbers[0], numbers[1], numbers[2]


def _numbers(value: object) -> list[int]:
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
            return list(bytes.fromhex(text[1:]))
        value = re.split(r"[\s,;]+", text.strip("()[]"))
    if not isinstance(value, list):
        return []
    texts = [str(one).strip() for one in value]
    return [int(text) for text in texts if re.fullmatch(r"\d{1,3}", text)] if len(texts) == 3 else []


def _far_apart(count: int) -> list[tuple[int, int, int]]:
    """Colours that differ: the bits of the index, highest first, dealt out to the channels (as VOC palettes are)."""
    colours = []
    for number in range(1, count + 1):
        channels = [0, 0, 0]
        for bit in range(24):
            channels[bit % 3] |= (number >> bit & 1) << (7 - bit // 3)
        colours.append(tuple(channels))
    return colours


def _check_unique(values: list[Any], file: str, what: str) -> None:
    seen: dict[Any, int] = {}
    for number, value in enumerate(values, start=1):
        if value in seen:
            raise InvalidInput(
                f"{file}: classes {seen[value]} and {number} have the same {what} {value!r}", "Change one"
            )
        seen[value] = number
