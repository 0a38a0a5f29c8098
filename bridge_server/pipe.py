"""Frames between the server and its worker: u32 header length, u64 payload length, JSON header, payload.

Both ends are our own processes, joined by the worker's standard input and output.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from typing import Any, BinaryIO

from blender_segaddon.protocol.codec import dump, load

_HEAD = struct.Struct("<IQ")
_SLICE = 1 << 20
"""Bytes written at once: the event loop copies what the pipe does not take."""


def pack(header: dict[str, Any], payload: int = 0) -> bytes:
    """The start of a frame, to be followed by ``payload`` bytes."""
    data = dump(header)
    return _HEAD.pack(len(data), payload) + data


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytearray]:
    """The next frame: header and payload. Blocks; raises EOFError when the other side is gone."""
    header_size, size = _HEAD.unpack(_read_exactly(stream, _HEAD.size))
    header = load(_read_exactly(stream, header_size))
    return header, _read_exactly(stream, size)


def write(stream: BinaryIO, header: dict[str, Any], payload: Iterable[bytes | bytearray | memoryview] = ()) -> None:
    """Write one frame; blocks until the pipe has taken it."""
    parts = list(payload)
    stream.write(pack(header, sum(memoryview(part).nbytes for part in parts)))
    for part in parts:
        stream.write(part)
    stream.flush()


async def read_async(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """``read`` for the event loop. Raises EOFError when the worker is gone."""
    try:
        header_size, size = _HEAD.unpack(await stream.readexactly(_HEAD.size))
        header = load(await stream.readexactly(header_size))
        return header, await stream.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise EOFError("the worker is gone") from error


async def write_async(
    stream: asyncio.StreamWriter, header: dict[str, Any], payload: bytes | bytearray | memoryview = b""
) -> None:
    """``write`` for the event loop, in slices so that nothing else waits. Raises EOFError."""
    view = memoryview(payload)
    try:
        stream.write(pack(header, view.nbytes))
        for start in range(0, view.nbytes, _SLICE):
            stream.write(view[start : start + _SLICE])
            await stream.drain()
        await stream.drain()
    except (ConnectionError, RuntimeError) as error:  # RuntimeError: the pipe was closed by us
        raise EOFError("the worker is gone") from error


def _read_exactly(stream: BinaryIO, size: int) -> bytearray:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        count = stream.readinto(view[done:])  # pyright: ignore[reportAttributeAccessIssue]
        if not count:
            raise EOFError("the server is gone")
        done += count
    return data
