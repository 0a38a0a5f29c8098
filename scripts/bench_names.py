"""How many names the add-on understands: right, wrong and none for each list of hand-labelled names.

.venv/bin/python -m scripts.bench_names [LIST.csv ...] [--by-source] [--misses] [--json FILE]

A list has the columns ``object`` (or ``name``) and ``class``, and may have ``source`` (or ``scene``), ``data``,
``parents``, ``collections``, ``materials``, ``instancer`` (several names separated by ";") and ``objects`` (how many
objects have that row). ``class`` holds the ADE20K classes that are right, separated by "|", and "-" where giving no
class is right. Without a LIST, all lists of the project are measured.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from blender_segaddon.core.naming import ClassMatch, NameEvidence, classify
from blender_segaddon.core.vocabulary import load

LISTS = Path(__file__).parent.parent / "tests" / "unit" / "data"


@dataclass(frozen=True)
class Share:
    """What became of the names of one list or source; the three shares add up to 1."""

    names: int
    right: float
    """got a class that the label has, or none where the label says so"""
    wrong: float
    """got a class that the label does not have"""
    none: float
    """got no class though the label has one"""


@dataclass(frozen=True)
class Answer:
    """One labelled row and what was made of it."""

    source: str
    name: str
    labels: tuple[str, ...]
    match: ClassMatch
    objects: int

    @property
    def verdict(self) -> str:
        """ "right", "wrong" or "none"."""
        if (self.match.class_name or "-") in self.labels:
            return "right"
        return "none" if self.match.class_name is None else "wrong"


def answers(path: Path) -> list[Answer]:
    """What the classifier says to each row of a list."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_answer(row, path.stem) for row in csv.DictReader(file)]


def _answer(row: dict[str, str], otherwise: str) -> Answer:
    several = {name: _parts(row.get(name)) for name in ("parents", "collections", "materials")}
    name = row.get("object") or row.get("name") or ""
    evidence = NameEvidence(object=name, data=row.get("data") or "", instancer=row.get("instancer") or "", **several)
    source = row.get("source") or row.get("scene") or otherwise
    match = classify(evidence, load("ade20k"))
    return Answer(source, name, tuple(row["class"].split("|")), match, int(row.get("objects") or 1))


def _parts(cell: str | None) -> tuple[str, ...]:
    return tuple(part for part in (cell or "").split(";") if part)


def share(of: Iterable[Answer]) -> Share:
    """Shares of rows, each counted once however many objects it stands for. All 0 for no rows."""
    verdicts = [one.verdict for one in of]
    count = max(1, len(verdicts))
    right, wrong, none = (round(verdicts.count(kind) / count, 4) for kind in ("right", "wrong", "none"))
    return Share(len(verdicts), right, wrong, none)


def by_source(of: Iterable[Answer]) -> dict[str, Share]:
    """Shares for each source of a list, in the order of the list."""
    groups: dict[str, list[Answer]] = {}
    for one in of:
        groups.setdefault(one.source, []).append(one)
    return {source: share(group) for source, group in groups.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="*", type=Path, metavar="LIST.csv")
    parser.add_argument("--by-source", action="store_true", help="one line for each source as well")
    parser.add_argument("--misses", action="store_true", help="print every name that is not right")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, object] = {}
    for path in options.lists or sorted(LISTS.glob("name*.csv")):
        found = answers(path)
        _print(path.stem, share(found))
        sources = by_source(found)
        if options.by_source:
            for source, one in sources.items():
                _print(f"  {source}", one)
        if options.misses:
            _print_misses(found)
        figures[path.stem] = {**asdict(share(found)), "sources": {key: asdict(one) for key, one in sources.items()}}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _print(title: str, one: Share) -> None:
    print(f"{title:24} {one.names:5} names  right {one.right:6.1%}  wrong {one.wrong:6.1%}  none {one.none:6.1%}")


def _print_misses(found: list[Answer]) -> None:
    for one in found:
        if one.verdict != "right":
            got = f"{one.match.class_name or '-'} ({one.match.source})"
            print(f"    {one.verdict:5}  {one.source:18} {one.name:44} {got:28} is {'|'.join(one.labels)}")


if __name__ == "__main__":
    main()
