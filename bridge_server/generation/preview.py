"""The generator "preview": the procedural painter of the add-on's core, no model."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core import preview
from blender_segaddon.protocol.errors import InvalidInput

from ..generators import Inputs, OnStep


def make(inputs: Inputs, seed: int, on_step: OnStep) -> np.ndarray:
    """One picture (uint8 H×W×3): painted from the maps, or the image repainted under its mask."""
    request = inputs.request
    if inputs.image is None:
        if inputs.maps is None:
            raise InvalidInput("There is nothing to paint from", "Give a scene or an image")
        return preview.paint(inputs.maps, request.prompt, seed, on_step)
    mask = inputs.mask
    if mask is None:
        mask = np.ones(inputs.image.shape[:2], bool)
    return preview.repaint(
        inputs.image,
        mask,
        inputs.maps,
        request.prompt,
        seed,
        intent=request.intent,
        strength=request.strength,
        on_step=on_step,
    )


def describe(inputs: Inputs) -> dict[str, str]:
    """Says that this is no model, and which words of the prompt had an effect."""
    return {"notice": preview.NOTICE, "understood": ", ".join(preview.understood(inputs.request.prompt))}
