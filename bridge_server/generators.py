"""The generators by name. Only the worker imports what makes the pictures."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, ModelInfo

from .models import loras
from .models.catalogue import LicenceKind, Model
from .models.library import Entry, Library

MODELS_CAN_RUN = importlib.util.find_spec("diffusers") is not None
"""Whether this environment has what models run on; it is not imported here."""


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
class ReferenceInput:
    """A picture of what something should look like."""

    image: np.ndarray
    """uint8 H×W×3, any size"""
    weight: float = 1.0
    instances: tuple[int, ...] = ()
    """ids in the instance map; none: the whole picture"""


@dataclass(frozen=True, eq=False)
class Inputs:
    """A request with its arrays."""

    request: GenerateRequest
    maps: SceneMaps | None
    image: np.ndarray | None
    """uint8 H×W×3, or float32 in 0..1"""
    mask: np.ndarray | None
    """bool H×W"""
    references: tuple[ReferenceInput, ...] = ()


class Loaded(Protocol):
    """A generator that is ready to work; in the worker only."""

    modes: tuple[str, ...]
    """memory modes, the fastest first; each takes less of the device's memory than the one before"""

    def needs(self) -> tuple[int, ...]:
        """Bytes of the device's memory in each mode, 0 where not known."""
        ...

    def held(self) -> int:
        """Bytes of the device's memory that it has now."""
        ...

    def make(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str) -> np.ndarray:
        """One picture, uint8 H×W×3; float32 in 0..1 where the image is.

        Raises MemoryError, or an OutOfMemoryError of its library, when it does not fit.
        """
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

    def needs(self) -> tuple[int, ...]:
        """Nothing."""
        return (0,) * len(self.modes)

    def held(self) -> int:
        """Nothing."""
        return 0

    def to_host(self) -> None:
        """Nothing to give back."""

    def to_device(self) -> None:
        """Nothing to take."""

    def unload(self) -> None:
        """Nothing to free."""


@dataclass(frozen=True)
class Generator:
    """How one generator runs: a module with the function ``load(generator, device) -> Loaded``."""

    name: str
    module: str
    is_model: bool
    size: int = 0
    """bytes that it takes of the device's memory in its first mode"""
    folders: tuple[Path, ...] = ()
    """where a model's files may lie"""
    compiled: bool = False
    """whether a model's blocks are compiled"""

    def load(self, device: str) -> Loaded:
        """Import the module and load the generator: in the worker only, it may take seconds.

        Args:
            device: "cpu" or "cuda:N".
        """
        return importlib.import_module(self.module).load(self, device)


GENERATORS = (
    Generator("preview", "bridge_server.generation.preview", is_model=False),
    Generator("classical", "bridge_server.inpainting.classical", is_model=False),
)
_REHEARSAL = "bridge_server.generation.rehearsal"
TEST_GENERATORS = (
    Generator("rehearsal", _REHEARSAL, is_model=False),
    Generator("rehearsal-large", _REHEARSAL, is_model=False, size=6 << 30),
    Generator("rehearsal-larger", _REHEARSAL, is_model=False, size=8 << 30),
)
"""Behind --enable-test-generator alone. The sizes are told, not taken."""


@dataclass(frozen=True)
class Offer:
    """The generators of a server: without weights, for tests, and the models whose files are all here."""

    test_generators: bool = False
    models_dirs: tuple[Path, ...] = ()
    licences: tuple[LicenceKind, ...] = ()
    """kinds of licence that are allowed, () for all"""
    compiled: bool = False

    def library(self) -> Library:
        """The models, looked up anew: they come while the server runs."""
        return Library(self.models_dirs, self.licences)

    def all(self) -> tuple[Generator, ...]:
        """What can be used now.

        Raises:
            InvalidInput: a file in one of the folders, describing models or where they are, that cannot be read.
        """
        here = (one.model for one in self._entries() if one.state == "here")
        return (*self.without_models(), *map(self._of_model, here))

    def models(self) -> tuple[ModelInfo, ...]:
        """Every model that is known, here or not. Raises as ``all``."""
        return tuple(_info(entry) for entry in self._entries())

    def loras(self) -> tuple[str, ...]:
        """Names of the LoRAs that are here. Raises as ``all``."""
        return tuple(sorted(loras.available(self.models_dirs))) if MODELS_CAN_RUN else ()

    def _entries(self) -> list[Entry]:
        return [one for one in self.library().entries() if one.model.draws] if MODELS_CAN_RUN else []

    def find(self, name: str) -> Generator:
        """The generator of this name.

        Raises:
            InvalidInput: there is none; the text names the nearest. ModelMissing: a model whose files are not here.
            LicenceRefused: a model whose licence is not allowed.
        """
        generators = {generator.name: generator for generator in self.without_models()}
        if name in generators:
            return generators[name]
        library = self.library()
        if name not in library.models or not library.models[name].draws:
            names = ", ".join(generator.name for generator in self.all())
            raise InvalidInput(f"There is no generator {name!r:.80}", f"Choose one of: {names}")
        if not MODELS_CAN_RUN:
            hint = "Install the server with models, see docs/models.md"
            raise InvalidInput(f"{name!r} needs torch and diffusers, which this server does not have", hint)
        return self._of_model(library.require(name))

    def without_models(self) -> tuple[Generator, ...]:
        """Those that need no files."""
        return (*GENERATORS, *TEST_GENERATORS) if self.test_generators else GENERATORS

    def _of_model(self, model: Model) -> Generator:
        size = int(model.memory * 2**30)
        module = "bridge_server.generation.diffusion"
        about = {"size": size, "folders": self.models_dirs, "compiled": self.compiled}
        return Generator(model.id, module, is_model=True, **about)


def _info(entry: Entry) -> ModelInfo:
    model = entry.model
    return ModelInfo(
        id=model.id,
        title=model.title,
        steps=model.steps,
        guidance=model.guidance,
        guided=model.guided,
        native=model.native,
        controls=model.kinds,
        references=model.references,
        panoramas=model.closes,
        licence=model.licence,
        licence_kind=model.licence_kind,
        state=entry.state,
        hint=entry.hint,
        to_get=entry.to_get,
        memory=model.memory,
    )
