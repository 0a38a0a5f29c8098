"""Arrays behind a header: exact, without copies, and never more than was declared."""

from __future__ import annotations

import dataclasses
import tracemalloc
import zlib

import numpy as np
import pytest

from blender_segaddon.protocol import framing, version
from blender_segaddon.protocol.errors import InvalidInput, ProtocolMismatch
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.messages import BufferRef, GenerateRequest, GenerateResult


def written(*arrays: np.ndarray, compress: bool = False) -> bytes:
    writer = BodyWriter()
    refs = tuple(writer.add(array, compress) for array in arrays)
    return b"".join(writer.finish(GenerateResult(refs, (), "preview", False, {})))


def read(data: bytes) -> list[np.ndarray]:
    body = read_body(data)
    return [body.array(ref) for ref in body.message(GenerateResult).images]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float32", "bool"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 2, 3)])
def test_arrays_come_back_exactly(dtype: str, shape: tuple[int, ...], compress: bool):
    array = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    first, second = read(written(array, array[::-1], compress=compress))
    assert (first.dtype, first.shape) == (array.dtype, shape)
    assert np.array_equal(first, array)
    assert np.array_equal(second, array[::-1])
    assert not first.flags.writeable


def test_big_endian_arrays_travel_as_what_they_mean():
    (got,) = read(written(np.array([[1, 2]], ">u4")))
    assert got.tolist() == [[1, 2]]


def test_infinity_survives():
    (got,) = read(written(np.array([[np.inf, -0.0]], np.float32)))
    assert np.isposinf(got[0, 0])
    assert np.signbit(got[0, 1])


def test_raw_arrays_are_not_copied():
    array = np.ones((512, 512, 3), np.float32)
    writer = BodyWriter()
    tracemalloc.start()
    ref = writer.add(array)
    parts = writer.finish(GenerateResult((ref,), (), "preview", False, {}))
    assert tracemalloc.get_traced_memory()[1] < array.nbytes // 10
    data = b"".join(parts)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    (got,) = read(data)
    assert tracemalloc.get_traced_memory()[1] - before < array.nbytes // 10
    tracemalloc.stop()
    assert got.base is not None
    assert got.ctypes.data % 16 == np.frombuffer(data, np.uint8).ctypes.data % 16


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), np.float64),
        np.zeros((2, 2), object),
        np.zeros(4, np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((2, 2, 5), np.uint8),
        np.zeros((1, 2, 2, 3), np.uint8),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_arrays_that_do_not_travel_are_refused(array: np.ndarray):
    with pytest.raises(InvalidInput):
        BodyWriter().add(array)


def test_id_maps_shrink():
    ids = np.repeat(np.arange(64, dtype=np.uint32), 64 * 64).reshape(512, 512)
    assert len(written(ids, compress=True)) * 50 < len(written(ids))


def _lie(**changes: object) -> tuple[framing.Body, BufferRef]:
    body = read_body(written(np.zeros((4, 4), np.uint8)))
    (ref,) = body.message(GenerateResult).images
    return body, dataclasses.replace(ref, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": (4, 5)},
        {"offset": 1},
        {"offset": -1},
        {"length": 17},
        {"length": -1},
        {"shape": (16,)},
        {"dtype": "uint32"},
        {"shape": (1 << 40, 1 << 40), "length": 16},
        {"encoding": "zlib"},
    ],
    ids=str,
)
def test_lies_about_a_buffer_are_refused(changes: dict[str, object]):
    body, ref = _lie(**changes)
    with pytest.raises(InvalidInput):
        body.array(ref)


def test_a_bomb_never_unpacks_beyond_its_declared_size():
    writer = BodyWriter()
    writer._parts = [zlib.compress(bytes(64 << 20), 9)]
    ref = BufferRef("uint8", (16, 16), 0, len(writer._parts[0]), "zlib")
    body = read_body(b"".join(writer.finish(GenerateResult((ref,), (), "preview", False, {}))))
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="does not unpack to its 256 bytes"):
        body.array(ref)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_masks_hold_nothing_but_true_and_false():
    body, ref = _lie(dtype="bool")
    assert not body.array(ref).any()
    body = read_body(written(np.full((4, 4), 2, np.uint8)))
    with pytest.raises(InvalidInput, match="other than 0 and 1"):
        body.array(ref)


def test_too_many_or_too_large_buffers_are_refused():
    one = np.zeros((1, 1), np.uint8)
    with pytest.raises(InvalidInput, match="65 buffers"):
        read_body(written(*[one] * 65)).message(GenerateResult)
    ref = BufferRef("float32", (8192, 8192, 4), 0, 0, "zlib")
    data = b"".join(BodyWriter().finish(GenerateResult((ref, ref, ref), (), "preview", False, {})))
    with pytest.raises(InvalidInput, match="3072 MiB"):
        read_body(data).message(GenerateResult)


def test_a_header_has_its_limit_on_both_sides():
    with pytest.raises(InvalidInput, match="at most 16384"):
        BodyWriter().finish(GenerateRequest("preview", "x" * framing.MAX_HEADER_BYTES))
    with pytest.raises(InvalidInput, match="header"):
        read_body(b"\xff\xff\xff\xff{}")


def test_every_cut_of_a_body_is_refused():
    data = written(np.zeros((4, 4), np.uint8))
    for size in range(len(data)):
        with pytest.raises(InvalidInput):
            read(data[:size])
    assert len(read(data)) == 1


def test_a_body_says_what_it_holds():
    body = read_body(written(np.zeros((1, 1), np.uint8)))
    assert body.type == "GenerateResult"
    with pytest.raises(InvalidInput, match="Send a GenerateRequest"):
        body.message(GenerateRequest)


def test_another_major_version_is_refused_and_a_minor_one_is_not(monkeypatch: pytest.MonkeyPatch):
    major, minor = version.PROTOCOL_VERSION
    data = written(np.zeros((1, 1), np.uint8))
    monkeypatch.setattr(version, "PROTOCOL_VERSION", (major, minor + 5))
    assert len(read(data)) == 1
    monkeypatch.setattr(version, "PROTOCOL_VERSION", (major + 1, 0))
    with pytest.raises(ProtocolMismatch):
        read(data)
