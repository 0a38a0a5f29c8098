"""The stock pipelines of a loaded model: one set of parts, put together as a run needs them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import Control, LoraUse

from ..models.catalogue import TRANSFORMERS, Model
from ..models.loading import Device, load_base, load_control
from ..models.loras import locate
from . import sparing
from .compiling import compile_blocks
from .control import UNION_MODES
from .controlnets import Controls, UnionWindows, remember_conditions
from .words import Words

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
    "zimage": {
        "text": diffusers.ZImagePipeline,
        "image": diffusers.ZImageImg2ImgPipeline,
        "mask": diffusers.ZImageInpaintPipeline,
    },
    "flux2": {
        "text": diffusers.Flux2KleinPipeline,
        "image": diffusers.Flux2KleinInpaintPipeline,  # with a mask of everything: it has none for pictures alone
        "mask": diffusers.Flux2KleinInpaintPipeline,
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


class Pipelines:
    """Holds the parts of one model; ControlNets are loaded when a run first asks for them."""

    def __init__(
        self,
        model: Model,
        folders: Sequence[Path],
        device: Device,
        prepare: Callable[[torch.nn.Module], None],
        *,
        compiled: bool = False,
    ) -> None:
        """``prepare`` is called once with the UNet or transformer and with each ControlNet when it has been loaded.

        ``compiled``: these are compiled, in the memory modes in which they stay on the device.
        """
        self.model = model
        self.device = device
        self.mode = ""
        self.base = load_base(model, device, folders)
        self.backbone: Any = self.base.transformer if model.family in TRANSFORMERS else self.base.unet
        self.words = Words(self.base, device.name)
        self.union: UnionWindows | None = None
        self._folders = folders
        self._nets: dict[str, Any] = {}
        self._loras: list[str] = []
        self._made: dict[tuple, Any] = {}
        self._prepare = prepare
        self._compiled = compiled
        prepare(self.backbone)

    def arrange(self, mode: str) -> None:
        """Once, before the first run: put everything where a memory mode, one of ``MODES``, wants it."""
        self.mode = mode
        sparing.arrange(self.base, self.backbone, mode, self.device)
        self._compile(self.backbone)

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
        """Move everything that stays on the device in this mode."""
        if self.mode in sparing.ON_DEVICE:
            self.base.to(device)
            for net in self._nets.values():
                net.to(device)

    def weights(self) -> list[int]:
        """Bytes of each part that is loaded."""
        return sparing.weights([*self.base.components.values(), *self._nets.values()])

    def for_run(self, controls: Sequence[Control], mode: Mode) -> tuple[Any, dict[str, Any]]:
        """The pipeline of a run, and how its call is told of the controls (all but their pictures).

        Raises:
            ModelMissing, ModelDamaged: a ControlNet.
        """
        family = self.model.family
        if not controls or family in TRANSFORMERS:  # whose controls come in through the transformer
            return self._assembled(_STOCK[family][mode]), {}
        if "union" in self.model.controls:
            union = self.net("union")
            self.union = self.union or UnionWindows(union)
            modes = [UNION_MODES[one.kind] for one in controls]
            return self._assembled(_STOCK["sdxl union"][mode], union), {"control_mode": modes}
        nets = [self.net(one.kind) for one in controls]
        told = {
            "controlnet_conditioning_scale": [float(one.weight) for one in controls],
            "control_guidance_start": [float(one.start) for one in controls],
            "control_guidance_end": [float(one.end) for one in controls],
        }
        return self._assembled(_STOCK[f"{family} controlled"][mode], *nets), told

    def net(self, kind: str) -> Any:
        """One ControlNet, loaded now if need be."""
        if kind not in self._nets:
            net = load_control(self.model, kind, self.device, self._folders)
            self._prepare(net)
            remember_conditions(net)
            sparing.arrange_net(net, self.mode, self.device)
            self._compile(net)
            self._nets[kind] = net
        return self._nets[kind]

    def _compile(self, net: torch.nn.Module) -> None:
        if self._compiled and self.mode in sparing.ON_DEVICE:
            compile_blocks(net)

    def _assembled(self, stock: Any, *nets: Any) -> Any:
        key = (stock, *map(id, nets))
        # Hooks that move parts belong to one pipeline at a time.
        if key not in self._made or self.mode not in sparing.ON_DEVICE:
            self._made[key] = self._assemble(stock, nets)
        return self._made[key]

    def _assemble(self, stock: Any, nets: Sequence[Any]) -> Any:
        together = nets[0] if nets and self.union is not None else Controls(nets) if nets else None
        parts = {**self.base.components, "controlnet": together}
        if self.model.family == "sd15":
            parts["requires_safety_checker"] = False
        if self.model.family == "flux2":
            parts["is_distilled"] = self.base.config.is_distilled
        known = parameters(stock.__init__)
        pipeline = stock(**{name: part for name, part in parts.items() if name in known})
        pipeline.set_progress_bar_config(disable=True)
        sparing.attend(pipeline, self.mode, self.device)
        return pipeline


def _adapter(name: str) -> str:
    """A LoRA's name as part of a module's name, which cannot hold a dot."""
    return name.replace(".", "_")


@cache
def parameters(function: Any) -> frozenset[str]:
    """Names of a function's parameters."""
    return frozenset(inspect.signature(function).parameters)
