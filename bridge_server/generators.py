"""The generators by name. Only the worker imports what makes the pictures."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest


class OnStep(Protocol):
    """Called between the steps; may raise Cancelled, which must be let through."""

    def __call__(self, step: int, steps: int, preview: np.ndarray | None = None, loading: str = "") -> None:
        """``step`` of ``steps`` are done.

        Args:
            preview: uint8 H×W×3, any size: how the picture looks by now.
            loading: what makes the next step take long ("Compiling, about a minute"); a cancellation then waits longer
                before it ends the process.
        """


@dataclass(frozen=True, eq=False)
class Inputs:
    """A request with its arrays."""

    request: GenerateRequest
    maps: SceneMaps | None
    image: np.ndarray | None
    """uint8 H×W×3"""
    mask: np.ndarray | None
    """bool H×W"""


class Loaded(Protocol):
    """A generator that is ready to work; in the worker only."""

    modes: tuple[str, ...]
    """memory modes, the fastest first; each takes less of the device's memory than the one before"""

    def make(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str) -> np.ndarray:
        """One picture, uint8 H×W×3. Raises MemoryError, or an OutOfMemoryError of its library, when it does not fit."""
        ...

    def describe(self, inputs: Inputs) -> dict[str, str]:
        """What goes into the result's metadata."""
        ...

    def to_host(self) -> None:
        """Give the device's memory back, ready to go on."""

    def to_device(self) -> None:
        """Take the device's memory again."""

    def unload(self) -> None:
        """Free everything; not used any more afterwards."""


class Weightless:
    """Base of generators that hold nothing on a device."""

    modes: tuple[str, ...] = ("normal",)

    def to_host(self) -> None:
        """Nothing to give back."""

    def to_device(self) -> None:
        """Nothing to take."""

    def unload(self) -> None:
        """Nothing to free."""


@dataclass(frozen=True)
class Generator:
    """How one generator runs: a module with the function ``load(name) -> Loaded``."""

    name: str
    module: str
    is_model: bool
    size: int = 0
    """bytes that it takes of the device's memory in its first mode"""

    def load(self) -> Loaded:
        """Import the module and load the generator: in the worker only, it may take seconds."""
        return importlib.import_module(self.module).load(self.name)


GENERATORS = (Generator("preview", "bridge_server.generation.preview", is_model=False),)
_REHEARSAL = "bridge_server.generation.rehearsal"
TEST_GENERATORS = (
    Generator("rehearsal", _REHEARSAL, is_model=False),
    Generator("rehearsal-large", _REHEARSAL, is_model=False, size=6 << 30),
    Generator("rehearsal-larger", _REHEARSAL, is_model=False, size=8 << 30),
)
"""Behind --enable-test-generator alone. The sizes are told, not taken."""


def offered(test_generator: bool) -> tuple[Generator, ...]:
    """The generators of this server."""
    return (*GENERATORS, *TEST_GENERATORS) if test_generator else GENERATORS


def find(name: str, among: tuple[Generator, ...]) -> Generator:
    """The generator of this name. Raises InvalidInput with the list of names."""
    for generator in among:
        if generator.name == name:
            return generator
    names = ", ".join(generator.name for generator in among)
    raise InvalidInput(f"There is no generator {name!r:.80}", f"Choose one of: {names}")
