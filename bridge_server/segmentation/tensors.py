"""Between the networks' tensors and what segmenters give: torch is imported where it is used."""

from __future__ import annotations

from typing import Any

import numpy as np

from .segmenter import Candidates, Embedding

_OFFSET = 1.0
"""By which the line between inside and outside is moved for the stability of a mask, as in Segment Anything."""


def on_processor(size: tuple[int, ...], features: list[Any]) -> Embedding:
    """Features of a picture (height, width) off the device: many are kept."""
    kept = [one.cpu() for one in features]
    return Embedding((size[0], size[1]), kept, sum(one.numel() * one.element_size() for one in kept))


def features_of(embedding: Embedding, device: str) -> list[Any]:
    """They, on the device."""
    return [one.to(device) for one in embedding.features]


def candidates(full: Any, small: Any, scores: Any) -> Candidates:
    """The answers to one prompt.

    Args:
        full: float 1×K×H×W, the logits at the picture's size.
        small: float 1×K×S×S, as the network draws them.
        scores: float K.
    """
    inside = (small > _OFFSET).sum((-1, -2))[0]
    around = (small > -_OFFSET).sum((-1, -2))[0].clamp(min=1)
    return Candidates(
        (full > 0.0)[0].cpu().numpy(),
        scores.float().cpu().numpy(),
        (inside / around).cpu().numpy(),
        np.ascontiguousarray(small[0].float().cpu().numpy()),
    )
