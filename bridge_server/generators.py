"""The generators by name. Only the worker imports what makes the pictures."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest

OnStep = Callable[[int, int], None]
"""Called with (steps done, steps in all) between the steps; may raise Cancelled, which must be let through."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """A request with its arrays."""

    request: GenerateRequest
    maps: SceneMaps | None
    image: np.ndarray | None
    """uint8 H×W×3"""
    mask: np.ndarray | None
    """bool H×W"""


Make = Callable[[Inputs, int, OnStep], np.ndarray]
"""(inputs, seed, on_step) -> picture uint8 H×W×3"""
Describe = Callable[[Inputs], dict[str, str]]
"""inputs -> what goes into the result's metadata"""


@dataclass(frozen=True)
class Generator:
    """How one generator runs: a module with the functions ``make`` (Make) and ``describe`` (Describe)."""

    name: str
    module: str
    is_model: bool

    def load(self) -> tuple[Make, Describe]:
        """Import the module: in the worker only, it may take seconds."""
        module = importlib.import_module(self.module)
        return module.make, module.describe


GENERATORS = (Generator("preview", "bridge_server.generation.preview", is_model=False),)
TEST_GENERATOR = Generator("rehearsal", "bridge_server.generation.rehearsal", is_model=False)
"""Behind --enable-test-generator alone."""


def offered(test_generator: bool) -> tuple[Generator, ...]:
    """The generators of this server."""
    return (*GENERATORS, TEST_GENERATOR) if test_generator else GENERATORS


def find(name: str, among: tuple[Generator, ...]) -> Generator:
    """The generator of this name. Raises InvalidInput with the list of names."""
    for generator in among:
        if generator.name == name:
            return generator
    names = ", ".join(generator.name for generator in among)
    raise InvalidInput(f"There is no generator {name!r:.80}", f"Choose one of: {names}")
