"""The stock pipelines of a loaded model: one set of parts, put together as a run needs them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
from accelerate.hooks import remove_hook_from_module

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import Control, LoraUse

from ..models.catalogue import Model
from ..models.loading import MODES, Device, load_base, load_control
from ..models.loras import locate
from .control import UNION_MODES
from .controlnets import Controls, UnionWindows

Mode = Literal["text", "image", "mask"]
"""Whether a run starts from noise, from a picture, or changes what is under a mask."""

_STOCK: dict[str, dict[Mode, Any]] = {
    "sd15": {
        "text": diffusers.StableDiffusionPipeline,
        "image": diffusers.StableDiffusionImg2ImgPipeline,
        "mask": diffusers.StableDiffusionInpaintPipeline,
    },
    "sdxl": {
        "text": diffusers.StableDiffusionXLPipeline,
        "image": diffusers.StableDiffusionXLImg2ImgPipeline,
        "mask": diffusers.StableDiffusionXLInpaintPipeline,
    },
    "sd15 controlled": {
        "text": diffusers.StableDiffusionControlNetPipeline,
        "image": diffusers.StableDiffusionControlNetImg2ImgPipeline,
        "mask": diffusers.StableDiffusionControlNetInpaintPipeline,
    },
    "sdxl controlled": {
        "text": diffusers.StableDiffusionXLControlNetPipeline,
        "image": diffusers.StableDiffusionXLControlNetImg2ImgPipeline,
        "mask": diffusers.StableDiffusionXLControlNetInpaintPipeline,
    },
    "sdxl union": {
        "text": diffusers.StableDiffusionXLControlNetUnionPipeline,
        "image": diffusers.StableDiffusionXLControlNetUnionImg2ImgPipeline,
        "mask": diffusers.StableDiffusionXLControlNetUnionInpaintPipeline,
    },
}


_OFFLOADING = {"offload": "enable_model_cpu_offload", "sequential": "enable_sequential_cpu_offload"}


class Pipelines:
    """Holds the parts of one model; ControlNets are loaded when a run first asks for them."""

    def __init__(
        self, model: Model, folders: Sequence[Path], device: Device, prepare: Callable[[torch.nn.Module], None]
    ) -> None:
        """``prepare`` is called once with the UNet and with each ControlNet when it has been loaded."""
        self.model = model
        self.device = device
        self.base = load_base(model, device, folders)
        self.union: UnionWindows | None = None
        self._folders = folders
        self._nets: dict[str, Any] = {}
        self._loras: list[str] = []
        self.mode = MODES[0]
        self._prepare = prepare
        prepare(self.base.unet)

    def use(self, mode: str) -> None:
        """Work in a memory mode, one of ``MODES``, from now on."""
        if mode != self.mode and {mode, self.mode} & set(_OFFLOADING):
            self.base.remove_all_hooks()
            for net in self._nets.values():
                remove_hook_from_module(net, recurse=True)
            self.to("cpu" if mode in _OFFLOADING else self.device.name)
        self.mode = mode

    def wear(self, loras: Sequence[LoraUse]) -> None:
        """Let these LoRAs act, and no other.

        Raises:
            InvalidInput: there is none of the name, or it does not fit the model.
        """
        if not loras and not self._loras:
            return
        for one in loras:
            if one.name not in self._loras:
                self._load_lora(one.name)
        if loras:
            self.base.enable_lora()
            self.base.set_adapters([_adapter(one.name) for one in loras], [one.weight for one in loras])
        else:
            self.base.disable_lora()

    def _load_lora(self, name: str) -> None:
        path = locate(name, self.model.family, self._folders)
        try:
            self.base.load_lora_weights(path.parent, weight_name=path.name, adapter_name=_adapter(name))
        except (ValueError, RuntimeError, KeyError) as error:
            raise InvalidInput(f"The LoRA {name!r} does not fit {self.model.id!r}", "Use one made for it") from error
        self._loras.append(name)

    def to(self, device: str) -> None:
        """Move everything that is loaded."""
        self.base.to(device)
        for net in self._nets.values():
            net.to(device)

    def for_run(self, controls: Sequence[Control], mode: Mode) -> tuple[Any, dict[str, Any]]:
        """The pipeline of a run, and how its call is told of the controls (all but their pictures).

        Raises:
            ModelMissing, ModelDamaged: a ControlNet.
        """
        family = self.model.family
        if not controls:
            return self._assemble(_STOCK[family][mode]), {}
        if "union" in self.model.controls:
            union = self._net("union")
            self.union = self.union or UnionWindows(union)
            modes = [UNION_MODES[one.kind] for one in controls]
            return self._assemble(_STOCK["sdxl union"][mode], union), {"control_mode": modes}
        nets = Controls([self._net(one.kind) for one in controls])
        told = {
            "controlnet_conditioning_scale": [float(one.weight) for one in controls],
            "control_guidance_start": [float(one.start) for one in controls],
            "control_guidance_end": [float(one.end) for one in controls],
        }
        return self._assemble(_STOCK[f"{family} controlled"][mode], nets), told

    def _assemble(self, stock: Any, controlnet: torch.nn.Module | None = None) -> Any:
        parts = {**self.base.components, "controlnet": controlnet}
        if self.model.family == "sd15":
            parts["requires_safety_checker"] = False
        known = parameters(stock.__init__)
        pipeline = stock(**{name: part for name, part in parts.items() if name in known})
        pipeline.set_progress_bar_config(disable=True)
        if self.mode in _OFFLOADING:
            getattr(pipeline, _OFFLOADING[self.mode])(device=self.device.name)
        return pipeline

    def _net(self, kind: str) -> Any:
        if kind not in self._nets:
            self._nets[kind] = load_control(self.model, kind, self.device, self._folders)
            self._prepare(self._nets[kind])
        return self._nets[kind]


def _adapter(name: str) -> str:
    """A LoRA's name as part of a module's name, which cannot hold a dot."""
    return name.replace(".", "_")


@cache
def parameters(function: Any) -> frozenset[str]:
    """Names of a function's parameters."""
    return frozenset(inspect.signature(function).parameters)
