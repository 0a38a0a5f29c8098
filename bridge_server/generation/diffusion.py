"""Pictures by diffusion, guided by ControlNets that see the scene's maps.

Stock pipelines of diffusers do the sampling; what this project adds is what they are given.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput, SegAddonError
from blender_segaddon.protocol.messages import Control, GenerateRequest

from ..generators import Generator, Inputs, OnStep
from ..inpainting import cropped as inpainting
from ..inpainting.soft import SoftMask
from ..models import catalogue
from ..models.catalogue import Model
from ..models.loading import MODES, Device
from . import regions
from .control import UNION_MODES, control_image
from .glimpse import glimpse
from .panorama import Circle, closes
from .pipelines import Mode, Pipelines, parameters
from .sizes import Pass, Plan, cropped, fit_map, fit_picture, plan, resized

REFINE = 0.4
"""Strength of the second pass: it adds detail and moves nothing."""

_USUAL = (Control("segmentation", 1.0), Control("depth", 0.5, 0.0, 0.6))
"""Classes all the way; depth gives the large shapes and then leaves the model free."""

_TILED_FROM = 1536 * 1536
"""Pixels above which the autoencoder works in tiles: its memory grows with the picture."""


_GLIMPSE_SECONDS = 0.5
"""Between two looks at the picture in the making."""


class PictureFailed(SegAddonError):
    """The model gave something that is no picture."""

    code = "black_picture"


@dataclass(frozen=True, eq=False)
class _Start:
    """What a pass starts from."""

    mode: Mode
    picture: np.ndarray | None = None
    """uint8 H×W×3, or float32 in 0..1 of the pass's size"""
    mask: np.ndarray | None = None
    """bool H×W"""
    strength: float = 1.0
    levels: np.ndarray | None = None
    """float32 H×W: for soft inpainting"""


class Diffusion:
    """A loaded model (``generators.Loaded``)."""

    def __init__(self, model: Model, folders: Sequence[Path], device: Device) -> None:
        self.model = model
        self.modes: tuple[str, ...] = MODES if device.has_own_memory else MODES[:2]
        self._device = device
        self._weights = regions.RegionWeights()
        self._circle = Circle()
        self._pipelines = Pipelines(model, folders, self._device, self._prepare)
        self._circle.prepare(self._pipelines.base.vae)

    def make(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str = "fast") -> np.ndarray:
        """One picture, uint8 H×W×3 of the maps' (or the image's) size.

        Args:
            mode: one of ``modes``.

        Raises:
            InvalidInput: a request that this model cannot run. ModelMissing, ModelDamaged: a ControlNet.
            PictureFailed: the model gave numbers that are no picture. Cancelled: ``on_step`` raised it.
        """
        if inputs.mask is not None:
            return self._inpaint(inputs, seed, on_step, mode)
        request, image = inputs.request, inputs.image
        if self._nine:
            text = f"The model {self.model.id!r} only paints under a mask"
            raise InvalidInput(text, "Give a picture and a mask, or use another model")
        wanted = self._plan(inputs)
        self._circle.closed = wanted.closes
        steps = _Steps(request, self.model, wanted, image is not None, on_step)
        generator = torch.Generator("cpu").manual_seed(seed)
        self._pipelines.use(mode)
        self._pipelines.wear(request.options.loras)
        way: Mode = "text" if image is None else "image"
        picture = self._draw(inputs, wanted.first, _Start(way, image, None, request.strength), generator, steps)
        if wanted.second is not None:
            picture = self._draw(inputs, wanted.second, _Start("image", picture, None, REFINE), generator, steps)
        return resized(picture, wanted.size, closes=wanted.closes)

    def describe(self, inputs: Inputs) -> dict[str, str]:
        """What made the picture, for its record."""
        request, model = inputs.request, self.model
        wanted = self._plan(inputs)
        passes = [one for one in (wanted.first, wanted.second) if one is not None]
        controls = [f"{one.kind} {one.weight:g} ({one.start:g}–{one.end:g})" for one in self.controls(inputs)]
        return {
            "model": model.id,
            "revisions": ", ".join(one.title for one in model.sources),
            "licence": model.licence,
            "steps": str(request.options.steps or model.steps),
            "guidance": f"{_guidance(request, model):g}",
            "scheduler": type(self._pipelines.base.scheduler).__name__,
            "controls": ", ".join(controls),
            "loras": ", ".join(f"{one.name} {one.weight:g}" for one in request.options.loras),
            "drawn": ", then ".join(f"{one.content[0]}×{one.content[1]}" for one in passes),
            "maps": _digest(inputs.maps) if inputs.maps else "",
            "device": self._device.name,
            "precision": "half" if self._device.half else "single",
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            **inpainting.described(
                inputs,
                native=model.native,
                steps=round((request.options.steps or model.steps) * request.strength),
                nine=self._nine,
            ),
        }

    def to_host(self) -> None:
        """Give the device's memory back, ready to go on."""
        self._pipelines.to("cpu")

    def to_device(self) -> None:
        """Take the device's memory again."""
        self._pipelines.to(self._device.name)

    def unload(self) -> None:
        """Free everything; not used any more afterwards."""
        del self._pipelines

    def controls(self, inputs: Inputs) -> tuple[Control, ...]:
        """The controls of a request, or the model's own choice; only those with a weight. Raises InvalidInput."""
        if inputs.maps is None:
            return ()
        known = tuple(UNION_MODES) if "union" in self.model.controls else tuple(self.model.controls)
        asked = inputs.request.options.controls
        if asked is None:
            asked = tuple(one for one in _USUAL if one.kind in known)
        for one in asked:
            if one.kind not in known:
                text = f"The model {self.model.id!r} has no control by {one.kind}"
                raise InvalidInput(text, f"It has: {', '.join(known) or 'none'}")
        return tuple(one for one in asked if one.weight != 0)

    def _plan(self, inputs: Inputs) -> Plan:
        camera = inputs.maps.camera if inputs.maps else None
        return plan(_size(inputs), self.model.native, draft=inputs.request.options.draft, closes=closes(camera))

    @property
    def _nine(self) -> bool:
        """Whether this is an inpainting checkpoint."""
        return self._pipelines.base.unet.config.in_channels == 9

    def _masked(self, inputs: Inputs, seed: int) -> inpainting.Job:
        model = self.model
        return inpainting.prepare(inputs, native=model.native, family=model.family, nine=self._nine, seed=seed)

    def _inpaint(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str) -> np.ndarray:
        """The image with what is under its mask drawn anew: a crop at the model's own size, stitched back."""
        job = self._masked(inputs, seed)
        size = Pass(job.crop.drawn, job.crop.drawn)
        self._circle.closed = False
        self._pipelines.use(mode)
        self._pipelines.wear(inputs.request.options.loras)
        generator = torch.Generator("cpu").manual_seed(seed)
        steps = _Steps(inputs.request, self.model, Plan(size.content, size, None), True, on_step)
        start = _Start("mask", job.given, job.mask, job.strength, job.levels)
        return job.finished(self._floats(job.inputs, size, start, generator, steps))

    def _prepare(self, net: torch.nn.Module) -> None:
        regions.install(self._weights, net)
        self._circle.prepare(net)

    def _draw(self, inputs: Inputs, size: Pass, start: _Start, generator: torch.Generator, steps: _Steps) -> np.ndarray:
        """One pass: uint8 H×W×3 of the size's content."""
        return (self._floats(inputs, size, start, generator, steps) * 255).round().astype(np.uint8)

    def _floats(
        self, inputs: Inputs, size: Pass, start: _Start, generator: torch.Generator, steps: _Steps
    ) -> np.ndarray:
        """One pass: float32 H×W×3 of the size's content, 0..1, as the autoencoder gave it."""
        request, controls = inputs.request, self.controls(inputs)
        pipeline, options = self._pipelines.for_run(controls, start.mode)
        columns, rows = size.padded
        options |= {"width": columns, "height": rows, "num_inference_steps": request.options.steps or self.model.steps}
        options |= {"guidance_scale": _guidance(request, self.model)}
        options |= _start_options(start, size, self._circle.closed) | self._prompts(inputs, size)
        if controls and inputs.maps is not None:
            maps = _fitted(inputs.maps, size)
            pictures = [Image.fromarray(control_image(one.kind, maps, self.model.palette)) for one in controls]
            options["control_image" if "control_image" in parameters(type(pipeline).__call__) else "image"] = pictures
        if self._pipelines.union:
            self._pipelines.union.start(controls, steps.of(start))
        options = {name: value for name, value in options.items() if name in parameters(type(pipeline).__call__)}
        # Tiles would open the circle again.
        tiled = columns * rows > _TILED_FROM or self._pipelines.mode != MODES[0]
        pipeline.vae.use_tiling = tiled and not self._circle.closed
        after = steps if start.levels is None else SoftMask(pipeline, start.levels, steps.of(start), steps)
        drawn = pipeline(**options, generator=generator, output_type="np", callback_on_step_end=after).images[0]
        return cropped(_picture(drawn), size)

    def _prompts(self, inputs: Inputs, size: Pass) -> dict[str, Any]:
        """The prompts as the pipeline takes them: as text, or embedded side by side where regions have their own."""
        request = inputs.request
        own, others = regions.from_maps(inputs.maps) if inputs.maps else ([], [])
        prompt = ", ".join(filter(None, [request.prompt, *others]))
        if not own or request.options.region_strength == 0:
            self._weights.clear()
            return {"prompt": prompt, "negative_prompt": request.negative_prompt}
        columns, rows = size.padded
        factor = self._pipelines.base.vae_scale_factor
        told, tokens = self._embedded(prompt, request.negative_prompt, [region.text for region in own])
        masks = [fit_map(region.mask, size) for region in own]
        self._weights.set(masks, (rows // factor, columns // factor), tokens, request.options.region_strength)
        return told

    def _embedded(self, prompt: str, negative: str, texts: list[str]) -> tuple[dict[str, Any], int]:
        """The embeddings of the prompt, then of each region's text; (the pipeline's options, tokens of one prompt)."""
        padded = [prompt, *texts, *[""] * (regions.bucket(len(texts)) - len(texts))]
        guided = self._pipelines.base.unet.config.time_cond_proj_dim is None
        with torch.no_grad():
            found = self._pipelines.base.encode_prompt(
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


class _Steps:
    """Counts the steps of all passes of a picture for ``on_step``; diffusers calls it after each one."""

    def __init__(self, request: GenerateRequest, model: Model, wanted: Plan, started: bool, on_step: OnStep) -> None:
        self._asked = request.options.steps or model.steps
        first = self._of(request.strength) if started else self._asked
        self._all = first + (0 if wanted.second is None else self._of(REFINE))
        self._done = 0
        self._shown = time.monotonic()
        self._family = model.family
        self._on_step = on_step

    def of(self, start: _Start) -> int:
        """Steps of a pass."""
        return self._asked if start.mode == "text" else self._of(start.strength)

    def _of(self, strength: float) -> int:
        """As diffusers counts them."""
        return max(1, min(int(self._asked * strength), self._asked))

    def __call__(self, _pipeline: Any, _index: int, _time: Any, state: dict[str, Any]) -> dict[str, Any]:
        self._done += 1
        now = time.monotonic()
        seen = None
        if now - self._shown >= _GLIMPSE_SECONDS:
            self._shown, seen = now, glimpse(state["latents"], self._family)
        self._on_step(min(self._done, self._all), self._all, seen)
        return state


def _start_options(start: _Start, size: Pass, closed: bool) -> dict[str, Any]:
    """What a pass starts from, as the pipelines call it."""
    if start.picture is None:
        return {}
    floats = start.picture.dtype == np.float32
    picture = start.picture if floats else Image.fromarray(fit_picture(start.picture, size, closes=closed))
    options: dict[str, Any] = {"image": picture, "strength": start.strength}
    if start.mask is not None:
        options["mask_image"] = Image.fromarray(fit_map(start.mask, size).astype(np.uint8) * 255)
    return options


def _size(inputs: Inputs) -> tuple[int, int]:
    if inputs.maps is not None:
        return inputs.maps.width, inputs.maps.height
    if inputs.image is None:
        raise InvalidInput("There is neither a scene nor a picture to work on", "Give one of them")
    return inputs.image.shape[1], inputs.image.shape[0]


def _guidance(request: GenerateRequest, model: Model) -> float:
    return model.guidance if request.options.guidance is None else request.options.guidance


def _fitted(maps: SceneMaps, size: Pass) -> SceneMaps:
    arrays = {name: fit_map(getattr(maps, name), size) for name in ("instance_map", "class_map", "depth", "normal")}
    return replace(maps, **arrays)


def _picture(drawn: np.ndarray) -> np.ndarray:
    """The same. Raises PictureFailed for what is no picture."""
    if not np.isfinite(drawn).all() or not drawn.any():
        hint = "Use another seed, fewer controls or less guidance; in half precision some models need single precision"
        raise PictureFailed("The model gave a black picture", hint)
    return drawn


def _side_by_side(embeddings: torch.Tensor) -> torch.Tensor:
    """N×tokens×width → 1×(N·tokens)×width."""
    return embeddings.reshape(1, -1, embeddings.shape[-1])


def _digest(maps: SceneMaps) -> str:
    """The maps that were used, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in (maps.instance_map, maps.class_map, maps.depth, maps.normal):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def load(generator: Generator, device: str) -> Diffusion:
    """The model of this generator. Raises ModelMissing, ModelDamaged."""
    model = catalogue.load(generator.folders)[generator.name]
    return Diffusion(model, generator.folders, Device.called(device))
