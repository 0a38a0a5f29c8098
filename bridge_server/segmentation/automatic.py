"""Masks of everything in a picture: clicks on a grid, the good answers, each thing once.

The steps and numbers of Segment Anything's own generator of masks (Kirillov et al. 2023, appendix B).
"""

from __future__ import annotations

from collections.abc import Iterator

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
    found = sorted(_answers(segmenter, embedding, grid, lowest), key=lambda one: -one[1])
    kept: list[tuple[np.ndarray, float]] = []
    boxes: list[tuple[int, int, int, int]] = []
    for mask, score in found:
        box = bbox(mask)
        if box and all(_overlap(box, other) < _OVERLAP for other in boxes):
            kept.append((mask, score))
            boxes.append(box)
    return kept


def lowest_score(is_model: bool) -> float:
    """Below which answers are dropped: what works without weights is never that sure."""
    return _SCORE if is_model else 0.5


def _answers(
    segmenter: Segmenter, embedding: Embedding, grid: int, lowest: float
) -> Iterator[tuple[np.ndarray, float]]:
    height, width = embedding.size
    middles = (np.arange(grid) + 0.5) / grid
    points = [np.array([[x * width, y * height]]) for y in middles for x in middles]
    for start in range(0, len(points), _BATCH):
        prompts = [Prompt(point, np.array([1])) for point in points[start : start + _BATCH]]
        for answer in segmenter.masks(embedding, prompts, several=True):
            for mask, score, stability in zip(answer.masks, answer.scores, answer.stability, strict=True):
                if score >= lowest and stability >= _STABILITY:
                    yield mask, float(score)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)
