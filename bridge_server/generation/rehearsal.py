"""A generator for tests and measurements of the server; offered only with --enable-test-generator.

Its prompt says how it behaves: "STEPS SECONDS" takes that many steps of that many seconds, and a third word
"deaf" makes it sleep without ever looking whether it was cancelled. The picture is one grey that depends on the seed.
"""

from __future__ import annotations

import time

import numpy as np

from ..generators import Inputs, OnStep


def make(inputs: Inputs, seed: int, on_step: OnStep) -> np.ndarray:
    """uint8 H×W×3, every value ``seed % 256``."""
    steps, seconds, *deaf = inputs.request.prompt.split()
    if deaf:
        time.sleep(int(steps) * float(seconds))
        steps = "0"
    for step in range(int(steps)):
        time.sleep(float(seconds))
        on_step(step + 1, int(steps))
    size = inputs.maps.instance_map.shape if inputs.maps else inputs.image.shape[:2] if inputs.image is not None else ()
    return np.full((*size, 3), seed % 256, np.uint8)


def describe(_inputs: Inputs) -> dict[str, str]:
    """Says what this is."""
    return {"notice": "A rehearsal of the server, no picture"}
