"""Looks by name: what a style adds to the words of a prompt."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..protocol.errors import InvalidInput

_OWN = Path(__file__).with_name("styles.toml")
_PLACE = "{prompt}"


@dataclass(frozen=True)
class Style:
    """A look."""

    name: str
    prompt: str
    """with {prompt} where the user's words go"""
    negative: str = ""

    def apply(self, prompt: str, negative: str = "") -> tuple[str, str]:
        """The words in this style: (prompt, negative prompt)."""
        told = self.prompt.replace(_PLACE, prompt.strip()).strip(" ,")
        return told, ", ".join(filter(None, (negative.strip(), self.negative)))


def load(files: Iterable[Path] = ()) -> dict[str, Style]:
    """The styles by name: those shipped, then those of the user's files (TOML, as core/styles.toml).

    Raises:
        InvalidInput: a file that cannot be read or holds no styles.
    """
    styles = dict(_shipped())
    for path in files:
        styles |= _read(path)
    return styles


def find(name: str, files: Iterable[Path] = ()) -> Style:
    """The style of this name. Raises InvalidInput that names those there are."""
    styles = load(files)
    if name not in styles:
        raise InvalidInput(f"There is no style {name!r}", f"Choose one of: {', '.join(sorted(styles))}")
    return styles[name]


@cache
def _shipped() -> dict[str, Style]:
    return _read(_OWN)


def _read(path: Path) -> dict[str, Style]:
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"The styles in {path} cannot be read: {error}", "Correct the file") from error
    return {name: _style(name, entry, path) for name, entry in entries.items()}


def _style(name: str, entry: object, path: Path) -> Style:
    right = isinstance(entry, dict) and set(entry) <= {"prompt", "negative"} and _PLACE in str(entry.get("prompt"))
    if not isinstance(entry, dict) or not right or not all(isinstance(text, str) for text in entry.values()):
        hint = "Give it the text prompt, with {prompt} in it, and perhaps the text negative"
        raise InvalidInput(f"The style {name!r} in {path} is not described rightly", hint)
    return Style(name, entry["prompt"], entry.get("negative", ""))
