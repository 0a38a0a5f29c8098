"""The body of a request or reply: u32 little-endian header length, JSON header (UTF-8), raw buffers.

The header is ``{"protocol": [major, minor], "type": class name, "message": fields}``, so a body kept in a file says
what it is. Buffers are little-endian, row 0 at the top, C order, each at a multiple of 16 bytes.
Every declared size is checked against the bytes that are really there before anything is allocated.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any, TypeVar, cast, get_args

import numpy as np

from . import version
from .codec import dump, from_json, load, references, to_json
from .errors import InvalidInput, ProtocolMismatch
from .messages import BufferRef, DtypeName

T = TypeVar("T")
BytesLike = bytes | bytearray | memoryview

MAX_HEADER_BYTES = 16 << 20
"""Room for half a million visible instances, as a meadow of scattered grass has them."""
MAX_PIXELS = 8192 * 8192
MAX_CHANNELS = 4
MAX_BUFFERS = 64
MAX_UNPACKED_BYTES = 1 << 31
"""All buffers of one message together, decompressed."""

ALIGNMENT = 16
"""Every buffer starts at a multiple of this many bytes."""
_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in get_args(DtypeName)}


class BodyWriter:
    """Collects arrays, then writes them behind a message: ``add`` each array, put the references into the message,
    ``finish``."""

    def __init__(self) -> None:
        self._parts: list[BytesLike] = []
        self._size = 0

    def add(self, array: np.ndarray, compress: bool = False) -> BufferRef:
        """Append an array (H×W or H×W×C; bool, uint8, uint16, uint32 or float32) and return its reference.

        ``compress`` (zlib level 1) pays for id maps and masks only. Contiguous arrays are not copied: leave them
        unchanged until the body is sent. Raises InvalidInput for other dtypes and shapes.
        """
        if array.dtype.name not in _DTYPES:
            raise InvalidInput(f"Arrays of {array.dtype} do not travel", f"Use one of {', '.join(_DTYPES)}")
        flat = np.ascontiguousarray(array, _DTYPES[array.dtype.name]).reshape(-1).view(np.uint8).data
        data: BytesLike = zlib.compress(flat, 1) if compress else flat
        encoding = "zlib" if compress else "raw"
        ref = BufferRef(cast("DtypeName", array.dtype.name), array.shape, self._size, len(data), encoding)
        _check_shape(ref)
        padding = -len(data) % ALIGNMENT
        self._parts += [data, bytes(padding)]
        self._size += len(data) + padding
        return ref

    def finish(self, message: Any) -> list[BytesLike]:
        """The parts of the body, to be sent one after the other. Raises InvalidInput for a header over 16 MiB."""
        if self._size > MAX_UNPACKED_BYTES:
            raise InvalidInput(f"The arrays take {self._size >> 20} MiB", "Use a smaller size")
        return [start(message), *self._parts]


def start(message: Any) -> bytes:
    """What stands before the buffers of a body. Raises InvalidInput for a header over 16 MiB."""
    head = {"protocol": version.PROTOCOL_VERSION, "type": type(message).__name__, "message": to_json(message)}
    header = dump(head)
    header += b" " * (-(4 + len(header)) % ALIGNMENT)
    if len(header) > MAX_HEADER_BYTES:
        raise InvalidInput(
            f"The description of this scene takes {len(header) >> 10} KiB of at most {MAX_HEADER_BYTES >> 10}",
            "Use fewer visible instances or shorter texts",
        )
    return len(header).to_bytes(4, "little") + header


class Body:
    """A body that was received; see ``read_body``."""

    def __init__(self, header: dict[str, Any], buffers: memoryview) -> None:
        self._header = header
        self._buffers = buffers

    @property
    def type(self) -> str:
        """Class name of the message inside."""
        return self._header["type"]

    def message(self, cls: type[T], *, ignore_unknown: bool = False) -> T:
        """The message, its buffer references checked against the body. Raises InvalidInput.

        ``ignore_unknown``: see ``codec.from_json``.
        """
        if self.type != cls.__name__:
            raise InvalidInput(f"This body holds a {self.type:.80}", f"Send a {cls.__name__}")
        message = from_json(cls, self._header["message"], ignore_unknown=ignore_unknown)
        check_references(message, len(self._buffers))
        return message

    def array(self, ref: BufferRef) -> np.ndarray:
        """The array of a reference, read-only; a view of the body where it is not compressed.

        Raises InvalidInput when the bytes are not what the reference declares.
        """
        _check_reference(ref, len(self._buffers))
        data: BytesLike = self._buffers[ref.offset : ref.offset + ref.length]
        if ref.encoding == "zlib":
            data = _decompress(data, _unpacked_bytes(ref))
        if ref.dtype == "bool" and np.frombuffer(data, np.uint8).max() > 1:
            raise InvalidInput("A mask holds bytes other than 0 and 1", "Send boolean masks")
        array = np.frombuffer(data, _DTYPES[ref.dtype]).reshape(ref.shape)
        array.flags.writeable = False
        return array


def read_body(data: BytesLike) -> Body:
    """Read what ``BodyWriter.finish`` wrote. The body is not copied: keep ``data`` unchanged while arrays live.

    Raises InvalidInput for anything malformed, ProtocolMismatch for another major version.
    """
    view = memoryview(data).toreadonly()
    size = header_size(view[:4], len(view))
    header = load(view[4 : 4 + size])
    if not isinstance(header, dict) or header.keys() != {"protocol", "type", "message"}:
        raise InvalidInput("The header is no object of protocol, type and message", "Send a framed body")
    check_protocol(header["protocol"])
    if not isinstance(header["type"], str):
        raise InvalidInput("The header's type is no text", "Send the name of the message class")
    return Body(header, view[4 + size :])


def header_size(start: BytesLike, total: int) -> int:
    """Bytes of the JSON header of a body of ``total`` bytes, from its first four. Raises InvalidInput."""
    size = int.from_bytes(start, "little")
    if size > MAX_HEADER_BYTES:
        raise InvalidInput(f"A header of {size} bytes", f"Send at most {MAX_HEADER_BYTES}")
    if len(start) < 4 or total < 4 + size:
        raise InvalidInput("The body ends within its header", "Send the whole body")
    return size


def check_references(message: Any, available: int) -> None:
    """Raise InvalidInput unless every buffer of the message lies inside ``available`` bytes and has an honest size."""
    refs = list(references(message))
    if len(refs) > MAX_BUFFERS:
        raise InvalidInput(f"{len(refs)} buffers in one message", f"Send at most {MAX_BUFFERS}")
    for ref in refs:
        _check_reference(ref, available)
    total = sum(_unpacked_bytes(ref) for ref in refs)
    if total > MAX_UNPACKED_BYTES:
        raise InvalidInput(f"The arrays take {total >> 20} MiB", f"Send at most {MAX_UNPACKED_BYTES >> 20} MiB")


def check_protocol(theirs: Sequence[int] | Any) -> None:
    """Raise ProtocolMismatch unless the peer's (major, minor) has our major version; InvalidInput for nonsense."""
    if not (isinstance(theirs, (list, tuple)) and len(theirs) == 2 and all(type(part) is int for part in theirs)):
        raise InvalidInput("The protocol version is no pair of numbers", "Send [major, minor]")
    ours = version.PROTOCOL_VERSION
    if theirs[0] != ours[0]:
        raise ProtocolMismatch(
            f"The other side speaks protocol {theirs[0]}.{theirs[1]}, this one {ours[0]}.{ours[1]}",
            "Update the older of add-on and bridge server, then restart both",
        )


def _check_reference(ref: BufferRef, available: int) -> None:
    _check_shape(ref)
    if not 0 <= ref.offset <= ref.offset + ref.length <= available:
        raise InvalidInput("A buffer lies outside the body", "Send the whole body")
    if ref.encoding == "raw" and ref.length != _unpacked_bytes(ref):
        raise InvalidInput(
            f"A buffer of {ref.length} bytes is declared as {ref.dtype} {ref.shape}",
            f"Send {_unpacked_bytes(ref)} bytes",
        )


def _check_shape(ref: BufferRef) -> None:
    """Shape and size before anything is multiplied into an allocation."""
    shape = ref.shape
    fits = len(shape) in (2, 3) and min(shape) >= 1 and shape[0] * shape[1] <= MAX_PIXELS
    if not fits or (len(shape) == 3 and shape[2] > MAX_CHANNELS):
        raise InvalidInput(
            f"An array of shape {shape!s:.80} cannot travel",
            f"Send H×W or H×W×C with at most {MAX_PIXELS} pixels and {MAX_CHANNELS} channels",
        )


def _unpacked_bytes(ref: BufferRef) -> int:
    return math.prod(ref.shape) * _DTYPES[ref.dtype].itemsize


def _decompress(data: BytesLike, size: int) -> bytes:
    """Exactly ``size`` bytes, never more, out of a zlib stream. Raises InvalidInput."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, size)
        surplus = stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise InvalidInput(f"A compressed buffer is damaged: {error}", "Send it again") from None
    if len(out) != size or surplus or not stream.eof or stream.unused_data:
        raise InvalidInput(f"A compressed buffer does not unpack to its {size} bytes", "Declare its true shape")
    return out
