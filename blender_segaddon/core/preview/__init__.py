# ruff: noqa: ARG001
"""Stand-in of the preview generator: flat colours, for the bridge's tests until the real one is merged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..maps import SceneMaps

NAME = "preview"
NOTICE = "A procedural preview, not a model"

OnStep = Callable[[int, int], None]


def paint(maps: SceneMaps, prompt: str = "", seed: int = 0, on_step: OnStep | None = None) -> np.ndarray:
    """uint8 H×W×3: one colour a class."""
    colours = np.random.default_rng(seed).integers(0, 256, (256, 3), dtype=np.uint8)
    if on_step:
        on_step(1, 1)
    return colours[maps.class_map % 256]


def repaint(
    image: np.ndarray,
    mask: np.ndarray,
    maps: SceneMaps | None,
    prompt: str = "",
    seed: int = 0,
    intent: str = "replace",
    strength: float = 1.0,
    on_step: OnStep | None = None,
) -> np.ndarray:
    """uint8 H×W×3: one colour under the mask."""
    out = image.copy()
    out[mask] = np.random.default_rng(seed).integers(0, 256, 3, dtype=np.uint8)
    if on_step:
        on_step(1, 1)
    return out


def understood(prompt: str) -> tuple[str, ...]:
    """The words that had an effect: none."""
    return ()
