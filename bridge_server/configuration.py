"""Where the settings come from: a TOML file, then the environment, then flags; what comes later is stronger.

The fields of ``Settings`` are the only list: their names are the keys of the file, SEGADDON_ and the name in capitals
the variables, the name with dashes the flags, and the text below a field is its help. So none of them can drift.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import difflib
import functools
import inspect
import itertools
import os
import re
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.discovery import default_state_dir
from blender_segaddon.protocol.errors import InvalidInput

from . import folders, settings
from .settings import Settings

PREFIX = "SEGADDON_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"

_NOT_IN_FILE = {"state_dir": "Set SEGADDON_STATE_DIR instead, which the add-on reads too"}
_FLAGS_ONLY = {"test_generator": "--enable-test-generator"}
"""Fields that no file and no variable sets, and their flags, which --help does not show."""
_OTHER_VARIABLES = {"SERVER_PYTHON", "SCENES", "PYTHON", "LOG_LEVEL", "STATE_DIR", "CONFIG"}
"""Variables that other parts of the project read."""
_SIMILAR = 0.8
"""From this likeness on (difflib, 0 to 1) an unknown variable is taken for a misspelt one."""


@dataclass(frozen=True)
class Option:
    """One setting, as people see it."""

    name: str
    kind: Any
    """type of its values: bool, int, float, str, Path or a Literal"""
    many: bool
    """several values"""
    default: Any
    help: str

    @property
    def flag(self) -> str:
        """The flag of ``serve``."""
        return _FLAGS_ONLY.get(self.name, "--" + self.name.replace("_", "-"))

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()

    @property
    def public(self) -> bool:
        """False for what is there for tests only."""
        return self.name not in _FLAGS_ONLY

    @property
    def in_file(self) -> bool:
        """Whether the file may hold it."""
        return self.public and self.name not in _NOT_IN_FILE

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a Literal, else none."""
        return typing.get_args(self.kind) if typing.get_origin(self.kind) is typing.Literal else ()

    def from_text(self, text: str) -> Any:
        """The value that a variable or a flag names. Raises ValueError saying what is needed."""
        if self.many:
            separator = os.pathsep if self.kind is Path else ","
            return tuple(self._one(part.strip()) for part in text.split(separator) if part.strip())
        return self._one(text)

    def from_file(self, value: Any) -> Any:
        """The value of a TOML file. Raises ValueError saying what is needed."""
        if self.many:
            if not isinstance(value, list):
                raise ValueError("a list is needed")
            return tuple(self._one_from_file(one) for one in value)
        return self._one_from_file(value)

    def _one_from_file(self, value: Any) -> Any:
        if self.kind is bool or isinstance(value, bool):
            fits = self.kind is bool and isinstance(value, bool)
        elif self.kind in (int, float) and not isinstance(value, str):  # text: a number with a unit
            fits = isinstance(value, int if self.kind is int else (int, float))
        else:
            fits = isinstance(value, str)
        if not fits:
            raise ValueError(f"{_KIND_NAMES.get(self.kind, 'text')} is needed, not {value!r:.60}")
        return value if self.kind is bool else self._one(str(value))

    def _one(self, text: str) -> Any:
        if self.choices:
            if text.lower() not in self.choices:
                raise ValueError(f"one of {', '.join(self.choices)} is needed, not {text!r:.60}")
            return text.lower()
        try:
            value = _READERS[self.kind](text)
        except (ValueError, KeyError):
            raise ValueError(f"{_KIND_NAMES[self.kind]} is needed, not {text!r:.60}") from None
        if self.kind in (int, float) and not 0 <= value < float("inf"):
            raise ValueError(f"a number from 0 on is needed, not {text!r:.60}")
        return value


def _whole_number(text: str) -> int:
    """Also of bytes: "2 GiB"."""
    found = re.fullmatch(r"(\d{1,15}) ?(KiB|MiB|GiB)?", text, re.ASCII)
    if not found:
        raise ValueError(text)
    return int(found[1]) << _UNITS[found[2]]


_UNITS = {None: 0, "KiB": 10, "MiB": 20, "GiB": 30}
_READERS: dict[Any, Callable[[str], Any]] = {
    bool: lambda text: {"1": True, "true": True, "0": False, "false": False}[text.lower()],
    int: _whole_number,
    float: float,
    str: str,
    Path: lambda text: Path(text).expanduser().absolute(),
}
_KIND_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


@functools.cache
def options() -> tuple[Option, ...]:
    """Every setting, in the order of the fields."""
    texts, hints = _field_texts(), typing.get_type_hints(Settings)
    return tuple(_option(field, hints[field.name], texts.get(field.name, "")) for field in dataclasses.fields(Settings))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Every setting as a flag, and --config. Flags that are not given stay out of the namespace."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"read this file; default: {default_file()}")
    for option in options():
        _add_flag(parser, option)


def load(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings of this start.

    Args:
        flags: the values of the flags that were given, by field; "config" names the file.
        environ: as os.environ.

    Raises InvalidInput, naming file, key, variable or flag.
    """
    path = flags.get("config") or environ.get(CONFIG_VARIABLE)
    values = _from_file(Path(path)) if path else _from_file(default_file(environ), optional=True)
    values |= _from_environment(environ)
    values |= {option.name: flags[option.name] for option in options() if flags.get(option.name) is not None}
    chosen = Settings(**{"state_dir": default_state_dir(), **values})
    settings.check(chosen)
    return chosen


def default_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that is read when none is named; it need not exist."""
    return folders.configuration(environ) / "server.toml"


def table() -> str:
    """All settings as a Markdown table, for docs/server.md."""
    lines = ["| key in the file | variable | flag | default | |", "|---|---|---|---|---|"]
    for option in options():
        if option.public:
            key = f"`{option.name}`" if option.in_file else "–"
            lines.append(f"| {key} | `{option.variable}` | `{option.flag}` | {_shown(option)} | {option.help} |")
    return "\n".join(lines)


def _shown(option: Option) -> str:
    default = option.default
    if default is dataclasses.MISSING or default in (None, (), ""):
        return "–"
    if option.kind is bool:
        return str(default).lower()
    if option.kind is int and default and default % (1 << 10) == 0:
        unit = next(unit for unit in ("GiB", "MiB", "KiB") if default % (1 << _UNITS[unit]) == 0)
        return f"{default >> _UNITS[unit]} {unit}"
    return f"{default:g}" if isinstance(default, float) else str(default)


def _option(field: dataclasses.Field[Any], hint: Any, text: str) -> Option:
    many = typing.get_origin(hint) is tuple
    kind = typing.get_args(hint)[0] if many else hint
    if isinstance(kind, types.UnionType):  # X | None: None means "not set"
        (kind,) = (arg for arg in typing.get_args(kind) if arg is not types.NoneType)
    return Option(field.name, kind, many, field.default, text)


def _field_texts() -> dict[str, str]:
    """The text below each field of Settings, on one line."""
    (body,) = ast.parse(inspect.getsource(Settings)).body
    texts: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, text in itertools.pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            texts[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return texts


def _add_flag(parser: argparse.ArgumentParser, option: Option) -> None:
    shown = _shown(option)
    text = (option.help + ("" if shown == "–" or option.kind is bool else f" ({shown})")).replace("%", "%%")
    details: dict[str, Any] = {
        "dest": option.name,
        "default": None,
        "help": text if option.public else argparse.SUPPRESS,
    }
    if option.kind is bool:
        parser.add_argument(option.flag, action=argparse.BooleanOptionalAction, **details)
    else:
        metavar = "|".join(option.choices) or {Path: "PATH", str: "TEXT"}.get(option.kind, "N")
        parser.add_argument(option.flag, type=_flag_reader(option), metavar=metavar, **details)


def _flag_reader(option: Option) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return option.from_text(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _from_file(path: Path, optional: bool = False) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if optional:
            return {}
        raise InvalidInput(f"There is no file {path}", "Check --config or SEGADDON_CONFIG") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise InvalidInput(f"File {path} cannot be read: {reason}", "Check --config or SEGADDON_CONFIG") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"File {path} is no TOML: {error}", 'Write lines such as: listen = "host:8443"') from None
    return {
        key: _read(f"{path}: {key}", key, lambda option, one=value: option.from_file(one))
        for key, value in values.items()
    }


def _read(where: str, key: str, read: Callable[[Option], Any]) -> Any:
    known = {option.name: option for option in options() if option.in_file}
    if key in _NOT_IN_FILE:
        raise InvalidInput(f"{where} does not belong into the file", _NOT_IN_FILE[key])
    if key not in known:
        raise InvalidInput(f"{where} is no setting", _did_you_mean(key, known))
    try:
        return read(known[key])
    except ValueError as error:
        raise InvalidInput(f"{where}: {error}", "docs/server.md lists the settings") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {option.variable: option for option in options() if option.public}
    _refuse_misspelt(environ, known)
    values = {}
    for variable, option in known.items():
        if environ.get(variable):
            try:
                values[option.name] = option.from_text(environ[variable])
            except ValueError as error:
                raise InvalidInput(f"{variable}: {error}", "docs/server.md lists the settings") from None
    return values


def _refuse_misspelt(environ: Mapping[str, str], known: Mapping[str, Option]) -> None:
    """Variables of other programs that start alike are let through; those like one of ours are mistakes."""
    names = [variable.removeprefix(PREFIX) for variable in known]
    for variable in environ:
        name = variable.removeprefix(PREFIX)
        if name == variable or name in _OTHER_VARIABLES or name in names:
            continue
        if close := difflib.get_close_matches(name, names, 1, _SIMILAR):
            raise InvalidInput(f"Variable {variable} is no setting", f"Did you mean {PREFIX}{close[0]}?")


def _did_you_mean(key: str, known: Mapping[str, Option]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f"Did you mean {close[0]}?" if close else "docs/server.md lists the settings"
