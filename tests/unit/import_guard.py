"""Who may know whom, read from the sources. The rules stand in the tables; ``complaints`` holds a file against them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

ADDON = "blender_segaddon"
SERVER = "bridge_server"

_CORE = {"protocol", "core"}
_INTERFACE = {"properties", "generation_properties", "preferences", "operators", "panels"}
_FLOWS = _CORE | {"client", "capture", "texturing", "flows"}
MAY_IMPORT = {
    # part of the add-on: the parts of it that it may import
    "protocol": {"protocol"},
    "core": _CORE,
    "client": _CORE | {"client"},
    "capture": _CORE | {"capture"},
    "texturing": _CORE | {"texturing"},
    "flows": _FLOWS,
    "api": _FLOWS | {"api"},
    **dict.fromkeys(_INTERFACE, _FLOWS | {"api"} | _INTERFACE),
    "registration": _FLOWS | {"api", "registration", "translations"} | _INTERFACE,
    "templates": set(),
    "translations": {"translations"},
    "__init__": {"registration"},
}
WITHOUT_BLENDER = {"protocol", "core", "client", "__init__"}
BLENDER = {
    "bpy",
    "bpy_extras",
    "bmesh",
    "mathutils",
    "gpu",
    "gpu_extras",
    "blf",
    "bl_operators",
    "bl_ui",
    "addon_utils",
    "cycles",
    "_cycles",
}
MODELS = {"torch", "torchvision", "diffusers", "transformers", "segment_anything", "accelerate", "safetensors", "peft"}
"""Slow to import, and never to be in the HTTP process."""
SERVER_SEES = {"protocol", "core"}
LOADED_BY_WORKER = {"generation", "segmentation", "inpainting"}
"""Parts of the server that only worker.py may import; these may import MODELS at their top."""
LAZY = {"worker", "models"}
"""Parts of the server that may import MODELS, and LOADED_BY_WORKER where worker, inside functions only."""


@dataclass(frozen=True)
class Import:
    """One imported name."""

    line: int
    name: str
    """absolute and dotted, as far as the file itself shows it"""
    relative: bool
    lazy: bool
    """run later than the import of its module, or never"""


def complaints(path: str, source: str) -> list[str]:
    """What the file at this path (from the repository root, with slashes) does against the rules, a line each."""
    tree = ast.parse(source)
    found = [f"{path}:{line}: {text}" for line, text in _meddling(tree)]
    check = {ADDON: _addon, SERVER: _server}[PurePosixPath(path).parts[0]]
    for one in imports(path, tree):
        found += [f"{path}:{one.line}: {text}" for text in check(part_of(path), one)]
    return found


def part_of(path: str) -> str:
    """Second step of the path, without a suffix: "core" for blender_segaddon/core/maps.py, "api" for …/api.py."""
    return PurePosixPath(path).parts[1].removesuffix(".py")


def imports(path: str, tree: ast.AST) -> Iterator[Import]:
    """Every import of a file, also importlib.import_module("…") and __import__("…")."""
    package = ".".join(PurePosixPath(path).parent.parts)
    for node, lazy in _walk(tree, False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, False, lazy)
        elif isinstance(node, ast.ImportFrom):
            base = _base(package, node)
            for alias in node.names:
                yield Import(node.lineno, f"{base}.{alias.name}", node.level > 0, lazy)
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield Import(node.lineno, name.value, name.value.startswith("."), lazy)


def _walk(node: ast.AST, lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it runs later than the import of its module (or never: for type checkers only)."""
    yield node, lazy
    for child in ast.iter_child_nodes(node):
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        yield from _walk(child, lazy or inside or typing_only)


def _base(package: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    steps = package.split(".")
    kept = steps[: len(steps) - node.level + 1]
    return ".".join([*kept, *filter(None, [node.module])])


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _addon(part: str, one: Import) -> Iterator[str]:
    top, _, rest = one.name.partition(".")
    if top == ADDON and not one.relative:
        yield f"imports {one.name} absolutely; inside the add-on imports are relative"
    if top == ADDON:
        target = rest.partition(".")[0]
        if target and target not in MAY_IMPORT.get(part, set()):
            yield f"{part} must not import {target}"
    elif top in BLENDER:
        if part in WITHOUT_BLENDER:
            yield f"{part} must not import {top}"
    elif top not in sys.stdlib_module_names and top != "numpy":
        yield f"imports {top}; the add-on has the standard library and numpy only"


def _server(part: str, one: Import) -> Iterator[str]:
    top, _, rest = one.name.partition(".")
    target = rest.partition(".")[0]
    if top == ADDON and target not in SERVER_SEES:
        yield f"imports {one.name}; the server sees {ADDON}.protocol and .core only"
    elif top in BLENDER:
        yield f"imports {top}; the server runs without Blender"
    elif top in MODELS and not (part in LOADED_BY_WORKER or (part in LAZY and one.lazy)):
        yield f"{part} must not import {top} here; models belong to the worker process, imported inside functions"
    elif (
        top == SERVER
        and target in LOADED_BY_WORKER
        and not (part in LOADED_BY_WORKER or (part == "worker" and one.lazy))
    ):
        yield f"{part} must not import {target} here; only worker.py does, inside functions"


def _meddling(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Writes to sys.path and sys.modules: assignment, deletion, and the methods that change them."""
    changing = {"append", "insert", "extend", "remove", "pop", "clear", "update", "setdefault"}
    for node in ast.walk(tree):
        touched: list[ast.AST] = []
        if isinstance(node, ast.Assign | ast.Delete):
            touched = list(node.targets)
        elif isinstance(node, ast.AugAssign):
            touched = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in changing:
            touched = [node.func.value]
        elif (
            isinstance(node, ast.ImportFrom)
            and node.module == "sys"
            and {"path", "modules"} & {a.name for a in node.names}
        ):
            yield node.lineno, "imports sys.path or sys.modules by name"
        for one in touched:
            text = ast.unparse(one.value if isinstance(one, ast.Subscript) else one)
            if text in ("sys.path", "sys.modules"):
                yield one.lineno, f"changes {text}"
