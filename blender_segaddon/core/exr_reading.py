"""Reads what Blender writes as OpenEXR MultiLayer with codec NONE: uncompressed lines of 32-bit floats.

Written from the file layout that openexr.com documents; in Blender 5 each pass is a part of its own, before that
there is one part. Other OpenEXR files are refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..protocol.errors import StorageError

_MAGIC = 20000630
_MULTI_PART = 0x1000
_FLOAT = 2


@dataclass(frozen=True)
class _Part:
    channels: tuple[str, ...]
    """in the order of the file: by name"""
    width: int
    height: int
    top: int


def read_channels(path: Path) -> dict[str, np.ndarray]:
    """Name of each channel ("ViewLayer.Depth.Z") → float32 H×W, row 0 at the top.

    Raises:
        StorageError: the file cannot be read, or is none of that kind.
    """
    try:
        return _parse(path.read_bytes())
    except (OSError, struct.error, ValueError, IndexError, KeyError) as error:
        raise StorageError(f"Blender's render in {path.name} cannot be read: {error}", "Capture again") from error


def _parse(data: bytes) -> dict[str, np.ndarray]:
    magic, version = struct.unpack_from("<2I", data)
    if magic != _MAGIC:
        raise ValueError("no OpenEXR file")
    several = bool(version & _MULTI_PART)
    parts, at = [], 8
    while True:
        part, at = _header(data, at)
        parts.append(part)
        if not several or data[at] == 0:
            break
    at += several
    found: dict[str, np.ndarray] = {}
    for part in parts:
        offsets = np.frombuffer(data, np.uint64, part.height, at)
        at += 8 * part.height
        found |= _pixels(data, part, offsets, 12 if several else 8)
    return found


def _header(data: bytes, at: int) -> tuple[_Part, int]:
    attributes: dict[str, bytes] = {}
    while data[at] != 0:
        name, at = _text(data, at)
        _, at = _text(data, at)
        (size,) = struct.unpack_from("<I", data, at)
        attributes[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    if attributes["compression"] != b"\0":
        raise ValueError("it is compressed")
    x0, y0, x1, y1 = struct.unpack("<4i", attributes["dataWindow"])
    prefix = attributes["name"].decode() if "name" in attributes else ""
    channels = tuple(_with_layer(prefix, one) for one in _channels(attributes["channels"]))
    return _Part(channels, x1 - x0 + 1, y1 - y0 + 1, y0), at + 1


def _with_layer(part: str, channel: str) -> str:
    """Blender 5 leaves the layer out of some channels' names: it is the part's."""
    return channel if channel.count(".") >= 2 or not part else f"{part}.{channel.rsplit('.', 1)[-1]}"


def _channels(data: bytes) -> list[str]:
    names, at = [], 0
    while data[at] != 0:
        name, at = _text(data, at)
        if struct.unpack_from("<I", data, at)[0] != _FLOAT:
            raise ValueError("its pixels are no 32-bit floats")
        names.append(name)
        at += 16
    return names


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1


def _pixels(data: bytes, part: _Part, offsets: np.ndarray, head: int) -> dict[str, np.ndarray]:
    lines = np.empty((part.height, len(part.channels), part.width), np.float32)
    for offset in offsets.tolist():
        (y,) = struct.unpack_from("<i", data, offset + head - 8)
        flat = np.frombuffer(data, np.float32, len(part.channels) * part.width, offset + head)
        lines[y - part.top] = flat.reshape(len(part.channels), part.width)
    return {name: lines[:, number] for number, name in enumerate(part.channels)}
