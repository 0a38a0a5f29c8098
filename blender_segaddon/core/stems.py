"""Names of copies: "House_03.001" and "House_07" are both "House"."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"(?:[\s._\-#(]*\d+\)?)+$")
_COPY = re.compile(r"\.\d{3,}$")


def copy_stem(name: str) -> str:
    """What Blender's own copies share: "House_03" for "House_03.001"."""
    return _COPY.sub("", name)


def stem(name: str) -> str:
    """A name without any numbers at its end; the name itself where nothing else is in it."""
    return _NUMBER.sub("", name).rstrip(" ._-") or name


def grouped(names: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """(stem, names) of names that differ by numbers only, the largest groups first."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(stem(name), []).append(name)
    return sorted(((key, tuple(group)) for key, group in groups.items()), key=lambda one: (-len(one[1]), one[0]))
