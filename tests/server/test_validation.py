"""pydantic on the server and the standard library's codec everywhere else take and refuse the same bodies."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from blender_segaddon.protocol import codec, messages
from blender_segaddon.protocol.errors import InvalidInput, ProtocolMismatch
from bridge_server import validation

REQUESTS = (messages.JobHeader, messages.JobFromBlobs, messages.GenerateRequest, messages.BufferRef)

ODD: list[Any] = [None, True, False, 0, 1, -1, 1.0, 1.5, 1e300, 2**63, 2**64, -(2**70), float("nan"), float("inf")]
ODD += ["", "1", "true", "\ud800", "\x00", "äää", "uint8", "raw", "PERSP", "replace", [], {}, [1], [[[]]], {"a": 1}]


def honest(kind: Any) -> st.SearchStrategy[Any]:
    """Plain JSON values that fit a type of the wire."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return st.deferred(lambda: honest_fields(kind))
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is tuple:
        any_length = args[-1] is Ellipsis
        return st.lists(honest(args[0]), max_size=3) if any_length else st.tuples(*map(honest, args)).map(list)
    if origin is dict:
        return st.dictionaries(st.text(max_size=3), honest(args[1]), max_size=2)
    if type(None) in args:
        return st.none() | honest(next(arg for arg in args if arg is not type(None)))
    finite = st.floats(allow_nan=False, allow_infinity=False)
    return {bool: st.booleans(), int: st.integers(), float: finite | st.integers(-9, 9), str: st.text(max_size=4)}[kind]


def honest_fields(cls: Any) -> st.SearchStrategy[dict[str, Any]]:
    hints, fields = typing.get_type_hints(cls), dataclasses.fields(cls)
    required = {field.name: honest(hints[field.name]) for field in fields if field.default is dataclasses.MISSING}
    optional = {field.name: honest(hints[field.name]) for field in fields if field.name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[type, bytes]:
    """A request class and JSON for it, most of it wrong somewhere."""
    cls = draw(st.sampled_from(REQUESTS))
    value = draw(honest(cls))
    for _ in range(draw(st.integers(0, 2))):
        spoil(draw, value)
    return cls, json.dumps(value).encode()


def spoil(draw: st.DrawFn, value: Any) -> None:
    """Change one value somewhere inside, drop a key, or add one."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(value[key], (dict, list)) and value[key] and draw(st.booleans()):
            value = value[key]
            continue
        kind = draw(st.sampled_from(["change", "drop", "add"]))
        if kind == "drop":
            del value[key]
        elif kind == "add" and isinstance(value, dict):
            value[draw(st.sampled_from(["extra", "Seed", "", "dtype", "blobs"]))] = 1
        else:
            value[key] = draw(st.sampled_from(ODD))
        return


def by_pydantic(cls: type, data: bytes) -> Any:
    try:
        return validation.adapter(cls).validate_json(data)
    except ValidationError:
        return None


def by_codec(cls: type, data: bytes) -> Any:
    try:
        return codec.from_json(cls, codec.load(data))
    except InvalidInput:
        return None


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(bodies())
@example((messages.GenerateRequest, b'{"generator":"a","generator":"b"}'))
@example((messages.GenerateRequest, b'{"generator":"a","seed":1e2}'))
@example((messages.GenerateRequest, b'{"generator":"a","seed":-0}'))
@example((messages.GenerateRequest, b'{"generator":"a","strength":1e400}'))
@example((messages.GenerateRequest, b'{"generator":"a","strength":NaN}'))
@example((messages.GenerateRequest, b'{"generator":"\\ud83d\\ude00","prompt":"\\u0000"}'))
@example((messages.GenerateRequest, b'\xef\xbb\xbf{"generator":"a"}'))
@example((messages.GenerateRequest, b' {"generator":"a"} \n'))
@example((messages.GenerateRequest, b'{"generator":"a"} x'))
@example((messages.GenerateRequest, b'{"generator":"a",}'))
@example((messages.GenerateRequest, b"{'generator':'a'}"))
@example((messages.GenerateRequest, b'{"generator":"a\nb"}'))
@example((messages.GenerateRequest, b'{"generator":"\xff"}'))
@example((messages.GenerateRequest, b'{"generator":"a","seed":' + b"1" * 5000 + b"}"))
@example((messages.GenerateRequest, b'{"generator":' + b"[" * 5000 + b"]" * 5000 + b"}"))
def test_both_readers_agree(case: tuple[type, bytes]):
    cls, data = case
    ours, theirs = by_codec(cls, data), by_pydantic(cls, data)
    assert ours == theirs
    if ours is None:
        with pytest.raises((InvalidInput, ProtocolMismatch)):
            validation.read_json(cls, data)


def test_refusals_name_the_field():
    message = b'{"generator":"a","image":{"dtype":"uint8","shape":[1,"2"]}}'
    data = b'{"protocol":[1,0],"type":"GenerateRequest","message":%s}' % message
    with pytest.raises(InvalidInput, match=r"JobHeader\.message\.image: key 'offset' is missing"):
        validation.read_json(messages.JobHeader, data)


@pytest.mark.parametrize("cls", [messages.JobHeader, messages.JobFromBlobs])
def test_another_major_version_is_said_first(cls: type):
    with pytest.raises(ProtocolMismatch, match=r"2\.7"):
        validation.read_json(cls, b'{"protocol":[2,7],"type":"Other","scene":{}}')


def test_large_headers_are_read_too():
    regions = [{"id": index + 1, "class_id": 3, "text": "a brick house"} for index in range(8000)]
    assert validation.read_json(messages.JobHeader, job_with(regions)).message.scene is not None
    regions[-1]["id"] = "8000"
    with pytest.raises(InvalidInput, match=r"regions\[7999\]\.id"):
        validation.read_json(messages.JobHeader, job_with(regions))


def job_with(regions: list[dict[str, Any]]) -> bytes:
    ref = {"dtype": "uint8", "shape": [1, 1], "offset": 0, "length": 1}
    numbers = [1.0] * 16
    camera = {"type": "PERSP", "width": 1, "height": 1, "clip_start": 0.1, "clip_end": 9.0}
    camera |= {"matrix_world": numbers, "projection_matrix": numbers}
    scene = dict.fromkeys(("instance_map", "class_map", "depth", "normal"), ref) | {
        "regions": regions,
        "camera": camera,
    }
    message = {"generator": "preview", "scene": scene}
    return json.dumps({"protocol": [1, 0], "type": "GenerateRequest", "message": message}).encode()
