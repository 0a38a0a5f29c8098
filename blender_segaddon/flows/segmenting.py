"""Masks from the server: what its segmenters, models or not, see in any picture."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..client import Bridge
from ..protocol.errors import InvalidInput
from ..protocol.framing import BodyWriter, read_body
from ..protocol.segmenting import (
    FoundMask,
    PromptMessage,
    SegmentRequest,
    SegmentResult,
    Source,
    Wanted,
    check_segment,
)
from . import generating
from .generating import Connection
from .masking import Mask, Trace


@dataclass(frozen=True)
class Question:
    """What is meant on a picture; see ``api.segment``."""

    points: Sequence[tuple[float, float]] = ()
    labels: Sequence[int] | None = None
    box: Sequence[float] | None = None
    text: str = ""
    wanted: Wanted = "masks"
    model: str = ""
    refine: Mask | None = None
    within: np.ndarray | None = None
    several: bool = True
    sharp: bool | None = None


def ask(pixels: np.ndarray, question: Question, connection: Connection) -> list[Mask]:
    """Masks of what is meant, best first. Never touches bpy; runs in any thread.

    Args:
        pixels: uint8 H×W×3.

    Raises:
        InvalidInput: what cannot be asked, or no server is set up. BridgeError: it does not answer, or failed.
    """
    found = generating.sender(connection)
    if found is None:
        raise InvalidInput(
            "Masks of anything but the scene's own objects need the bridge server, and none is set up",
            "Set it up in the add-on's preferences",
        )
    pixels = np.ascontiguousarray(pixels)
    digest = hashlib.sha256(pixels.data).hexdigest()
    writer = BodyWriter()
    request = _request(pixels, digest, question, writer)
    check_segment(request)
    return _masks(pixels.shape[:2], digest, _answer(found.bridge, pixels, digest, writer.finish(request)))


def _answer(bridge: Bridge, pixels: np.ndarray, digest: str, body: list) -> bytearray:
    return bridge.ask("/v1/segment", body, pixels.data.cast("B"), digest)


def _request(pixels: np.ndarray, digest: str, question: Question, writer: BodyWriter) -> SegmentRequest:
    height, width = pixels.shape[:2]
    has_prompt = bool(len(question.points)) or question.box is not None
    return SegmentRequest(
        image=digest,
        height=height,
        width=width,
        segmenter=question.model,
        wanted=question.wanted,
        prompts=(_prompt(question, writer),) if has_prompt else (),
        text=question.text,
        several=question.several,
        sharp=question.sharp,
        region=None if question.within is None else writer.add(question.within, compress=True),
    )


def _prompt(question: Question, writer: BodyWriter) -> PromptMessage:
    labels = [1] * len(question.points) if question.labels is None else question.labels
    trace = _trace(question)
    box = None if question.box is None else tuple(float(one) for one in question.box)
    return PromptMessage(
        points=tuple((float(x), float(y)) for x, y in question.points),
        labels=tuple(int(one) for one in labels),
        box=box,  # pyright: ignore[reportArgumentType]  # four numbers: checked by the caller
        logits=None if trace is None or trace.logits is None else writer.add(trace.logits),
        source=None if trace is None else Source(trace.segmenter, trace.image, trace.window),
    )


def _trace(question: Question) -> Trace | None:
    if question.refine is None:
        return None
    if question.refine.trace is None:
        hint = "Give it as within, or refine a mask that a segmenter made"
        raise InvalidInput(f"A mask of the {question.refine.source} cannot be refined by clicks", hint)
    return question.refine.trace


def _masks(size: tuple[int, ...], digest: str, answer: bytearray) -> list[Mask]:
    body = read_body(answer)
    result = body.message(SegmentResult, ignore_unknown=True)
    bits = np.zeros(0, np.uint8) if result.bits is None else body.array(result.bits)[0]
    logits = None if result.logits is None else body.array(result.logits)
    made = []
    for number, one in enumerate(result.masks):
        own = None
        if logits is not None:
            side = logits.shape[1]
            own = logits[number * side : (number + 1) * side]
        trace = Trace(result.segmenter, digest, one.window, own)
        made.append(Mask(_unpacked(bits, one, size), one.score, one.label, source=result.segmenter, trace=trace))
    return made


def _unpacked(bits: np.ndarray, one: FoundMask, size: tuple[int, ...]) -> np.ndarray:
    """bool H×W. Raises InvalidInput for an answer that lies."""
    x0, y0, x1, y1 = one.box
    count = (x1 - x0) * (y1 - y0)
    if not (0 <= x0 <= x1 <= size[1] and 0 <= y0 <= y1 <= size[0] and 0 <= one.start <= bits.size - (count + 7) // 8):
        raise InvalidInput("The server's answer holds a mask outside the picture", "Update server and add-on")
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = np.unpackbits(bits[one.start :], count=count).reshape(y1 - y0, x1 - x0)
    return mask
