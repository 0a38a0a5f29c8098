"""Generators for tests and measurements of the server; offered only with --enable-test-generator.

Their prompt says how they behave: "STEPS SECONDS" takes that many steps of that many seconds; a third word changes it:

- deaf: sleeps without ever looking whether it was cancelled.
- hungry: does not fit into memory in its first mode; starving: in none.
- shown: gives a preview with each step.
- loading: takes the time before the first step, as a compiler does.

The picture is one grey that depends on the seed.
"""

from __future__ import annotations

import time

import numpy as np

from ..generators import Generator, Inputs, OnStep


class Rehearsal:
    """Sleeps, and paints one grey."""

    modes: tuple[str, ...] = ("fast", "frugal")

    def __init__(self) -> None:
        self._on_device = True

    def make(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str) -> np.ndarray:
        """uint8 H×W×3, every value ``seed % 256``."""
        if not self._on_device:
            raise RuntimeError("asked to paint while its memory is lent")
        steps, seconds, *rest = inputs.request.prompt.split()
        how = rest[0] if rest else ""
        if how == "starving" or (how == "hungry" and mode == "fast"):
            raise MemoryError("as asked")
        if how == "loading":
            on_step(0, int(steps), loading="Compiling, as asked")
        if how in ("deaf", "loading"):
            time.sleep(int(steps) * float(seconds))
            steps = "0"
        for step in range(int(steps)):
            time.sleep(float(seconds))
            on_step(step + 1, int(steps), np.full((2, 3, 3), step, np.uint8) if how == "shown" else None)
        return np.full((*_size(inputs), 3), seed % 256, np.uint8)

    def describe(self, inputs: Inputs) -> dict[str, str]:
        """Says what this is."""
        del inputs
        return {"notice": "A rehearsal of the server, no picture"}

    def needs(self) -> tuple[int, ...]:
        """Not known."""
        return 0, 0

    def held(self) -> int:
        """Nothing."""
        return 0

    def to_host(self) -> None:
        """Noted."""
        self._on_device = False

    def to_device(self) -> None:
        """Noted."""
        self._on_device = True

    def unload(self) -> None:
        """Nothing to free."""


def load(_generator: Generator, _device: str) -> Rehearsal:
    """Ready at once."""
    return Rehearsal()


def _size(inputs: Inputs) -> tuple[int, ...]:
    if inputs.maps:
        return inputs.maps.instance_map.shape
    return inputs.image.shape[:2] if inputs.image is not None else ()
