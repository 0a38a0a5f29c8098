"""Every code of an error that the sources can give, read from them: docs/troubleshooting.md is held against it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("blender_segaddon", "bridge_server")


def codes() -> set[str]:
    """Of the exceptions of the add-on, the replies of the server and the ends of its jobs."""
    paths = [path for package in _PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {code for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))) for code in _of(node)}


def _of(node: ast.AST) -> Iterator[str]:
    """What one node says, in each of the ways in which the sources say it."""
    if isinstance(node, ast.Assign):  # class CaptureError(SegAddonError): code = "capture"
        values = [node.value for to in node.targets if isinstance(to, ast.Name) and to.id == "code"]
    elif isinstance(node, ast.Call):  # ProblemError(404, "no_such_job", …), report(code="deadline")
        is_problem = isinstance(node.func, ast.Name) and node.func.id == "ProblemError"
        values = [*node.args[1 : 1 + is_problem], *(one.value for one in node.keywords if one.arg == "code")]
    elif isinstance(node, ast.Dict):  # {"code": "gpu_oom", …}
        pairs = zip(node.keys, node.values, strict=True)
        values = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
    else:
        return
    for value in values:
        yield from _text(value)


def _text(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.BoolOp):  # event.code or "no_result"
        yield from (text for one in value.values for text in _text(one))
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value
