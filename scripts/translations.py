"""The add-on's texts for people, collected from the code, and what its translations lack of them.

    python -m scripts.translations           # what is missing, and what is not used any more; status 1 if anything is
    python -m scripts.translations --list    # all texts

A text is a label or a tooltip. Blender finds its translation by the text itself and a context: "Operator" for the
labels of operators, "*" for all else. A translation has every label; tooltips may be missing: English shows then.
Needs neither Blender nor the environments.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ADDON = Path(__file__).resolve().parents[1] / "blender_segaddon"
CATALOGUES = ADDON / "translations"
_PLACES = ("panels", "operators", "preferences.py", "properties.py", "generation_properties.py")
"""Of the add-on: where people's texts are."""
_TEXT = re.compile(r"[^\W\d_]{2}")
_IDENTIFIER = re.compile(r"[A-Z][A-Z0-9_]*|[a-z][a-z0-9_.-]*|[A-Z0-9]+_[A-Z]{2}_\w+|SegAddon|Seg .*|[. ]\S+.*")
"""Enumerations; names of properties, operators, classes, data-blocks, files and of the add-on; options of commands."""
_MARKS = {"iface_", "n_"}
"""What marks a text that no rule below finds."""
OPERATOR, ANY = "Operator", "*"


@dataclass(frozen=True)
class Message:
    """One text."""

    context: str
    text: str
    is_label: bool
    """whether it is always to be seen; tooltips are not"""

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.text


def collect(folder: Path = ADDON) -> set[Message]:
    """All texts of the add-on that Blender shows."""
    found: set[Message] = set()
    for place in _PLACES:
        path = folder / place
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            found |= of_source(file.read_text("utf-8"), is_panel=place == "panels")
    return found


def of_source(source: str, is_panel: bool = False) -> set[Message]:
    """All texts of one file; in panels every word that is drawn counts."""
    tree = ast.parse(source)
    lists = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[Message] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found |= set(_of_class(node))
        elif isinstance(node, ast.Call):
            found |= set(_of_call(node, lists))
    return found | (set(_drawn(tree)) if is_panel else set())


def _of_class(node: ast.ClassDef) -> Iterator[Message]:
    """The label of an operator, panel or menu, and an operator's tooltip."""
    is_operator = any(isinstance(one, ast.Attribute) and one.attr == "Operator" for one in node.bases)
    for one in node.body:
        named = isinstance(one, ast.Assign) and [ast.unparse(target) for target in one.targets] == ["bl_label"]
        if named:
            yield from _labels(one.value, OPERATOR if is_operator else ANY)
    tooltip = ast.get_docstring(node)
    if is_operator and tooltip:
        yield Message(ANY, " ".join(tooltip.split("\n")), False)


def _of_call(node: ast.Call, lists: dict[str, ast.expr]) -> Iterator[Message]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    named = {one.arg: one.value for one in node.keywords}
    if name in _MARKS and node.args:
        context = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else ANY
        yield from (Message(str(context), text, True) for text in _strings(node.args[0]))
    elif name.endswith("Property"):
        if "HIDDEN" not in ast.unparse(named.get("options", ast.Constant(""))):
            yield from _labels(named.get("name"), ANY)
        yield from _tooltips(named.get("description"))
        items = named.get("items")
        items = lists.get(items.id) if isinstance(items, ast.Name) else items
        for item in getattr(items, "elts", ()):
            if isinstance(item, ast.Tuple):
                yield from _labels(item.elts[1], ANY)
                yield from _tooltips(item.elts[2])
    elif name == "operator":
        yield from _labels(named.get("text"), OPERATOR)


def _drawn(tree: ast.Module) -> Iterator[Message]:
    """Every word in a panel that is neither an identifier, nor its documentation, nor a part of a text."""
    passed_over = {id(part) for node in ast.walk(tree) for part in _no_texts(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in passed_over:
            yield from _labels(node, ANY)


def _no_texts(node: ast.AST) -> Iterator[ast.AST]:
    """What is in this node and no text that is drawn by itself."""
    if isinstance(node, ast.Expr | ast.JoinedStr):  # documentation; texts put together are marked
        yield from (node.values if isinstance(node, ast.JoinedStr) else [node.value])
    elif isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        yield from node.args if name in _MARKS else ()
        for one in node.keywords:
            if one.arg == "icon" or (one.arg == "text" and name.endswith(".operator")):
                yield from ast.walk(one.value)
    elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("bl_"):
        yield from ast.walk(node.value)
    elif isinstance(node, ast.Dict):  # keys
        yield from (key for key in node.keys if key is not None)


def _labels(node: ast.expr | None, context: str) -> Iterator[Message]:
    for text in _strings(node):
        if _TEXT.search(text) and (not _IDENTIFIER.fullmatch(text) or context == OPERATOR):
            yield Message(context, text, True)


def _tooltips(node: ast.expr | None) -> Iterator[Message]:
    yield from (Message(ANY, text, False) for text in _strings(node) if text)


def _strings(node: ast.expr | None) -> Iterator[str]:
    """The literals that an expression can be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from _strings(one)


def catalogues() -> dict[str, dict[tuple[str, str], str]]:
    """{language: {(context, text): translation}} of the add-on."""
    found = {}
    for path in sorted(CATALOGUES.glob("[a-z]*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)  # pyright: ignore[reportArgumentType]
        spec.loader.exec_module(module)  # pyright: ignore[reportOptionalMemberAccess]
        found[path.stem] = {
            (context, text): told for context, texts in module.TEXTS.items() for text, told in texts.items()
        }
    return found


def problems(known: dict[tuple[str, str], str], messages: Iterable[Message]) -> list[str]:
    """One line for each label without a translation, each that nothing shows, and each whose places differ."""
    keys = {one.key for one in messages}
    missing = sorted({one.key for one in messages if one.is_label} - set(known))
    lines = [f"missing: {context} {text!r}" for context, text in missing]
    lines += [f"not used any more: {context} {text!r}" for context, text in sorted(set(known) - keys)]
    for (_, text), told in known.items():
        if re.findall(r"{[^}]*}", text) != re.findall(r"{[^}]*}", told):
            lines.append(f"other places than {text!r}: {told!r}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 where a translation lacks a label, or has a text that is not shown."""
    parser = argparse.ArgumentParser(prog="python -m scripts.translations", description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="tell all texts")
    messages = collect()
    if parser.parse_args(arguments).list:
        for one in sorted(messages, key=lambda one: (not one.is_label, one.context, one.text)):
            print(f"{'label' if one.is_label else 'tooltip'}\t{one.context}\t{one.text}")
        return 0
    status = 0
    for language, known in catalogues().items():
        lines = problems(known, messages)
        tooltips = [one for one in messages if not one.is_label]
        told = sum(one.key in known for one in tooltips)
        print(f"{language}: {len(known)} texts, {told} of {len(tooltips)} tooltips")
        print("".join(f"  {line}\n" for line in lines), end="")
        status |= bool(lines)
    return status


if __name__ == "__main__":
    sys.exit(main())
