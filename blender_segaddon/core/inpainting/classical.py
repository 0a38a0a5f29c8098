"""The generator "classical": takes things away and continues pictures from their surroundings. It is no model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...protocol.errors import InvalidInput
from ..maps import SceneMaps
from .crop import plan
from .fill import filled
from .smooth import spread

NAME = "classical"
NOTICE = "Filled from the surroundings, not made by a model."
INTENTS = ("remove", "extend")


def run(
    *,
    maps: SceneMaps | None,
    image: np.ndarray | None,
    mask: np.ndarray | None,
    intent: str,
    seed: int = 0,
    strength: float = 1.0,
    softness: float = 0.0,
    after: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """The image without what is under the mask, of the image's type.

    Args:
        maps, after: as in ``fill.filled``.
        image: uint8 or float32 (0..1) H×W×3.
        mask: bool H×W.
        intent: "remove" or "extend".
        strength: 0 leaves the image, 1 puts the new pixels in its place.
        softness: as in ``crop.plan``.
        on_step: called as (done, total); may raise to cancel.

    Raises:
        InvalidInput: no image or mask, or something that only a model can do.
    """
    if image is None or mask is None:
        raise InvalidInput("'classical' only fills what is under a mask", "Give a picture and a mask")
    if intent not in INTENTS:
        hint = f"Use another generator, or one of the intents {', '.join(INTENTS)}"
        raise InvalidInput(f"'classical' cannot {intent} what is under a mask", hint)
    if on_step:
        on_step(0, 1)
    scale = np.float32(255 if image.dtype == np.uint8 else 1)
    values = image.astype(np.float32) / scale
    alpha = composite_mask(mask, softness) * np.float32(strength)
    made = filled(values, alpha > 0, maps, seed, after=after)
    mixed = (values + (made - values) * alpha[..., None]) * scale
    mixed = np.rint(mixed) if image.dtype == np.uint8 else mixed
    if on_step:
        on_step(1, 1)
    return np.where((alpha > 0)[..., None], mixed.astype(image.dtype), image)


def composite_mask(mask: np.ndarray, softness: float) -> np.ndarray:
    """float32 H×W, 0..1: how much of a result is taken; 0 is where the picture stays bit for bit."""
    crop = plan(mask, native=512, softness=softness)
    alpha = np.zeros(mask.shape, np.float32)
    alpha[crop.window] = crop.alpha
    return alpha


def prefilled(
    image: np.ndarray, mask: np.ndarray, intent: str, maps: SceneMaps | None, seed: int, after: bool
) -> np.ndarray:
    """float32 H×W×3, 0..1: what a model starts from under the mask.

    "change" keeps what is there; "replace" has the colours around, without shapes that would be taken for something;
    "remove" and "extend" have the surroundings as they go on.
    """
    if intent == "change" or not mask.any():
        return image
    if intent == "replace":
        smooth = spread(image, ~mask)
        return np.where(mask[..., None], smooth if not mask.all() else np.float32(0.5), image).astype(np.float32)
    return filled(image, mask, maps, seed, after=after)
