"""The generator "classical": removal without weights, of the add-on's core."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core.inpainting import classical

from ..generators import Generator, Inputs, OnStep, Weightless


class Classical(Weightless):
    """Fills what is under the mask from its surroundings."""

    def make(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str) -> np.ndarray:
        """One picture of the image's type and size; the mode does not matter. Raises InvalidInput as the core's."""
        del mode
        request = inputs.request
        return classical.run(
            maps=inputs.maps,
            image=inputs.image,
            mask=inputs.mask,
            intent=request.intent,
            seed=seed,
            strength=request.strength,
            softness=request.softness,
            after=request.scene_after,
            on_step=on_step,
        )

    def describe(self, inputs: Inputs) -> dict[str, str]:
        """Says that this is no model."""
        del inputs
        return {"notice": classical.NOTICE}


def load(_generator: Generator, _device: str) -> Classical:
    """Ready at once."""
    return Classical()
