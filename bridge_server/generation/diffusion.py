"""Pictures by diffusion, guided by ControlNets that see the scene's maps.

Stock pipelines of diffusers do the sampling; what this project adds is what they are given.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput, SegAddonError
from blender_segaddon.protocol.messages import Control, GenerateRequest

from ..generators import Inputs, OnStep
from ..models.catalogue import Model
from ..models.loading import Device, best_device, load_base, load_control
from . import regions
from .control import UNION_MODES, control_image
from .controlnets import Controls, UnionWindows
from .sizes import Pass, cropped, fit_map, fit_picture, plan, resized

REFINE = 0.4
"""Strength of the second pass: it adds detail and moves nothing (issue's and the field's usual number)."""

_PIPELINES = {
    ("sd15", False): diffusers.StableDiffusionControlNetPipeline,
    ("sd15", True): diffusers.StableDiffusionControlNetImg2ImgPipeline,
    ("sdxl", False): diffusers.StableDiffusionXLControlNetPipeline,
    ("sdxl", True): diffusers.StableDiffusionXLControlNetImg2ImgPipeline,
    ("union", False): diffusers.StableDiffusionXLControlNetUnionPipeline,
    ("union", True): diffusers.StableDiffusionXLControlNetUnionImg2ImgPipeline,
    ("plain-sd15", False): diffusers.StableDiffusionPipeline,
    ("plain-sd15", True): diffusers.StableDiffusionImg2ImgPipeline,
    ("plain-sdxl", False): diffusers.StableDiffusionXLPipeline,
    ("plain-sdxl", True): diffusers.StableDiffusionXLImg2ImgPipeline,
}
"""(kind, starts from a picture) -> stock pipeline."""

_TILED_FROM = 1536 * 1536
"""Pixels above which the autoencoder works in tiles: its memory grows with the picture."""


class PictureFailed(SegAddonError):
    """The model gave something that is no picture."""

    code = "black_picture"


class Diffusion:
    """A loaded model; ControlNets are loaded when a request first asks for them."""

    def __init__(self, model: Model, folders: Sequence[Path], device: Device | None = None) -> None:
        self.model = model
        self._folders = folders
        self._device = device or best_device()
        self._base = load_base(model, self._device, folders)
        self._nets: dict[str, Any] = {}
        self._union: UnionWindows | None = None
        self._weights = regions.RegionWeights()
        self._has_regions = False

    def make(self, inputs: Inputs, seed: int, on_step: OnStep) -> np.ndarray:
        """One picture, uint8 H×W×3 of the maps' (or the image's) size.

        Raises:
            InvalidInput: a request that this model cannot run. ModelMissing, ModelDamaged: a ControlNet.
            PictureFailed: the model gave numbers that are no picture. Cancelled: ``on_step`` raised it.
        """
        request = inputs.request
        wanted = plan(_size(inputs), self.model.native, draft=request.draft)
        steps = _Steps(request, self.model, wanted.second is not None, inputs.image is not None, on_step)
        generator = torch.Generator("cpu").manual_seed(seed)
        picture = self._draw(inputs, wanted.first, inputs.image, request.strength, generator, steps)
        if wanted.second is not None:
            picture = self._draw(inputs, wanted.second, picture, REFINE, generator, steps)
        return resized(picture, wanted.size)

    def describe(self, inputs: Inputs) -> dict[str, str]:
        """What made the picture, for its record."""
        request, model = inputs.request, self.model
        wanted = plan(_size(inputs), model.native, draft=request.draft)
        passes = [one for one in (wanted.first, wanted.second) if one is not None]
        controls = [f"{one.kind} {one.weight:g} ({one.start:g}–{one.end:g})" for one in self.controls(inputs)]
        return {
            "model": model.id,
            "revisions": ", ".join(one.title for one in model.sources),
            "licence": model.licence,
            "steps": str(request.steps or model.steps),
            "guidance": f"{_guidance(request, model):g}",
            "scheduler": type(self._base.scheduler).__name__,
            "controls": ", ".join(controls),
            "drawn": ", then ".join(f"{one.content[0]}×{one.content[1]}" for one in passes),
            "maps": _digest(inputs.maps) if inputs.maps else "",
            "device": self._device.name,
            "precision": "half" if self._device.half else "single",
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
        }

    def controls(self, inputs: Inputs) -> tuple[Control, ...]:
        """The controls of a request, or the model's own choice; only those with a weight. Raises InvalidInput."""
        if inputs.maps is None:
            return ()
        known = tuple(UNION_MODES) if "union" in self.model.controls else tuple(self.model.controls)
        asked = inputs.request.controls
        if asked is None:
            asked = tuple(one for one in _USUAL if one.kind in known)
        for one in asked:
            if one.kind not in known:
                text = f"The model {self.model.id!r} has no control by {one.kind}"
                raise InvalidInput(text, f"It has: {', '.join(known) or 'none'}")
        return tuple(one for one in asked if one.weight != 0)

    def _draw(
        self,
        inputs: Inputs,
        size: Pass,
        start: np.ndarray | None,
        strength: float,
        generator: torch.Generator,
        steps: _Steps,
    ) -> np.ndarray:
        """One pass: uint8 H×W×3 of the size's content, from ``start`` if there is one."""
        request, controls = inputs.request, self.controls(inputs)
        pipeline, options = self._pipeline(controls, start is not None)
        columns, rows = size.padded
        options |= {"width": columns, "height": rows, "num_inference_steps": request.steps or self.model.steps}
        options["guidance_scale"] = _guidance(request, self.model)
        if start is not None:
            options |= {"image": Image.fromarray(fit_picture(start, size)), "strength": strength}
        if controls and inputs.maps is not None:
            pictures = [self._control_picture(one.kind, inputs.maps, size) for one in controls]
            # The union takes its pictures under this name in both pipelines, the others only beside an image.
            options["control_image" if self._union or start is not None else "image"] = pictures
        options |= self._prompts(inputs, size)
        if self._union:
            self._union.start(controls, steps.of(strength if start is not None else 1.0))
        options = {name: value for name, value in options.items() if name in _parameters(type(pipeline))}
        pipeline.vae.use_tiling = columns * rows > _TILED_FROM
        drawn = pipeline(**options, generator=generator, output_type="np", callback_on_step_end=steps).images[0]
        return cropped(_picture(drawn), size)

    def _control_picture(self, kind: str, maps: SceneMaps, size: Pass) -> Image.Image:
        return Image.fromarray(control_image(kind, _fitted(maps, size), self.model.palette))

    def _pipeline(self, controls: tuple[Control, ...], from_picture: bool) -> tuple[Any, dict[str, Any]]:
        """The stock pipeline for a run, around the parts that are loaded, and how it is told of the controls."""
        parts = {name: part for name, part in self._base.components.items() if name != "controlnet"}
        if not controls:
            return self._assemble(f"plain-{self.model.family}", from_picture, parts), {}
        if "union" in self.model.controls:
            union = self._net("union")
            self._union = self._union or UnionWindows(union)
            modes = [UNION_MODES[one.kind] for one in controls]
            # Weights and windows are ours: the pipeline must not scale a second time, so it is told 1 throughout.
            return self._assemble("union", from_picture, {**parts, "controlnet": union}), {"control_mode": modes}
        nets = Controls([self._net(one.kind) for one in controls])
        told = {
            "controlnet_conditioning_scale": [float(one.weight) for one in controls],
            "control_guidance_start": [float(one.start) for one in controls],
            "control_guidance_end": [float(one.end) for one in controls],
        }
        return self._assemble(self.model.family, from_picture, {**parts, "controlnet": nets}), told

    def _assemble(self, kind: str, from_picture: bool, parts: dict[str, Any]) -> Any:
        what = _PIPELINES[kind, from_picture]
        options = {"requires_safety_checker": False} if self.model.family == "sd15" else {}
        pipeline = what(**{name: part for name, part in parts.items() if name in _parts_of(what)}, **options)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _net(self, kind: str) -> Any:
        if kind not in self._nets:
            self._nets[kind] = load_control(self.model, kind, self._device, self._folders)
            if self._has_regions:
                regions.install(self._weights, self._nets[kind])
        return self._nets[kind]

    def _prompts(self, inputs: Inputs, size: Pass) -> dict[str, Any]:
        """The prompts as the pipeline takes them: as text, or embedded side by side where regions have their own."""
        request = inputs.request
        own, others = regions.from_maps(inputs.maps) if inputs.maps else ([], [])
        prompt = ", ".join(filter(None, [request.prompt, *others]))
        if not own or request.region_strength == 0:
            self._weights.clear()
            return {"prompt": prompt, "negative_prompt": request.negative_prompt}
        if not self._has_regions:
            regions.install(self._weights, self._base.unet, *self._nets.values())
            self._has_regions = True
        columns, rows = size.padded
        factor = self._base.vae_scale_factor
        told, tokens = self._embedded(prompt, request.negative_prompt, [region.text for region in own])
        masks = [fit_map(region.mask, size) for region in own]
        self._weights.set(masks, (rows // factor, columns // factor), tokens, request.region_strength)
        return told

    def _embedded(self, prompt: str, negative: str, texts: list[str]) -> tuple[dict[str, Any], int]:
        """The embeddings of the prompt, then of each region's text; (the pipeline's options, tokens of one prompt)."""
        padded = [prompt, *texts, *[""] * (regions.bucket(len(texts)) - len(texts))]
        guided = self._base.unet.config.time_cond_proj_dim is None
        with torch.no_grad():
            found = self._base.encode_prompt(
                prompt=padded,
                device=self._device.name,
                num_images_per_prompt=1,
                do_classifier_free_guidance=guided,
                negative_prompt=[negative] * len(padded),
            )
        told = {"prompt_embeds": _side_by_side(found[0])}
        if guided:
            told["negative_prompt_embeds"] = _side_by_side(found[1])
        if len(found) > 2:  # SDXL: the pooled embedding is of the picture as a whole
            told |= {"pooled_prompt_embeds": found[2][:1], "negative_pooled_prompt_embeds": found[3][:1]}
        return told, found[0].shape[1]


_USUAL = (Control("segmentation", 1.0), Control("depth", 0.5, 0.0, 0.6))
"""Classes all the way; depth gives the large shapes and then leaves the model free."""


class _Steps:
    """Counts the steps of all passes of a picture for ``on_step``; diffusers calls it after each one."""

    def __init__(
        self, request: GenerateRequest, model: Model, refined: bool, from_picture: bool, on_step: OnStep
    ) -> None:
        self._asked = request.steps or model.steps
        first = self.of(request.strength) if from_picture else self._asked
        self._all = first + (self.of(REFINE) if refined else 0)
        self._done = 0
        self._on_step = on_step

    def of(self, strength: float) -> int:
        """Steps of a run of this strength, as diffusers counts them."""
        return max(1, min(int(self._asked * strength), self._asked))

    def __call__(self, _pipeline: Any, _index: int, _time: Any, state: dict[str, Any]) -> dict[str, Any]:
        self._done += 1
        self._on_step(min(self._done, self._all), self._all)
        return state


def _size(inputs: Inputs) -> tuple[int, int]:
    if inputs.maps is not None:
        return inputs.maps.width, inputs.maps.height
    if inputs.image is None:
        raise InvalidInput("There is neither a scene nor a picture to work on", "Give one of them")
    return inputs.image.shape[1], inputs.image.shape[0]


def _guidance(request: GenerateRequest, model: Model) -> float:
    return model.guidance if request.guidance is None else request.guidance


def _fitted(maps: SceneMaps, size: Pass) -> SceneMaps:
    arrays = {name: fit_map(getattr(maps, name), size) for name in ("instance_map", "class_map", "depth", "normal")}
    return replace(maps, **arrays)


def _picture(drawn: np.ndarray) -> np.ndarray:
    """float H×W×3 → uint8. Raises PictureFailed for what is no picture."""
    if not np.isfinite(drawn).all() or not drawn.any():
        hint = "Use another seed, fewer controls or less guidance; in half precision some models need single precision"
        raise PictureFailed("The model gave a black picture", hint)
    return (drawn * 255).round().astype(np.uint8)


def _side_by_side(embeddings: torch.Tensor) -> torch.Tensor:
    """N×tokens×width → 1×(N·tokens)×width."""
    return embeddings.reshape(1, -1, embeddings.shape[-1])


def _digest(maps: SceneMaps) -> str:
    """The maps that were used, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in (maps.instance_map, maps.class_map, maps.depth, maps.normal):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def _parameters(what: type) -> frozenset[str]:
    return frozenset(inspect.signature(what.__call__).parameters)


def _parts_of(what: type) -> frozenset[str]:
    return frozenset(inspect.signature(what.__init__).parameters)
