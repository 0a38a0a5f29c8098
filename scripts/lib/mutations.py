"""Requests that are wrong in every way that we could think of. Seed and number decide which: each can be sent again."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from blender_segaddon.protocol.codec import to_json
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.messages import BufferRef, CameraModel, GenerateRequest, Region, SceneInput

BODY_TYPE = "application/octet-stream"
_BIG = (-1, 0, 1, 2, 15, 16, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63, 2**64, -(2**63), 10**30)
_ODD = (
    None,
    True,
    False,
    "",
    "5",
    0.5,
    -1,
    1e308,
    [],
    {},
    [[]],
    "\x00",
    "é" * 50,
    "../../etc/passwd",
    "http://x/",
    "A" * 9000,
)
_KEYS = ("path", "url", "file", "__class__", "seed", "Seed", "", "protocol", "image", "blob", "x" * 300)


@dataclass(frozen=True)
class Wrong:
    """One request: the bytes to send on a fresh or kept connection."""

    kind: str
    data: bytes
    pieces: tuple[bytes, ...] = ()
    """what follows after a pause each"""


def request(seed: int, number: int, head: Callable[[str, str, dict[str, str]], bytes]) -> Wrong:
    """The request of this number. ``head`` makes the head of an honest request from method, path and headers."""
    rng = random.Random(f"{seed}/{number}")
    kind = rng.choice([*_KINDS, *["values", "buffers"] * 6])  # those that get furthest come most often
    if kind == "slow" and number % 10:  # costs as long as the server is patient
        kind = "bytes"
    return _KINDS[kind](rng, head)


def _honest(rng: random.Random) -> bytes:
    """A small job for the preview, as it should be."""
    height, width = rng.choice([(4, 6), (1, 1), (16, 9)])
    writer = BodyWriter()
    ids = np.ones((height, width), np.uint32)
    squeeze = rng.random() < 0.5
    matrix = tuple(np.eye(4).ravel().tolist())
    scene = SceneInput(
        instance_map=writer.add(ids, squeeze),
        class_map=writer.add(ids.astype(np.uint16), squeeze),
        depth=writer.add(ids.astype(np.float32)),
        normal=writer.add(np.ones((height, width, 3), np.float32)),
        regions=(Region(1, 3, "a house"),),
        camera=CameraModel("PERSP", width, height, 0.1, 100.0, matrix, matrix),
    )
    image = writer.add(np.zeros((height, width, 3), np.uint8), squeeze) if rng.random() < 0.5 else None
    mask = writer.add(np.ones((height, width), bool)) if image else None
    generator = rng.choice(["preview", "rehearsal"])
    return b"".join(writer.finish(GenerateRequest(generator, "0 0", seed=1, scene=scene, image=image, mask=mask)))


def _taken_apart(body: bytes) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(body[:4], "little")
    return json.loads(body[4 : 4 + size]), body[4 + size :]


def _put_together(header: Any, buffers: bytes) -> bytes:
    data = json.dumps(header).encode()
    return struct.pack("<I", len(data)) + data + buffers


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found += [(value, key), *_places(value[key])]
    return found


def _post(head: Any, body: bytes, kind: str, **headers: str) -> Wrong:
    fields = {"Content-Type": BODY_TYPE, "Content-Length": str(len(body)), **headers}
    return Wrong(kind, head("POST", "/v1/jobs", fields) + body)


def _values(rng: random.Random, head: Any) -> Wrong:
    """Some value anywhere is odd, huge, missing, or there are more keys."""
    header, buffers = _taken_apart(_honest(rng))
    for _ in range(rng.randint(1, 3)):
        container, key = rng.choice(_places(header))
        change = rng.random()
        if change < 0.15 and isinstance(container, dict):
            container.pop(key, None)
        elif change < 0.3 and isinstance(container, dict):
            container[rng.choice(_KEYS)] = rng.choice(_ODD)
        elif not isinstance(container, list) or (isinstance(key, int) and key < len(container)):
            container[key] = rng.choice(_ODD + _BIG)
    return _post(head, _put_together(header, buffers), "values")


def _buffers(rng: random.Random, head: Any) -> Wrong:
    """Buffer references lie about type, shape, place, length or encoding."""
    body = _honest(rng)
    header, buffers = _taken_apart(body)
    refs = [value for container, key in _places(header) if _is_ref(value := container[key])]
    for ref in rng.sample(refs, rng.randint(1, len(refs))):
        lie = rng.choice(["dtype", "shape", "offset", "length", "encoding"])
        ref[lie] = {
            "dtype": lambda: rng.choice(["uint8", "uint16", "uint32", "float32", "bool", "float64", "object", "O"]),
            "shape": lambda: [rng.choice(_BIG) for _ in range(rng.randint(0, 4))],
            "offset": lambda: rng.choice(_BIG),
            "length": lambda: rng.choice(_BIG),
            "encoding": lambda: rng.choice(["zlib", "raw", "gzip", ""]),
        }[lie]()
    return _post(head, _put_together(header, buffers), "buffers")


def _is_ref(value: Any) -> bool:
    return isinstance(value, dict) and "dtype" in value


def _bytes(rng: random.Random, head: Any) -> Wrong:
    """Bits flipped anywhere in an honest body."""
    body = bytearray(_honest(rng))
    for _ in range(rng.randint(1, 20)):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return _post(head, bytes(body), "bytes")


def _noise(rng: random.Random, head: Any) -> Wrong:
    """Junk, with an honest or lying length of its header."""
    junk = rng.randbytes(rng.choice([0, 1, 3, 4, 5, 100, 4000]))
    start = struct.pack("<I", rng.choice([0, 1, len(junk), 2**24, 2**31, 2**32 - 1]))
    return _post(head, start + junk if rng.random() < 0.5 else junk, "noise")


def _deep(rng: random.Random, head: Any) -> Wrong:
    """Nesting, long texts and numbers, NaN, keys that come twice, half characters, other encodings."""
    depth = rng.choice([100, 1000, 20_000])
    odd = rng.choice(
        [
            b"[" * depth,
            b"[" * depth + b"]" * depth,
            b'{"a":' * depth + b"1" + b"}" * depth,
            b'{"protocol":[1,0],"type":"GenerateRequest","message":' + b'{"scene":' * depth + b"}" * depth + b"}",
            b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"preview","seed":'
            + b"9" * depth
            + b"}}",
            b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"preview","strength":NaN}}',
            b'{"protocol":[1,0],"protocol":[2,0],"type":"GenerateRequest","message":{"generator":"preview"}}',
            b'{"protocol":[1,0],"type":"GenerateRequest","message":{"generator":"\\ud800"}}',
            '{"protocol":[1,0],"type":"GenerateRequest","message":{}}'.encode("utf-16"),
            b"\xef\xbb\xbf{}",
            b"{" + b",".join(b'"k%d":1' % index for index in range(depth)) + b"}",
            b"-" * depth,
            b'"' + b"\\u0041" * depth + b'"',
        ]
    )
    if rng.random() < 0.3:
        return Wrong("deep", head("POST", "/v1/jobs", _json_fields(odd)) + odd)
    return _post(head, struct.pack("<I", len(odd)) + odd, "deep")


def _json_fields(body: bytes) -> dict[str, str]:
    return {"Content-Type": "application/json", "Content-Length": str(len(body))}


def _bomb(rng: random.Random, head: Any) -> Wrong:
    """Little that unpacks to much."""
    data = (
        _BOMB
        if rng.random() < 0.7
        else zlib.compress(bytes(rng.choice([0, 71, 73, 9999])), 1)[: rng.choice([None, -3])]
    )
    shape = (8192, 8192, 3) if rng.random() < 0.02 else rng.choice([(4, 6, 3), (1, 1, 4), (512, 512, 3)])
    image = BufferRef("uint8", shape, 0, len(data), "zlib")
    message = to_json(GenerateRequest("rehearsal", "0 0", image=image))
    return _post(head, _put_together({"protocol": [1, 0], "type": "GenerateRequest", "message": message}, data), "bomb")


def _cut(rng: random.Random, head: Any) -> Wrong:
    """A body that ends early, within itself or within what was declared."""
    body = _honest(rng)
    short = body[: rng.randrange(len(body))]
    if rng.random() < 0.7:
        return _post(head, short, "cut")
    return _post(head, short, "cut off", **{"Content-Length": str(len(body))})


def _chunked(rng: random.Random, head: Any) -> Wrong:
    """Chunks, honest, endless or lying, with and without a length beside them."""
    body = _honest(rng)
    sizes = rng.choice(
        [b"%x" % len(body), b"ffffffffffffffff", b"-1", b"0x10", b"zz", b"%x;ext=" % len(body) + b"a" * 5000]
    )
    fields = {"Content-Type": BODY_TYPE, "Transfer-Encoding": rng.choice(["chunked", "Chunked", "gzip, chunked", "x"])}
    if rng.random() < 0.3:
        fields["Content-Length"] = str(len(body))
    return Wrong("chunked", head("POST", "/v1/jobs", fields) + sizes + b"\r\n" + body + b"\r\n0\r\n\r\n")


def _headers(rng: random.Random, head: Any) -> Wrong:
    """An honest body under headers that are not."""
    body = _honest(rng)
    fields = {
        "Content-Length": rng.choice([str(len(body)), "-1", "+5", "1e3", "0x10", "9" * 25, str(1 << 41), "", "1, 1"]),
        "Content-Type": rng.choice([BODY_TYPE, "application/json", "text/plain", "", "a/b" * 500]),
        "Idempotency-Key": rng.choice(["k", "", "k" * 5000, "é"]),
        "X-SegAddon-Priority": rng.choice(["batch", "interactive", "urgent", ""]),
        "X-SegAddon-Deadline": rng.choice(["1", "0", "-1", "nan", "inf", "1e400", "tomorrow"]),
        "X-SegAddon-Protocol": rng.choice(["1.0", "1.999", "2.0", "", "1", "-1.0", "1.0.0"]),
        "Range": "bytes=" + "0-," * rng.choice([1, 3000]),
        "Expect": rng.choice(["100-continue", "200-ok"]),
    }
    chosen = dict(rng.sample(sorted(fields.items()), rng.randint(1, 5)))
    return _post(head, body, "headers", **chosen)


def _paths(rng: random.Random, head: Any) -> Wrong:
    """Paths and methods that are none."""
    parts = [
        "v1",
        "jobs",
        "blobs",
        "models",
        "..",
        ".",
        "%2e%2e",
        "%2f",
        "%00",
        "",
        "a" * 300,
        "0" * 32,
        "0" * 64,
        "é",
        "\\",
        ";",
    ]
    path = (
        "/" + "/".join(rng.choice(parts) for _ in range(rng.randint(1, 6))) + rng.choice(["", "?", "?a=b", "#x", "/"])
    )
    method = rng.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "get", "A" * 500])
    return Wrong("paths", head(method, path, {"Content-Length": "0"}))


def _lines(rng: random.Random, _head: Any) -> Wrong:
    """What is hardly HTTP."""
    junk = rng.choice(
        [
            rng.randbytes(200),
            b"\r\n" * 50,
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET  /v1/info  HTTP/1.1\r\n\r\n",
            b"GET /v1/info HTTP/1.1\r\nHost: localhost\r\n folded: yes\r\n\r\n",
            b"GET /v1/info HTTP/1.1\r\nHost : localhost\r\n\r\n",
            b"GET /v1/info HTTP/1.1\nHost: localhost\n\n",
            b"GET /v1/info HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /v1/info HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(100),
        ]
    )
    return Wrong("lines", junk)


def _slow(rng: random.Random, head: Any) -> Wrong:
    """A head or a body that pauses."""
    body = _honest(rng)
    whole = _post(head, body, "slow").data
    cut = rng.randrange(1, len(whole))
    return Wrong("slow", whole[:cut], (whole[cut:],))


def _blobs(rng: random.Random, head: Any) -> Wrong:
    """Blobs under wrong names, jobs that name them wrongly."""
    if rng.random() < 0.4:
        data = rng.randbytes(rng.choice([0, 5, 5000]))
        name = rng.choice(["0" * 64, "../x", "F" * 64, "0" * 63])
        fields = {"Content-Type": BODY_TYPE, "Content-Length": str(len(data))}
        return Wrong("blobs", head("PUT", f"/v1/blobs/{name}", fields) + data)
    body = _honest(rng)
    asked = to_json(read_body(body).message(GenerateRequest))
    names = rng.choice([[], ["0" * 64], ["0" * 64] * 100, ["../../etc/passwd"], "0" * 64, [1], None])
    data = json.dumps({"protocol": [1, 0], "type": "GenerateRequest", "message": asked, "blobs": names}).encode()
    return Wrong("blobs", head("POST", "/v1/jobs", _json_fields(data)) + data)


_BOMB = zlib.compress(bytes(256 << 20), 9)
_KINDS: dict[str, Callable[[random.Random, Any], Wrong]] = {
    "values": _values,
    "buffers": _buffers,
    "bytes": _bytes,
    "noise": _noise,
    "deep": _deep,
    "bomb": _bomb,
    "cut": _cut,
    "chunked": _chunked,
    "headers": _headers,
    "paths": _paths,
    "lines": _lines,
    "blobs": _blobs,
    "slow": _slow,
}
