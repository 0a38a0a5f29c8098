"""Model files → pipelines. Imported by the worker alone; torch and diffusers are imported here, at its first model.

Weights are read as safetensors only: a pickle can run code.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.errors import InvalidInput, SegAddonError

from . import single_file
from .catalogue import TRANSFORMERS, Model, Source
from .found import header
from .places import pull_command, require, variant

logger = logging.getLogger(__name__)

GGUF = ".gguf"
"""Suffix of files with weights of few bits; tensors and plain values alone, as in .safetensors."""
_SCALES = ("scale_weight", "weight_scale", "scaled_fp8")
"""Ends of names in files whose 8-bit weights mean nothing without these."""


class ModelDamaged(SegAddonError):
    """A model's files are here and cannot be used."""

    code = "model_damaged"


MODES = ("fast", "tiled", "offload", "fp8", "group", "sequential")
"""Memory modes, each taking less than the one before:

- fast: everything on the device
- tiled: besides, the autoencoder works in tiles
- offload: besides, each part is on the device only while it works
- fp8: besides, the large parts are kept in eight bits (pictures differ a little)
- group: in full precision again, but of the large parts only some layers at a time are on the device
- sequential: one layer at a time

Those from "offload" on need a device with memory of its own.
"""


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
    """The model's text-to-image pipeline without ControlNets, in the processor's memory.

    The model's own scheduler is put in, its own LoRA merged.

    Raises:
        ModelMissing: its files are not here.
        ModelDamaged: they cannot be read, or are pickles.
    """
    import diffusers

    kinds = {
        "sd15": diffusers.StableDiffusionPipeline,
        "sdxl": diffusers.StableDiffusionXLPipeline,
        "zimage": diffusers.ZImagePipeline,
        "flux2": diffusers.Flux2KleinPipeline,
    }
    kind, place = kinds[model.family], require(model.base, model, folders)
    options = {"safety_checker": None, "requires_safety_checker": False} if model.family == "sd15" else {}
    if model.transformer is not None:
        options["transformer"] = _transformer(model, model.transformer, place, device, folders)
    if place.is_file():
        pipeline = _guarded(single_file.pipeline_loader(kind, model), place, model, device, **options)
    else:
        options |= {"use_safetensors": True} | _variant(model.base, place)
        pipeline = _guarded(kind.from_pretrained, place, model, device, **options)
    if model.scheduler:
        pipeline.scheduler = _scheduler(model, pipeline.scheduler.config)
    if model.lora is not None:
        _merge(pipeline, model, model.lora, folders)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _transformer(model: Model, source: Source, base: Path, device: Device, folders: Sequence[Path]) -> Any:
    """The transformer from a file of its own; the base says how it is built. Raises InvalidInput, ModelDamaged."""
    import diffusers

    kinds = {"zimage": diffusers.ZImageTransformer2DModel, "flux2": diffusers.Flux2Transformer2DModel}
    file, options = one_file(source, model, folders), dict[str, Any]()
    if file.suffix == GGUF:
        if importlib.util.find_spec("gguf") is None:
            raise InvalidInput(f"{file.name} needs the package gguf", "Install it into the server's environment")
        options["quantization_config"] = diffusers.GGUFQuantizationConfig(compute_dtype=dtype_of(model, device))
    elif any(name.endswith(_SCALES) for name in header(file)):
        text = f"{file.name} holds scaled 8-bit weights, which cannot be read here"
        raise InvalidInput(text, "Use its .gguf, or the full weights: the memory mode fp8 makes 8 bits of them")
    return _guarded(
        kinds[model.family].from_single_file, file, model, device, config=str(base / "transformer"), **options
    )


def _scheduler(model: Model, base: Any) -> Any:
    """The base's scheduler in another class, with what the model changes of it. Raises InvalidInput."""
    import diffusers

    named = model.scheduler.get("class", "")
    kind = getattr(diffusers, named, None) if named.endswith("Scheduler") else None
    if kind is None:
        raise InvalidInput(f"The model {model.id!r} names no scheduler of diffusers: {named!r}", "Correct its entry")
    return kind.from_config(base, **{name: value for name, value in model.scheduler.items() if name != "class"})


def _merge(pipeline: Any, model: Model, lora: Source, folders: Sequence[Path]) -> None:
    """Merged, it costs nothing at a step, and the user's own LoRAs come and go beside it."""
    file = one_file(lora, model, folders)

    def load(_place: str, **_options: Any) -> None:
        pipeline.load_lora_weights(file.parent, weight_name=file.name)
        pipeline.fuse_lora()
        pipeline.unload_lora_weights()

    _guarded(load, file, model, Device("cpu", half=False))


def one_file(source: Source, model: Model, folders: Sequence[Path]) -> Path:
    """The file of a part that is a single one: ``path`` itself, or the first of ``files``. Raises ModelMissing."""
    place = require(source, model, folders)
    return place if place.is_file() else next(iter(sorted(place.glob(source.files[0]))))


def load_control(model: Model, kind: str, device: Device, folders: Sequence[Path]) -> Any:
    """One ControlNet of the model ("union" for the one that does all kinds), in the processor's memory.

    Raises as ``load_base``.
    """
    import diffusers

    source = model.controls[kind]
    place = require(source, model, folders)
    what = diffusers.ControlNetUnionModel if kind == "union" else diffusers.ControlNetModel
    if model.family == "zimage":
        what = diffusers.ZImageControlNetModel
    if place.is_file():
        return _guarded(single_file.control_loader(what, source, model), place, model, device).eval()
    options = {"use_safetensors": True} | _variant(source, place)
    return _guarded(what.from_pretrained, place, model, device, **options).eval()


def adapter_files(model: Model, folders: Sequence[Path]) -> tuple[Path, Path]:
    """The weights of the model's IP-Adapter, and the folder of its image encoder.

    Raises:
        ModelMissing: they are not here.
    """
    source = model.adapter
    if source is None:
        raise InvalidInput(f"The model {model.id!r} takes no reference pictures", "Choose one that does")
    place = require(source, model, folders)
    return one_file(source, model, folders), next(iter(sorted(place.rglob("config.json")))).parent


_BFLOAT = TRANSFORMERS
"""Families whose numbers leave the range of float16."""


def dtype_of(model: Model, device: Device) -> Any:
    """The torch.dtype in which a model is held on a device."""
    import torch

    half = torch.bfloat16 if model.family in _BFLOAT else torch.float16
    return half if device.half else torch.float32


def _guarded(load: Any, place: Path, model: Model, device: Device, **options: Any) -> Any:

    dtype = dtype_of(model, device)
    if _only_pickles(place):
        hint = "Its weights are pickles, which can run code and are never loaded: get a .safetensors version"
        raise ModelDamaged(f"The model {model.id!r} at {place} is not loaded", hint)
    try:
        return load(str(place), dtype=dtype, local_files_only=True, **options)
    except (MemoryError, SegAddonError):
        raise
    except Exception as error:  # what a damaged file raises depends on where in it the damage is
        logger.exception("%s does not load", place)
        hint = f"Delete it and get the model again: {pull_command(model.id)}"
        text = f"The model {model.id!r} cannot be loaded from {place}: {type(error).__name__}"
        raise ModelDamaged(text, hint) from error


def _variant(source: Source, place: Path) -> dict[str, str]:
    """The variant that is there: the source's own, or full precision."""
    there = variant(source, place) if source.variant else ""
    return {"variant": there} if there else {}


def _only_pickles(place: Path) -> bool:
    if place.is_file():
        return place.suffix not in (".safetensors", GGUF)
    weights = [path for path in place.rglob("*") if path.suffix in (".bin", ".ckpt", ".pt", ".pth", ".safetensors")]
    return bool(weights) and not any(path.suffix == ".safetensors" for path in weights)
