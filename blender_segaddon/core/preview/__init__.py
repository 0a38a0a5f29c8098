"""The no-weights generator: paints a picture of a captured scene out of its maps. It is no model and says so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..maps import SceneMaps

NAME = "preview"
NOTICE = "Procedural preview: painted from the scene's maps, not made by a model."


def paint(
    maps: SceneMaps, prompt: str = "", seed: int = 0, on_step: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """A picture that sits exactly on the maps.

    Args:
        prompt: simple words change the picture ("snowy night", "red roof"); see ``understood``.
        seed: another seed gives other clouds, colours and layouts; the same seed the same picture.
        on_step: called as (done, total) between the stages; may raise to cancel.

    Returns:
        uint8 H×W×3, display-referred sRGB.
    """
    from .painter import paint_scene

    return paint_scene(maps, prompt, seed, on_step)


def understood(prompt: str) -> tuple[str, ...]:
    """The words of the prompt that change the picture."""
    from .painter import read_prompt

    return read_prompt(prompt).understood
