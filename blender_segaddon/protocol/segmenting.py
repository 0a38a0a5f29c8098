"""Messages of POST /v1/segment: what is meant on a picture → masks."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from .checks import MAX_TEXT
from .errors import InvalidInput
from .framing import MAX_PIXELS
from .messages import BufferRef

Wanted = Literal["masks", "everything", "prepare"]

MAX_PROMPTS = 256
MAX_POINTS = 1024
"""of one prompt"""
MAX_LOGITS = 1024
"""side"""


@dataclass(frozen=True)
class Source:
    """What an answer was made from: its logits mean nothing to another segmenter or on another picture."""

    segmenter: str
    image: str
    """SHA-256 of the picture's pixels"""
    window: tuple[int, int, int, int]
    """(x0, y0, x1, y1) of the part of the picture that the segmenter looked at"""


@dataclass(frozen=True)
class PromptMessage:
    """What one mask is to show: points, a box or both. Pixels count from the picture's top left corner."""

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    """one a point: 1 meant, 0 not meant"""
    box: tuple[float, float, float, float] | None = None
    """(x0, y0, x1, y1)"""
    logits: BufferRef | None = None
    """float32 S×S of an earlier answer, to go on from"""
    source: Source | None = None
    """of the logits"""


@dataclass(frozen=True)
class SegmentRequest:
    """Asks for masks on a picture that was uploaded as a blob: its pixels, uint8 H×W×3, display-referred sRGB."""

    image: str
    """SHA-256 of the blob"""
    height: int
    width: int
    segmenter: str = ""
    """name as /v1/info lists it; "": the best that is there"""
    wanted: Wanted = "masks"
    """"prepare": only look at the picture, so that the first click need not wait for that"""
    prompts: tuple[PromptMessage, ...] = ()
    text: str = ""
    """what to find, in words, instead of prompts"""
    several: bool = True
    """three candidates for each prompt, else the one best"""
    sharp: bool | None = None
    """True: look once more, at the part that the mask is in, so that its edge is sharp; None: on large pictures"""
    region: BufferRef | None = None
    """bool H×W: the masks lie within it"""


@dataclass(frozen=True)
class FoundMask:
    """One mask of an answer."""

    prompt: int
    """number of its prompt, from 0"""
    score: float
    """about 0 .. 1"""
    box: tuple[int, int, int, int]
    """(x0, y0, x1, y1) around it; all 0 for an empty mask"""
    start: int
    """where its pixels begin in ``SegmentResult.bits``: of the box, row by row, eight a byte, highest bit first"""
    label: str = ""
    """what it shows, where that was asked in words"""
    window: tuple[int, int, int, int] = (0, 0, 0, 0)
    """as in ``Source``"""


@dataclass(frozen=True)
class SegmentResult:
    """Header of the answer. The masks of a prompt come best first."""

    segmenter: str
    """that was used"""
    is_model: bool
    encodings: int
    """how often it had to look at the picture for this answer: 0 where it had before"""
    masks: tuple[FoundMask, ...] = ()
    bits: BufferRef | None = None
    """uint8 1×N"""
    logits: BufferRef | None = None
    """float32 (masks · S)×S, one below the other; None where the segmenter has none"""


def check_segment(request: SegmentRequest) -> None:
    """Raise InvalidInput, naming what is wrong, unless the request can be run."""
    size = (request.height, request.width)
    _demand(re.fullmatch("[0-9a-f]{64}", request.image) is not None, "an image that is no SHA-256", "Send its digest")
    _demand(
        min(size) >= 1 and math.prod(size) <= MAX_PIXELS, f"a picture of {size}", f"Use at most {MAX_PIXELS} pixels"
    )
    _demand(len(request.prompts) <= MAX_PROMPTS, f"{len(request.prompts)} prompts", f"Send at most {MAX_PROMPTS}")
    _demand(len(request.text) <= MAX_TEXT, "a long text", f"Use at most {MAX_TEXT} characters")
    given = bool(request.prompts) + bool(request.text.strip())
    _demand(request.wanted != "masks" or given == 1, "nothing that is meant", "Send prompts or a text")
    if request.region is not None:
        fits = request.region.dtype == "bool" and request.region.shape == size
        _demand(fits, "a region of another size", f"Send bool {size}")
    for prompt in request.prompts:
        _check_prompt(prompt, request)


def _check_prompt(prompt: PromptMessage, request: SegmentRequest) -> None:
    points, labels = prompt.points, prompt.labels
    _demand(len(points) == len(labels) <= MAX_POINTS, "labels that do not fit the points", "Send one a point")
    _demand(set(labels) <= {0, 1}, "other labels than 0 and 1", "Send 1 for what is meant, 0 for what is not")
    _demand(1 in labels or prompt.box is not None, "no positive point and no box", "Click on what is meant")
    for x, y in points:
        inside = 0 <= x < request.width and 0 <= y < request.height
        _demand(
            inside, f"the point ({x:g}, {y:g}) outside the picture", f"It has {request.width}×{request.height} pixels"
        )
    if prompt.box is not None:
        x0, y0, x1, y1 = prompt.box
        fits = max(x0, 0) < min(x1, request.width) and max(y0, 0) < min(y1, request.height)
        _demand(fits, f"the empty box {prompt.box}", "Give (x0, y0, x1, y1) inside the picture")
    if prompt.source is not None:
        _check_source(prompt.source, request)
    if prompt.logits is not None:
        _check_logits(prompt.logits, prompt.source)


def _check_logits(logits: BufferRef, source: Source | None) -> None:
    if source is None:
        raise InvalidInput("The request holds logits without their source", "Send the source with them")
    square = logits.dtype == "float32" and len(logits.shape) == 2 and logits.shape[0] == logits.shape[1] <= MAX_LOGITS
    _demand(square, f"logits of {logits.dtype} {logits.shape}", "Send float32 S×S")


def _check_source(source: Source, request: SegmentRequest) -> None:
    _demand(source.image == request.image, "a mask of another picture to go on from", "Click anew on this picture")
    same = request.segmenter in ("", source.segmenter)
    _demand(same, f"a mask of {source.segmenter:.80} to go on from", "Use the same segmenter, or click anew")
    x0, y0, x1, y1 = source.window
    fits = 0 <= x0 < x1 <= request.width and 0 <= y0 < y1 <= request.height
    _demand(fits, f"a window {source.window}", "Send the one of the answer")


def _demand(fits: bool, what: str, hint: str) -> None:
    if not fits:
        raise InvalidInput(f"There can be no mask with {what}", hint)
