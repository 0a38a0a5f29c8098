"""What every segmenter does: looks at a picture once, then answers clicks and boxes on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a segmenter keeps of a picture that it has looked at."""

    size: tuple[int, int]
    """height and width of the picture"""
    features: Any
    """the segmenter's own; on the processor, not on its device"""
    nbytes: int


@dataclass(frozen=True, eq=False)
class Prompt:
    """What is meant: points, a box or both. Pixels count from the picture's top left corner."""

    points: np.ndarray
    """float64 N×2, (x, y)"""
    labels: np.ndarray
    """int64 N: 1 meant, 0 not meant"""
    box: np.ndarray | None = None
    """float64 4: x0, y0, x1, y1"""
    logits: np.ndarray | None = None
    """float32 S×S of an earlier answer of the same segmenter on the same picture"""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Answers to one prompt."""

    masks: np.ndarray
    """bool K×H×W"""
    scores: np.ndarray
    """float32 K: how good the segmenter takes each to be, about 0 .. 1"""
    stability: np.ndarray
    """float32 K, 0 .. 1: how little each changes when the line between inside and outside is moved"""
    logits: np.ndarray | None = None
    """float32 K×S×S: the masks as the network draws them, above 0 inside; None where a segmenter has none"""


class Segmenter(Protocol):
    """One that is ready to work."""

    native: int
    """side in pixels of the square that it looks at"""
    grid: int
    """clicks along each side of a picture that find everything in it"""

    def encode(self, image: np.ndarray) -> Embedding:
        """Look at a picture (uint8 H×W×3): what takes long, once for each picture."""
        ...

    def masks(self, embedding: Embedding, prompts: Sequence[Prompt], several: bool) -> list[Candidates]:
        """The answers to each prompt, those to alike ones in one batch.

        Args:
            several: three candidates each, for what may mean several things (one click); else the one best.
        """
        ...

    def to_host(self) -> None:
        """Give the device's memory back, ready to go on."""

    def to_device(self) -> None:
        """Take the device's memory again."""


def alike(prompts: Sequence[Prompt]) -> list[list[int]]:
    """Indices of prompts that can be answered in one batch: same number of points, box or none, logits or none."""
    groups: dict[tuple[int, bool, bool], list[int]] = {}
    for index, one in enumerate(prompts):
        groups.setdefault((len(one.points), one.box is None, one.logits is None), []).append(index)
    return list(groups.values())
