"""The no-weights generator: paints a picture of a captured scene out of its maps. It is no model and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...protocol.errors import InvalidInput
from ..maps import SceneMaps
from ..masks import composite

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


def run(
    *,
    maps: SceneMaps | None = None,
    prompt: str = "",
    seed: int = 0,
    image: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    intent: str = "replace",
    strength: float = 1.0,
    on_step: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """What a request asks for: ``paint`` without an image, else ``repaint`` (everywhere where there is no mask).

    With maps, intent "extend" paints under the mask what the maps say is there.
    Raises InvalidInput as ``repaint``, and where there are neither maps nor an image.
    """
    if image is not None and image.dtype == np.float32:
        return _floats(
            image, mask, maps=maps, prompt=prompt, seed=seed, intent=intent, strength=strength, on_step=on_step
        )
    if image is None:
        if maps is None:
            raise InvalidInput("There is nothing to paint from", "Give a scene or an image")
        return paint(maps, prompt, seed, on_step)
    if mask is None:
        mask = np.ones(image.shape[:2], bool)
    if intent == "extend" and maps is not None:
        return composite(image, paint(maps, prompt, seed, on_step), mask)
    return repaint(image, mask, maps, prompt, seed, intent, strength, on_step)


def _floats(image: np.ndarray, mask: np.ndarray | None, **how: Any) -> np.ndarray:
    """As ``run`` for an image of floats 0..1: what is painted has 8 bits, the rest stays as it was."""
    shown = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    painted = run(image=shown, mask=mask, **how)
    changed = (painted != shown).any(axis=-1, keepdims=True)
    return np.where(changed, painted.astype(np.float32) / np.float32(255), image)


def understood(prompt: str, repainting: bool = False) -> tuple[str, ...]:
    """The words of the prompt that have an effect on a picture, or with ``repainting`` on what is under a mask."""
    from .painter import read_prompt

    reading = read_prompt(prompt)
    return reading.named if repainting else reading.understood


def repaint(
    image: np.ndarray,
    mask: np.ndarray,
    maps: SceneMaps | None,
    prompt: str = "",
    seed: int = 0,
    intent: str = "replace",
    strength: float = 1.0,
    on_step: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """The image with something else under the mask; pixels outside it stay identical.

    Args:
        image: uint8 H×W×3, display-referred sRGB.
        mask: bool H×W, True = to be painted anew.
        maps: of this image, so that the new surface takes on shape and light; None: it is flat and faces the camera.
        prompt: a thing, colours, materials: "a red brick wall", "water", "a green bush".
        intent: "replace" paints what the prompt names; "change" keeps light and shade and changes colour and material;
            "remove" and "extend" continue the surroundings.
        strength: 0 leaves the image, 1 puts the new pixels in its place.
        on_step: called as (done, total) between the stages; may raise to cancel.

    Returns:
        uint8 H×W×3.

    Raises:
        InvalidInput: image, mask, maps, intent or strength do not fit.
    """
    from .retouch import repaint_mask

    return repaint_mask(image, mask, maps, prompt, seed, intent, strength, on_step)
