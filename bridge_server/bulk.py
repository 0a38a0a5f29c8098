"""The bytes of a large body past h11, which would copy each of them three times.

h11 reads the head, decides how long the body is, and sees its end; what lies between needs no parsing. Halves the time
that the event loop spends on a body (measured by ``scripts/bench_bridge.py``). It leans on two private names of h11's
reader of bodies with a Content-Length; where they are missing, everything goes through h11.
"""

from __future__ import annotations

import h11
from h11._readers import ContentLengthReader
from uvicorn.protocols.http.h11_impl import H11Protocol

_HIGH_WATER = 1 << 20
"""Bytes that may wait for the request's handler before reading pauses."""


def take_body(connection: H11Protocol, data: bytes) -> bool:
    """Hand ``data`` to the request's handler if it lies within a body, and not at its end; else False, nothing done."""
    parser, cycle = connection.conn, connection.cycle
    reader = getattr(parser, "_reader", None)
    if type(reader) is not ContentLengthReader or parser.their_state is not h11.SEND_BODY or parser.trailing_data[0]:
        return False
    left = getattr(reader, "_remaining", 0)
    if len(data) >= left or parser.our_state is h11.DONE or parser.they_are_waiting_for_100_continue:
        return False
    reader._remaining = left - len(data)
    if cycle.body:
        cycle.body += data
    else:
        cycle.body = data  # pyright: ignore[reportAttributeAccessIssue] - its only reader makes bytes of it
    if len(cycle.body) > _HIGH_WATER:
        connection.flow.pause_reading()
    cycle.message_event.set()
    return True
