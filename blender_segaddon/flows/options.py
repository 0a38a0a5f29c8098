"""Keyword arguments of the scripting interface, for type checkers: its overloads name them once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from ..core.maps import SceneMaps
from ..protocol.messages import Priority
from .asking import ControlsLike
from .picture import PictureLike


class GenerateOptions(TypedDict, total=False):
    """Keyword arguments of ``generate``, for type checkers only."""

    maps: SceneMaps | None
    model: str | None
    negative_prompt: str
    seed: int | None
    count: int
    best_of: int | None
    image: PictureLike | None
    strength: float | None
    style: str
    regions: Mapping[str, str] | None
    steps: int | None
    guidance: float | None
    controls: ControlsLike | None
    region_strength: float | None
    loras: Mapping[str, float] | None
    draft: bool
    priority: Priority | None


class InpaintOptions(TypedDict, total=False):
    """Keyword arguments of ``inpaint``, for type checkers only."""

    intent: str
    strength: float
    softness: float
    count: int
    seed: int | None
    maps: SceneMaps | None
    model: str | None
    negative_prompt: str
    steps: int | None
    guidance: float | None
    controls: ControlsLike | None
    loras: Mapping[str, float] | None
    priority: Priority | None
