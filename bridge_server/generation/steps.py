"""Counts the steps of a picture, over all its passes, and looks at it now and then."""

from __future__ import annotations

import math
import time
from typing import Any

from ..generators import OnStep
from ..models.catalogue import TRANSFORMERS, Family
from .glimpse import glimpse

_GLIMPSE_SECONDS = 0.5
"""Between two looks at the picture in the making."""


class Steps:
    """What diffusers calls after each step.

    Args:
        passes: steps of each pass, see ``counted``.
        kind: of the latents, for ``glimpse``.
        on_step: told of each; what it raises ends the picture.
    """

    def __init__(self, passes: list[int], kind: str, on_step: OnStep) -> None:
        self.total = sum(passes)
        self._done = 0
        self._shown = time.monotonic()
        self._kind = kind
        self._on_step = on_step

    def __call__(self, _pipeline: Any, _index: int, _time: Any, state: dict[str, Any]) -> dict[str, Any]:
        self._done += 1
        now = time.monotonic()
        seen = None
        if now - self._shown >= _GLIMPSE_SECONDS:
            self._shown, seen = now, glimpse(state["latents"], self._kind)
        self._on_step(min(self._done, self.total), self.total, seen)
        return state


def enough(asked: int, strength: float, family: Family) -> float:
    """The strength, or the least at which diffusers takes one of the steps asked for: below it, it fails."""
    least = 1 / asked if family in TRANSFORMERS else (1 + 1e-6) / asked  # rounded down, 49 × 1/49 is none
    return min(max(strength, least), 1.0)


def counted(asked: int, strength: float, family: Family) -> int:
    """How many of the steps asked for a pass from a picture takes, as diffusers counts them: transformers round up."""
    taken = math.ceil(asked * strength) if family in TRANSFORMERS else int(asked * strength)
    return max(1, min(taken, asked))
