"""Dataclass to JSON and back, strictly: the message classes are the only definition of the wire.

Unknown and missing keys, wrong types ("5" for an int, True for a number) and non-finite numbers are refused; of a key
that comes twice the last one counts. Fields that hold their default are left out, so a peer with an older minor version
understands what it can. A reply may be read with ``ignore_unknown``: a newer server says more than we know.
Understood field types: bool, int, float, str, ``X | None``, Literal, tuple, dict[str, X] and dataclasses of these.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import numbers
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .errors import InvalidInput
from .messages import BufferRef

T = TypeVar("T")
_Reader = Callable[[Any], Any]


class _WrongValueError(Exception):
    """A value that does not fit; ``path`` grows from the inside out while this passes through the containers."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = ""


def to_json(message: Any) -> Any:
    """Plain JSON values of a message (a dataclass instance or what its fields hold)."""
    if dataclasses.is_dataclass(message):
        held = ((field, getattr(message, field.name)) for field in dataclasses.fields(message))
        return {field.name: to_json(value) for field, value in held if value != field.default}
    if isinstance(message, (tuple, list)):
        return [to_json(value) for value in message]
    if isinstance(message, dict):
        return {key: to_json(value) for key, value in message.items()}
    if isinstance(message, (bool, str)) or message is None:
        return message
    return int(message) if isinstance(message, numbers.Integral) else float(message)  # numpy's numbers too


def from_json(cls: type[T], value: Any, *, ignore_unknown: bool = False) -> T:
    """The message of type ``cls`` that ``to_json`` gave. Raises InvalidInput, naming the field.

    ``ignore_unknown`` is for replies only: keys that a newer minor version of the server has added are passed over.
    """
    try:
        return _reader(cls, not ignore_unknown)(value)
    except _WrongValueError as error:
        where = f"{cls.__name__}{error.path}"
        raise InvalidInput(f"{where}: {error.reason}", "Send what the protocol's message classes describe") from None


def dump(value: Any) -> bytes:
    """UTF-8 JSON without white space. Raises InvalidInput for numbers that are not finite."""
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError as error:  # UnicodeEncodeError is one too
        raise InvalidInput(f"A message cannot be written: {error}", "Give finite numbers and valid text") from None


def load(data: bytes | bytearray | memoryview) -> Any:
    """Plain values of UTF-8 JSON. Raises InvalidInput, also for NaN, Infinity and too deep nesting."""
    try:
        return json.loads(str(data, "utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"This is no valid JSON: {error}", "Send UTF-8 JSON") from None


def references(message: Any) -> Iterator[BufferRef]:
    """Every buffer reference inside a message, in the order of the fields."""
    if isinstance(message, BufferRef):
        yield message
    elif dataclasses.is_dataclass(message):
        for field in dataclasses.fields(message):
            yield from references(getattr(message, field.name))
    elif isinstance(message, tuple):
        for value in message:
            yield from references(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@functools.cache
def _reader(kind: Any, closed: bool) -> _Reader:
    """The function that turns a plain value into ``kind``; built once for every type. ``closed``: no unknown keys."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind, closed)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return functools.partial(_read_literal, args)
    if origin is tuple:
        return _tuple_reader(args, closed)
    if origin is dict:
        return functools.partial(_read_dict, _reader(args[1], closed))
    if origin in (typing.Union, types.UnionType):
        (inner,) = (_reader(arg, closed) for arg in args if arg is not types.NoneType)
        return lambda value: None if value is None else inner(value)
    return {bool: _read_bool, int: _read_int, float: _read_float, str: _read_str}[kind]


def _dataclass_reader(cls: type, closed: bool) -> _Reader:
    hints = typing.get_type_hints(cls)
    readers = {field.name: _reader(hints[field.name], closed) for field in dataclasses.fields(cls)}
    needed = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise _WrongValueError("an object is needed")
        if unknown := value.keys() - readers.keys():
            if closed:
                raise _WrongValueError(f"unknown key {min(unknown)!r:.80}")
            value = {name: value[name] for name in readers if name in value}
        if missing := [name for name in needed if name not in value]:
            raise _WrongValueError(f"key {missing[0]!r} is missing")
        return cls(**{name: _read_inside(f".{name}", readers[name], part) for name, part in value.items()})

    return read


def _tuple_reader(args: tuple[Any, ...], closed: bool) -> _Reader:
    any_length = len(args) == 2 and args[1] is Ellipsis
    readers = [_reader(arg, closed) for arg in args if arg is not Ellipsis]

    def read(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _WrongValueError("an array is needed")
        if not any_length and len(value) != len(readers):
            raise _WrongValueError(f"{len(readers)} values are needed, {len(value)} were sent")
        each = readers * len(value) if any_length else readers
        return tuple(_read_inside(index, *pair) for index, pair in enumerate(zip(each, value, strict=True)))

    return read


def _read_inside(place: str | int, reader: _Reader, value: Any) -> Any:
    try:
        return reader(value)
    except _WrongValueError as error:
        error.path = (place if isinstance(place, str) else f"[{place}]") + error.path
        raise


def _read_dict(reader: _Reader, value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _WrongValueError("an object is needed")
    return {_read_str(key): _read_inside(f".{key:.40}", reader, part) for key, part in value.items()}


def _read_literal(allowed: tuple[Any, ...], value: Any) -> Any:
    if type(value) is not type(allowed[0]) or value not in allowed:
        raise _WrongValueError(f"one of {', '.join(map(str, allowed))} is needed, not {value!r:.80}")
    return value


def _read_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise _WrongValueError("true or false is needed")
    return value


def _read_int(value: Any) -> int:
    if type(value) is not int:
        raise _WrongValueError("a whole number is needed")
    return value


def _read_float(value: Any) -> float:
    if type(value) not in (int, float):  # JSON knows one kind of number: 1 is a float where one is needed
        raise _WrongValueError("a number is needed")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _WrongValueError("a finite number is needed")
    return number


def _read_str(value: Any) -> str:
    if type(value) is not str:
        raise _WrongValueError("text is needed")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _WrongValueError("the text holds half a character (a lone surrogate)")
    return value
