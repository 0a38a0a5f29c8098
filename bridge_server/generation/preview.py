"""The generator "preview": the procedural painter of the add-on's core, no model."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core import preview

from ..generators import Inputs, OnStep, Weightless


class Preview(Weightless):
    """Paints from the maps, or repaints the image under its mask."""

    def make(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str) -> np.ndarray:
        """One picture, uint8 H×W×3; the mode does not matter."""
        del mode
        request = inputs.request
        return preview.run(
            maps=inputs.maps,
            prompt=request.prompt,
            seed=seed,
            image=inputs.image,
            mask=inputs.mask,
            intent=request.intent,
            strength=request.strength,
            on_step=on_step,
        )

    def describe(self, inputs: Inputs) -> dict[str, str]:
        """Says that this is no model, and which words of the prompt had an effect."""
        return {"notice": preview.NOTICE, "understood": ", ".join(preview.understood(inputs.request.prompt))}


def load(_name: str) -> Preview:
    """Ready at once."""
    return Preview()
