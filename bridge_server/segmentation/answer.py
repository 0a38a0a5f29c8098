"""Masks → the framed answer of the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blender_segaddon.core.masks import bbox
from blender_segaddon.protocol.framing import BodyWriter, BytesLike
from blender_segaddon.protocol.segmenting import FoundMask, SegmentResult

from ..segmenters import SegmenterFiles
from .memory import Window


@dataclass(frozen=True, eq=False)
class Answered:
    """One mask of an answer."""

    prompt: int
    """number of its prompt"""
    mask: np.ndarray
    """bool H×W"""
    score: float
    window: Window
    """the part of the picture that it was seen in"""
    logits: np.ndarray | None = None
    """float32 S×S"""
    label: str = ""


def pack(files: SegmenterFiles, found: Sequence[Answered], encodings: int) -> list[BytesLike]:
    """The parts of a framed SegmentResult."""
    writer = BodyWriter()
    masks, pieces, start = [], [], 0
    for one in found:
        box = bbox(one.mask) or (0, 0, 0, 0)
        bits = np.packbits(one.mask[box[1] : box[3], box[0] : box[2]])
        masks.append(FoundMask(one.prompt, one.score, box, start, one.label, one.window))
        pieces.append(bits)
        start += bits.size
    logits = [one.logits for one in found if one.logits is not None]
    result = SegmentResult(
        segmenter=files.name,
        is_model=files.is_model,
        encodings=encodings,
        masks=tuple(masks),
        bits=writer.add(np.concatenate(pieces)[None], compress=True) if start else None,
        logits=writer.add(np.concatenate(logits)) if logits and len(logits) == len(found) else None,
    )
    return writer.finish(result)
