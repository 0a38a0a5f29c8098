"""Messages to JSON and back, and everything that must be refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from blender_segaddon.protocol.codec import dump, from_json, load, references, to_json
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import (
    BufferRef,
    Event,
    GenerateRequest,
    GenerateResult,
    JobStatus,
    ServerInfo,
)

REF = BufferRef("uint8", (2, 3, 3), 0, 18)
MESSAGES = [
    GenerateRequest("preview"),
    GenerateRequest("preview", "Straße 🌳", seed=2**32 - 1, image=REF, mask=REF, strength=0.25, intent="remove"),
    GenerateResult((REF, REF), (1, 2), "preview", False, {"notice": "no model"}),
    JobStatus("a", Event(3, "running", 1, 8)),
    ServerInfo("0.1.0", (1, 0), ("preview",), 7),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_come_back_equal(message: Any):
    assert from_json(type(message), load(dump(to_json(message)))) == message


def test_defaults_do_not_travel():
    assert to_json(GenerateRequest("preview")) == {"generator": "preview"}


def test_numbers_of_numpy_travel():
    request = GenerateRequest("preview", seed=np.int64(3), strength=np.float32(0.5))  # type: ignore[arg-type]
    assert dump(to_json(request)) == b'{"generator":"preview","seed":3,"strength":0.5}'


def test_a_whole_number_is_a_float_where_one_is_needed():
    request = from_json(GenerateRequest, {"generator": "preview", "strength": 1})
    assert type(request.strength) is float


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sed": 1}, "unknown key 'sed'"),
        ({"seed": "1"}, ".seed: a whole number"),
        ({"seed": True}, ".seed: a whole number"),
        ({"seed": 1.0}, ".seed: a whole number"),
        ({"strength": "1"}, ".strength: a number"),
        ({"strength": 10**400}, ".strength: a finite number"),
        ({"prompt": None}, ".prompt: text"),
        ({"prompt": "\ud800"}, "surrogate"),
        ({"intent": "destroy"}, ".intent: one of replace, change"),
        ({"intent": ["replace"]}, ".intent: one of"),
        ({"image": []}, ".image: an object"),
        ({"image": {"dtype": "uint8"}}, ".image: key 'shape' is missing"),
        ({"image": {**dataclasses.asdict(REF), "shape": [2, "3"]}}, ".image.shape[1]: a whole number"),
        ({"image": {**dataclasses.asdict(REF), "shape": 2}}, ".image.shape: an array"),
        ({"image": {**dataclasses.asdict(REF), "dtype": "object"}}, ".image.dtype: one of"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change: dict[str, Any], words: str):
    with pytest.raises(InvalidInput) as error:
        from_json(GenerateRequest, {"generator": "preview", **change})
    assert words in error.value.message


def test_tuples_of_fixed_length_keep_it():
    with pytest.raises(InvalidInput, match="2 values are needed, 3 were sent"):
        from_json(ServerInfo, {"version": "1", "protocol_version": [1, 0, 0], "generators": [], "pid": 1})


def test_texts_in_a_table_are_checked():
    value = {**to_json(MESSAGES[2]), "metadata": {"a": 1}}
    with pytest.raises(InvalidInput, match=r"metadata\.a: text is needed"):
        from_json(GenerateResult, value)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"NaN", b"[Infinity]", b"\xff", b"[" * 200_000, b"1" * 5000], ids=lambda data: str(data[:8])
)
def test_bad_json_is_refused(data: bytes):
    with pytest.raises(InvalidInput):
        load(data)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_is_no_json_is_not_written(value: Any):
    with pytest.raises(InvalidInput):
        dump({"value": value})


def test_references_are_found_in_order():
    refs = [dataclasses.replace(REF, offset=16 * index) for index in range(3)]
    assert list(references(GenerateRequest("preview", image=refs[0], mask=refs[1]))) == refs[:2]
    assert list(references(GenerateResult(tuple(refs), (), "p", False, {}))) == refs
