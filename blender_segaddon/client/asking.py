"""Questions that are answered at once, about pictures that the server keeps by their SHA-256."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..protocol.errors import BridgeUnavailable
from ..protocol.framing import BytesLike
from ..protocol.headers import BODY_TYPE
from .endpoint import ConnectionBrokenError, Endpoint
from .finding import Finder
from .http import RefusedError, exchange

_ANSWER_SECONDS = 600.0
"""A large network looks at a picture for a minute on a processor."""
_TRIES = 4


async def ask(finder: Finder, path: str, body: Sequence[BytesLike], blob: BytesLike, sha256: str) -> bytearray:
    """The body of the answer to a POST about a blob, which is sent first where the server does not have it.

    Starts the server when none runs; asks again where it ended in the middle.

    Raises:
        InvalidInput, BridgeError: what the server says. BridgeUnavailable: it does not answer.
    """
    for attempt in range(_TRIES):
        endpoint = await finder.endpoint()
        try:
            return await _asked(endpoint, path, body, blob, sha256)
        except RefusedError as refused:
            if refused.problem.status not in (401, 429, 503) or attempt == _TRIES - 1:
                raise refused.user_error() from None
            finder.doubt()
            await asyncio.sleep(max(refused.retry_after, 0.1))
        except ConnectionBrokenError:
            finder.doubt()
            await asyncio.sleep(0.1)
    raise BridgeUnavailable("The bridge server breaks off again and again", "Look at the end of its server.log")


async def _asked(endpoint: Endpoint, path: str, body: Sequence[BytesLike], blob: BytesLike, sha256: str) -> bytearray:
    try:
        return await _post(endpoint, path, body)
    except RefusedError as refused:
        if refused.problem.code != "no_such_blob":
            raise
    headers = {"Content-Type": BODY_TYPE}
    async with exchange(endpoint, "PUT", f"/v1/blobs/{sha256}", body=[blob], headers=headers):
        pass
    return await _post(endpoint, path, body)


async def _post(endpoint: Endpoint, path: str, body: Sequence[BytesLike]) -> bytearray:
    headers = {"Content-Type": BODY_TYPE}
    async with exchange(endpoint, "POST", path, body=body, headers=headers, timeout=_ANSWER_SECONDS) as reply:
        return await reply.bytes()
