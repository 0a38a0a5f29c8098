"""OpenEXR files without a library (Blender's Python has none that can write integers): one part, scan lines, ZIP or
not compressed.

Written from "Technical Introduction to OpenEXR" and "OpenEXR File Layout" (openexr.com).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..protocol.errors import InvalidInput
from .atomic import atomic_file

_PIXEL_TYPES = {np.dtype(np.uint32): 0, np.dtype(np.float16): 1, np.dtype(np.float32): 2}
_MAGIC, _VERSION, _LONG_NAMES = 20000630, 2, 0x400
_SHORT_NAME, _LONG_NAME = 31, 255
"""bytes; names above the first need a flag that readers before 2011 lack"""
_PLAIN, _ZIP, _BLOCK_LINES = 0, 3, 16
_LEVEL = 1
"""zlib; 4 takes twice as long for a tenth less"""
_THREADS = 4
"""zlib lets other threads run meanwhile"""


def write_exr(
    path: str | Path, channels: Mapping[str, np.ndarray], attributes: Mapping[str, str] | None = None
) -> None:
    """Write an OpenEXR file; nothing is left half-written.

    Args:
        channels: full name ("R", or "layer.R") → H×W of one size; uint32, float16 or float32, row 0 at the top.
        attributes: string attributes of the header; kept as UTF-8.
    Raises InvalidInput for other arrays or names, StorageError where the file cannot be written.
    """
    parts = encode_exr(channels, attributes)  # checked before the file is touched
    with atomic_file(path) as file:
        file.writelines(parts)


def encode_exr(channels: Mapping[str, np.ndarray], attributes: Mapping[str, str] | None = None) -> list[bytes]:
    """The bytes of an OpenEXR file in parts to be joined; arguments as in ``write_exr``."""
    ordered = {name: channels[name] for name in sorted(channels, key=_bytes)}  # the order that readers expect
    height, width = _check(ordered, attributes or {})
    header = _header(ordered, width, height, attributes or {})
    with ThreadPoolExecutor(_THREADS) as pool:
        blocks = list(pool.map(lambda top: _block(ordered, top), range(0, height, _BLOCK_LINES)))
    start = len(header) + 8 * len(blocks)
    offsets = start + np.cumsum([0, *(len(block) for block in blocks[:-1])], dtype=np.uint64)
    return [header, offsets.astype("<u8").tobytes(), *blocks]


def encode_plain_exr(pixels: np.ndarray) -> bytes:
    """The bytes of an OpenEXR file that is not compressed: as quick to write and to read as memory is copied.

    Args:
        pixels: float32 H×W×3 or H×W×4 (red, green, blue, alpha; 1 where there is none), row 0 at the top.
    Raises InvalidInput for another shape or type.
    """
    shape = pixels.shape if pixels.ndim == 3 else (0, 0, 0)
    if shape[2] not in (3, 4) or pixels.dtype != np.float32:
        raise InvalidInput(f"{pixels.shape} {pixels.dtype} are no pixels for an EXR file", "Give float32 H×W×3 or ×4")
    height, width, count = shape
    ordered = {name: pixels[..., index % count] for index, name in zip((3, 2, 1, 0), "ABGR", strict=True)}
    _check(ordered, {})
    header = _header(ordered, width, height, {}, _PLAIN)
    line, start = 8 + 16 * width, len(header) + 8 * height  # a line: its number, its size, the channels one by one
    ahead = -start % 4
    file = np.empty(ahead + start + line * height, np.uint8)  # numbers stand at multiples of four
    file[ahead : ahead + len(header)] = np.frombuffer(header, np.uint8)
    offsets = start + line * np.arange(height, dtype="<u8")
    file[ahead + len(header) : ahead + start] = offsets.view(np.uint8)
    lines = file[ahead + start :].view("<i4").reshape(height, line // 4)
    lines[:, 0], lines[:, 1] = np.arange(height), line - 8
    planes = lines.view("<f4")[:, 2:].reshape(height, 4, width)
    for place, plane in enumerate(ordered.values()):
        planes[:, place] = plane if place or count == 4 else 1
    return file[ahead:].tobytes()


def _check(channels: Mapping[str, np.ndarray], attributes: Mapping[str, str]) -> tuple[int, int]:
    """(height, width). Raises InvalidInput."""
    shapes = {array.shape for array in channels.values()}
    if len(shapes) != 1 or len(min(shapes)) != 2 or 0 in min(shapes):
        raise InvalidInput(f"Channels of an EXR file have one size H×W, not {sorted(shapes)}", "Check the arrays")
    for name, array in channels.items():
        if array.dtype not in _PIXEL_TYPES:
            raise InvalidInput(f"EXR channel {name!r} cannot hold {array.dtype}", "Give uint32, float16 or float32")
    for name in (*channels, *attributes):
        if not 1 <= len(_bytes(name)) <= _LONG_NAME or "\0" in name:
            raise InvalidInput(f"{name!r} cannot name anything in an EXR file", f"Use 1 to {_LONG_NAME} letters")
    return min(shapes)


def _header(
    channels: Mapping[str, np.ndarray], width: int, height: int, attributes: Mapping[str, str], compression: int = _ZIP
) -> bytes:
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    known = {
        "channels": ("chlist", _channel_list(channels)),
        "compression": ("compression", bytes([compression])),
        "dataWindow": ("box2i", window),
        "displayWindow": ("box2i", window),
        "lineOrder": ("lineOrder", b"\0"),  # from the top
        "pixelAspectRatio": ("float", struct.pack("<f", 1.0)),
        "screenWindowCenter": ("v2f", struct.pack("<2f", 0.0, 0.0)),
        "screenWindowWidth": ("float", struct.pack("<f", 1.0)),
    }
    known |= {name: ("string", _bytes(text)) for name, text in attributes.items()}
    long = any(len(_bytes(name)) > _SHORT_NAME for name in (*channels, *attributes))
    parts = [struct.pack("<2i", _MAGIC, _VERSION | (_LONG_NAMES if long else 0))]
    for name, (kind, data) in known.items():
        parts.append(_bytes(name) + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(data)) + data)
    return b"".join([*parts, b"\0"])


def _channel_list(channels: Mapping[str, np.ndarray]) -> bytes:
    """Per channel: name, type, "perceptually linear" and padding, and that every pixel is there (1, 1)."""
    rows = (
        _bytes(name) + b"\0" + struct.pack("<i4x2i", _PIXEL_TYPES[array.dtype], 1, 1)
        for name, array in channels.items()
    )
    return b"".join([*rows, b"\0"])


def _block(channels: Mapping[str, np.ndarray], top: int) -> bytes:
    """Sixteen lines: each line holds its channels one after the other."""
    lines = np.concatenate(list(_line_bytes(channels, top)), axis=1).reshape(-1)
    packed = zlib.compress(_predicted(lines), _LEVEL)
    if len(packed) >= lines.size:
        packed = lines.tobytes()  # that the size is the full one tells readers that it is not compressed
    return struct.pack("<2i", top, len(packed)) + packed


def _line_bytes(channels: Mapping[str, np.ndarray], top: int) -> Iterator[np.ndarray]:
    for array in channels.values():
        rows = array[top : top + _BLOCK_LINES]
        little = np.ascontiguousarray(rows, rows.dtype.newbyteorder("<"))
        yield little.view(np.uint8).reshape(len(rows), -1)


def _predicted(raw: np.ndarray) -> bytes:
    """Bytes as ZIP wants them: those at even places, then those at odd ones, each as its difference to the last."""
    split = np.concatenate([raw[0::2], raw[1::2]])
    packed = np.empty_like(split)
    packed[0] = split[0]
    np.subtract(split[1:], split[:-1], out=packed[1:])
    packed[1:] += 128
    return packed.tobytes()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # names in old .blend files may be no UTF-8
