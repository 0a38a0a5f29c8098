"""Masks of everything in a picture: clicks on a grid, the good answers, each thing once.

The steps and numbers of Segment Anything's own generator of masks (Kirillov et al. 2023, appendix B).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from blender_segaddon.core.masks import bbox

from .segmenter import Embedding, Prompt, Segmenter

_SCORE, _STABILITY = 0.88, 0.95
"""Answers below either are dropped."""
_OVERLAP = 0.7
"""Of the boxes of two masks (intersection over union), above which only the better one stays."""
_BATCH = 32


def everything(segmenter: Segmenter, embedding: Embedding, grid: int, lowest: float) -> list[tuple[np.ndarray, float]]:
    """Masks (bool H×W) with their scores, best first.

    Args:
        grid: clicks along each side of the picture.
        lowest: score below which an answer is dropped.
    """
    found = sorted(_answers(segmenter, embedding, grid, lowest), key=lambda one: -one.score)
    kept: list[_Found] = []
    for one in found:
        if all(_overlap(one.box, other.box) < _OVERLAP for other in kept):
            kept.append(one)
    return [(one.mask(embedding.size), one.score) for one in kept]


@dataclass(frozen=True, eq=False)
class _Found:
    """A mask in as little memory as can be: there are thousands before the doubles are dropped."""

    score: float
    box: tuple[int, int, int, int]
    """x0, y0, x1, y1, ends exclusive"""
    bits: np.ndarray
    """of what is in the box, eight pixels a byte"""

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """bool H×W of ``size`` (height, width)."""
        x0, y0, x1, y1 = self.box
        whole = np.zeros(size, bool)
        inside = np.unpackbits(self.bits, count=(y1 - y0) * (x1 - x0)).reshape(y1 - y0, x1 - x0)
        whole[y0:y1, x0:x1] = inside.astype(bool)
        return whole


def lowest_score(is_model: bool) -> float:
    """Below which answers are dropped: what works without weights is never that sure."""
    return _SCORE if is_model else 0.5


def _answers(segmenter: Segmenter, embedding: Embedding, grid: int, lowest: float) -> Iterator[_Found]:
    height, width = embedding.size
    middles = (np.arange(grid) + 0.5) / grid
    points = [np.array([[x * width, y * height]]) for y in middles for x in middles]
    for start in range(0, len(points), _BATCH):
        prompts = [Prompt(point, np.array([1])) for point in points[start : start + _BATCH]]
        for answer in segmenter.masks(embedding, prompts, several=True):
            for mask, score, stability in zip(answer.masks, answer.scores, answer.stability, strict=True):
                box = bbox(mask) if score >= lowest and stability >= _STABILITY else None
                if box:
                    x0, y0, x1, y1 = box
                    yield _Found(float(score), box, np.packbits(mask[y0:y1, x0:x1]))


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)
