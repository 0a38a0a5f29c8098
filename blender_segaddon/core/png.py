"""PNG files without an imaging library (Blender's Python has none)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..protocol.errors import InvalidInput, StorageError
from .atomic import write_atomic

_COLOR_TYPES = {1: 0, 3: 2, 4: 6}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_png(path: str | Path, image: np.ndarray, metadata: Mapping[str, str] | None = None) -> None:
    """Write a picture; nothing is left half-written.

    Args:
        image: uint8 H×W, H×W×3 or H×W×4, or uint16 H×W; row 0 at the top; display-referred where it is a colour.
        metadata: keywords (1..79 Latin-1 characters) and texts, stored as iTXt.
    Raises InvalidInput for another shape or type and StorageError where the file cannot be written.
    """
    write_atomic(path, encode_png(image, metadata))


def encode_png(image: np.ndarray, metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a PNG file; arguments as in ``write_png``."""
    samples = 1 if image.ndim == 2 else image.shape[-1] if image.ndim == 3 else 0
    sixteen = image.dtype == np.uint16
    if image.size == 0 or samples not in _COLOR_TYPES or not (image.dtype == np.uint8 or (sixteen and samples == 1)):
        raise InvalidInput(
            f"Cannot write an array of {image.shape} {image.dtype} as PNG",
            "Give uint8 H×W, H×W×3 or H×W×4, or uint16 H×W",
        )
    height, width = image.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16 if sixteen else 8, _COLOR_TYPES[samples], 0, 0, 0)
    parts = [_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"sRGB", b"\0")]
    parts += [_chunk(b"iTXt", _text(key, text)) for key, text in (metadata or {}).items()]
    parts += [_chunk(b"IDAT", zlib.compress(_filtered(image), 3)), _chunk(b"IEND", b"")]
    return b"".join(parts)


def read_text(path: str | Path) -> dict[str, str]:
    """The texts (iTXt, not compressed) of a PNG file by keyword; the pixels are not read.

    Raises InvalidInput for a file that is no PNG file, StorageError for one that cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}", "Choose another file") from error
    if not data.startswith(_SIGNATURE):
        raise InvalidInput(f"{path} is no PNG file", "Choose another file")
    return dict(_texts(memoryview(data)[len(_SIGNATURE) :]))


def _texts(chunks: memoryview) -> Iterator[tuple[str, str]]:
    while len(chunks) >= 8:
        length, kind = int.from_bytes(chunks[:4], "big"), bytes(chunks[4:8])
        keyword, _, rest = bytes(chunks[8 : 8 + length]).partition(b"\0") if kind == b"iTXt" else (b"", b"", b"")
        if rest[:1] == b"\0":  # not compressed
            yield keyword.decode("latin-1"), rest[2:].split(b"\0", 2)[2].decode("utf-8", "replace")
        chunks = chunks[12 + length :]


def _filtered(image: np.ndarray) -> bytes:
    """The rows with filter bytes: Up (difference to the row above), which numpy does at once and suits flat maps."""
    big_endian = image.astype(image.dtype.newbyteorder(">"), copy=False)
    rows = np.ascontiguousarray(big_endian).view(np.uint8).reshape(image.shape[0], -1)
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered.tobytes()


def _text(keyword: str, text: str) -> bytes:
    try:
        key = keyword.encode("latin-1")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"PNG keyword {keyword!r} is not Latin-1", "Use plain letters") from error
    if not 1 <= len(key) <= 79 or b"\0" in key or "\0" in text:
        raise InvalidInput(f"PNG keyword {keyword!r} or its text cannot be stored", "Use 1 to 79 letters, no NUL")
    return key + b"\0\0\0\0\0" + text.encode("utf-8")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
