"""Keyword arguments of the scripting interface, for type checkers: its overloads name them once."""

from __future__ import annotations

from typing import TypedDict

from ..core.maps import SceneMaps
from ..protocol.messages import Priority
from .picture import PictureLike


class GenerateOptions(TypedDict, total=False):
    """Keyword arguments of ``generate``, for type checkers only."""

    maps: SceneMaps | None
    model: str | None
    negative_prompt: str
    seed: int | None
    count: int
    image: PictureLike | None
    strength: float | None
    priority: Priority | None


class InpaintOptions(TypedDict, total=False):
    """Keyword arguments of ``inpaint``, for type checkers only."""

    intent: str
    strength: float
    count: int
    seed: int | None
    model: str | None
    priority: Priority | None
