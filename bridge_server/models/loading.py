"""Model files → pipelines. Imported by the worker alone; torch and diffusers are imported here, at its first model.

Weights are read as safetensors only: a pickle can run code.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.errors import SegAddonError

from . import single_file
from .catalogue import Model, Source
from .places import require, variant

logger = logging.getLogger(__name__)


class ModelDamaged(SegAddonError):
    """A model's files are here and cannot be used."""

    code = "model_damaged"


MODES = ("fast", "tiled", "offload", "sequential")
"""Memory modes, the fastest first: all on the device; the autoencoder in tiles; besides, each part on the device only
while it works; besides, each layer. The last two need a device with memory of its own."""


@dataclass(frozen=True)
class Device:
    """Where models run, and in which precision."""

    name: str
    """"cuda", "mps" or "cpu", as torch says it"""
    half: bool
    """half precision; the processor gets single precision, in which it is faster"""

    @classmethod
    def called(cls, name: str) -> Device:
        """ "cpu", or "cuda:N" of a worker that sees that GPU alone; on a Mac the GPU takes the processor's place."""
        import torch

        if name.startswith("cuda"):
            return cls("cuda", half=True)
        mps = torch.backends.mps.is_available()
        return cls("mps" if mps else "cpu", half=mps)

    @property
    def has_own_memory(self) -> bool:
        """Not shared with the processor."""
        return self.name == "cuda"


def load_base(model: Model, device: Device, folders: Sequence[Path]) -> Any:
    """The model's text-to-image pipeline without ControlNets, on the device.

    Raises:
        ModelMissing: its files are not here.
        ModelDamaged: they cannot be read, or are pickles.
    """
    import diffusers

    kind = {"sd15": diffusers.StableDiffusionPipeline, "sdxl": diffusers.StableDiffusionXLPipeline}[model.family]
    place = require(model.base, model, folders)
    options = {"safety_checker": None, "requires_safety_checker": False} if model.family == "sd15" else {}
    if place.is_file():
        pipeline = _guarded(single_file.pipeline_loader(kind, model), place, model, device, **options)
    else:
        options |= {"use_safetensors": True} | _variant(model.base, place)
        pipeline = _guarded(kind.from_pretrained, place, model, device, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device.name)


def load_control(model: Model, kind: str, device: Device, folders: Sequence[Path]) -> Any:
    """One ControlNet of the model ("union" for the one that does all kinds), on the device. Raises as ``load_base``."""
    import diffusers

    source = model.controls[kind]
    place = require(source, model, folders)
    what = diffusers.ControlNetUnionModel if kind == "union" else diffusers.ControlNetModel
    if place.is_file():
        net = _guarded(single_file.control_loader(what, source, model), place, model, device)
        return net.to(device.name).eval()
    options = {"use_safetensors": True} | _variant(source, place)
    return _guarded(what.from_pretrained, place, model, device, **options).to(device.name).eval()


def _guarded(load: Any, place: Path, model: Model, device: Device, **options: Any) -> Any:
    import torch

    dtype = torch.float16 if device.half else torch.float32
    if _only_pickles(place):
        hint = "Its weights are pickles, which can run code and are never loaded: get a .safetensors version"
        raise ModelDamaged(f"The model {model.id!r} at {place} is not loaded", hint)
    try:
        return load(str(place), dtype=dtype, local_files_only=True, **options)
    except (MemoryError, SegAddonError):
        raise
    except Exception as error:  # what a damaged file raises depends on where in it the damage is
        logger.exception("%s does not load", place)
        hint = f"Delete it and get the model again: segaddon-bridge models pull {model.id}"
        text = f"The model {model.id!r} cannot be loaded from {place}: {type(error).__name__}"
        raise ModelDamaged(text, hint) from error


def _variant(source: Source, place: Path) -> dict[str, str]:
    """The variant that is there: the source's own, or full precision."""
    there = variant(source, place) if source.variant else ""
    return {"variant": there} if there else {}


def _only_pickles(place: Path) -> bool:
    if place.is_file():
        return place.suffix != ".safetensors"
    weights = [path for path in place.rglob("*") if path.suffix in (".bin", ".ckpt", ".pt", ".pth", ".safetensors")]
    return bool(weights) and not any(path.suffix == ".safetensors" for path in weights)
