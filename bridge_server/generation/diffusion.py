"""Pictures by diffusion, guided by ControlNets that see the scene's maps.

Stock pipelines of diffusers do the sampling; what this project adds is what they are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput, SegAddonError
from blender_segaddon.protocol.messages import Control

from ..generators import Generator, Inputs, OnStep, ReferenceInput
from ..inpainting import cropped as inpainting
from ..inpainting.soft import SoftMask
from ..models.catalogue import TRANSFORMERS, Model
from ..models.library import Library
from ..models.loading import MODES, Device, adapter_files, dtype_of
from ..models.loras import revisions
from . import joint, record, regions, sparing
from .compiling import Compiled
from .control import control_image
from .detailing import LIGHT, NOTICE, detailed
from .glimpse import kind
from .joint import Joint
from .noise import even_noise
from .panorama import Circle, closes
from .pipelines import Mode, Pipelines, parameters
from .references import References
from .sizes import CELL, Pass, Plan, cropped, fit_map, plan, resized
from .starts import Start, fitted, start_options
from .steps import Steps, counted, enough
from .transformer import Steering

REFINE = 0.4
"""Strength of the second pass: it adds detail and moves nothing."""

_USUAL = (Control("segmentation", 1.0), Control("depth", 0.5, 0.0, 0.6))
"""Classes all the way; depth gives the large shapes and then leaves the model free."""
_USUAL_WITHOUT_CLASSES = (Control("depth", 0.7, 0.0, 0.8),)
_USUAL_PICTURES = (Control("depth"),)
"""For what is shown a picture of it: as the model was trained, without a table of scores."""

_TILED_FROM = 1536 * 1536
"""Pixels above which the autoencoder works in tiles: its memory grows with the picture."""


class PictureFailed(SegAddonError):
    """The model gave something that is no picture."""

    code = "black_picture"


class Diffusion:
    """A loaded model (``generators.Loaded``)."""

    def __init__(self, model: Model, folders: Sequence[Path], device: Device, *, compiled: bool = False) -> None:
        self.model = model
        self._compiled = Compiled(compiled)
        self.modes: tuple[str, ...] = MODES if device.has_own_memory else MODES[:2]
        if model.family == "zimage":  # its ControlNet shares layers with the transformer: they cannot part
            self.modes = tuple(mode for mode in self.modes if mode in ("fast", "tiled", "group"))
        if model.transformer is not None:  # its weights may have few bits already
            self.modes = tuple(mode for mode in self.modes if mode != "fp8")
        self._device = device
        self._folders = folders
        self._load()
        self._pictures: tuple[SceneMaps | None, dict[tuple, Image.Image]] = (None, {})
        self._about = record.of_model(model, folders, device)

    def make(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str = "fast") -> np.ndarray:
        """One picture, uint8 H×W×3 of the maps' (or the image's) size.

        Args:
            mode: one of ``modes``.

        Raises:
            InvalidInput: a request that this model cannot run. ModelMissing, ModelDamaged: a ControlNet.
            PictureFailed: the model gave numbers that are no picture. Cancelled: ``on_step`` raised it.
        """
        request, image = inputs.request, inputs.image
        if image is not None and request.strength == 0:
            return image
        if inputs.mask is not None:
            return self._inpaint(inputs, seed, on_step, mode)
        if self._nine:
            text = f"The model {self.model.id!r} only paints under a mask"
            raise InvalidInput(text, "Give a picture and a mask, or use another model")
        wanted = self._plan(inputs)
        self._use(mode)
        self._circle.closed = wanted.closes
        generator = torch.Generator("cpu").manual_seed(seed)
        self._pipelines.wear(request.options.loras)
        way: Mode = "text" if image is None else "image"
        passes = [(wanted.first, Start(way, strength=self._enough(inputs, request.strength)))]
        if wanted.second is not None:
            passes.append((wanted.second, Start("image", strength=self._enough(inputs, REFINE))))
        steps = Steps([self._steps(inputs, start) for _, start in passes], self._latents, on_step)
        picture = image
        for size, start in passes:
            self._warn(inputs, size, steps.total, on_step)
            picture = self._draw(inputs, size, replace(start, picture=picture), generator, steps)
        if self._along_maps(inputs) and inputs.maps is not None:
            return detailed(picture, inputs.maps, request.prompt, seed)  # pyright: ignore[reportArgumentType]
        return resized(picture, wanted.size, closes=wanted.closes)  # pyright: ignore[reportArgumentType]

    def describe(self, inputs: Inputs) -> dict[str, str]:
        """What made the picture, for its record."""
        own = record.of_picture(inputs, self.model, self.controls(inputs), self._plan(inputs))
        request = inputs.request
        own |= inpainting.described(
            inputs,
            native=self.model.native,
            cell=self._cell,
            steps=round((request.options.steps or self.model.steps) * request.strength),
            nine=self._nine,
        )
        if self._along_maps(inputs):
            own["notice"] = NOTICE.format(*self._plan(inputs).first.content, *_size(inputs))
        own["lora_revisions"] = ", ".join(revisions(inputs.request.options.loras, self._folders))
        return {**self._about, "scheduler": type(self._pipelines.base.scheduler).__name__, **own}

    def needs(self) -> tuple[int, ...]:
        """Bytes of the device's memory in each of ``modes``, 0 where not known."""
        whole = int(self.model.memory * 2**30)
        found = sparing.needs(whole, self._pipelines.weights())
        return tuple(need for mode, need in zip(MODES, found, strict=True) if mode in self.modes)

    def held(self) -> int:
        """Bytes of the device's memory that it has now."""
        if self._device.has_own_memory:
            return torch.cuda.memory_reserved()
        return sum(self._pipelines.weights())

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
        known = self.model.kinds
        asked = inputs.request.options.controls
        if asked is None:
            usual = _USUAL if "segmentation" in known else _USUAL_WITHOUT_CLASSES
            usual = _USUAL_PICTURES if self.model.family == "flux2" else usual
            asked = tuple(one for one in usual if one.kind in known)
        for one in asked:
            if one.kind not in known:
                text = f"The model {self.model.id!r} has no control by {one.kind}"
                raise InvalidInput(text, f"It has: {', '.join(known) or 'none'}")
        return tuple(one for one in asked if one.weight != 0)

    def _load(self) -> None:
        self._weights = regions.RegionWeights()
        self._circle = Circle()
        self._steering: Steering | Joint | None = None
        self._references: References | None = None
        wanted = self._compiled.wanted
        self._pipelines = Pipelines(self.model, self._folders, self._device, self._prepare, compiled=wanted)
        self._circle.prepare(self._pipelines.base.vae)
        self._latents = kind(self.model.family, self._pipelines.base.vae_scale_factor)

    def _use(self, mode: str) -> None:
        """Work in a memory mode from now on. Beyond the first two the parts are built anew, since hooks would stay."""
        before = self._pipelines.mode
        if {before, mode} <= set(sparing.ON_DEVICE):
            self._pipelines.mode = mode
        elif before != mode:
            if before:
                del self._pipelines
                self._load()
            self._pipelines.arrange(mode)

    def _plan(self, inputs: Inputs) -> Plan:
        camera = inputs.maps.camera if inputs.maps else None
        around = closes(camera) and self.model.closes
        once = inputs.request.options.draft or self.model.finish == "maps"
        wanted = plan(_size(inputs), self.model.native, draft=once, closes=around, cell=self._cell)
        longest = self._longest
        if any(max(one.padded) > longest for one in (wanted.first, wanted.second) if one):
            width, height = wanted.size
            text = f"{width}×{height} is too long and narrow for the model {self.model.id!r}"
            raise InvalidInput(text, f"No side of what it draws may have more than {longest} pixels")
        return wanted

    def _along_maps(self, inputs: Inputs) -> bool:
        """Whether what is drawn is brought to its size with the scene's maps for a guide."""
        if self.model.finish != "maps" or inputs.maps is None or inputs.image is not None:
            return False
        return self._plan(inputs).first.content < inputs.maps.instance_map.shape[::-1]

    @property
    def _longest(self) -> float:
        """Pixels of the longest side: Z-Image has no positions beyond."""
        places = getattr(self._pipelines.backbone.config, "axes_lens", None)
        return min(places[1:]) * 2 * CELL if places else float("inf")

    @property
    def _cell(self) -> int:
        """Pixels that the sides of what is drawn are multiples of."""
        return CELL if self.model.family not in TRANSFORMERS else 2 * CELL

    @property
    def _nine(self) -> bool:
        """Whether this is an inpainting checkpoint."""
        return self.model.family not in TRANSFORMERS and self._pipelines.base.unet.config.in_channels == 9

    def _masked(self, inputs: Inputs, seed: int) -> inpainting.Job:
        model = self.model
        return inpainting.prepare(
            inputs, native=model.native, cell=self._cell, family=model.family, nine=self._nine, seed=seed
        )

    def _inpaint(self, inputs: Inputs, seed: int, on_step: OnStep, mode: str) -> np.ndarray:
        """The image with what is under its mask drawn anew: a crop at the model's own size, stitched back."""
        job = self._masked(inputs, seed)
        size = Pass(job.crop.drawn, job.crop.drawn)
        self._circle.closed = False
        self._use(mode)
        self._pipelines.wear(inputs.request.options.loras)
        generator = torch.Generator("cpu").manual_seed(seed)
        start = Start("mask", job.given, job.mask, self._enough(inputs, job.strength), job.levels)
        steps = Steps([self._steps(inputs, start)], self._latents, on_step)
        self._warn(job.inputs, size, steps.total, on_step)
        drawn = self._floats(job.inputs, size, start, generator, steps)
        if self.model.finish == "maps" and inputs.maps is not None:
            small, maps = (drawn * 255).round().astype(np.uint8), job.full_maps(inputs.maps)
            light = LIGHT * job.strength * job.full_mask()  # what is kept of the picture has light
            drawn = detailed(small, maps, inputs.request.prompt, seed, light).astype(np.float32) / np.float32(255)
        return job.finished(drawn)

    def _warn(self, inputs: Inputs, size: Pass, steps: int, on_step: OnStep) -> None:
        """Say beforehand where the blocks have to be compiled first."""
        if self._compiled.wanted and self._pipelines.mode in sparing.ON_DEVICE:
            own = regions.from_maps(inputs.maps)[0] if inputs.maps else []
            kinds = frozenset(one.kind for one in self.controls(inputs))
            if self._compiled.is_new(size.padded, regions.bucket(len(own)), kinds):
                on_step(0, steps, loading=Compiled.MESSAGE)

    def _prepare(self, net: torch.nn.Module) -> None:
        if self.model.family not in TRANSFORMERS:
            regions.install(self._weights, net)
            self._circle.prepare(net)
        elif self._steering is None:
            self._steering = Joint(net) if self.model.family == "flux2" else Steering(net)

    def _enough(self, inputs: Inputs, strength: float) -> float:
        return enough(inputs.request.options.steps or self.model.steps, strength, self.model.family)

    def _steps(self, inputs: Inputs, start: Start) -> int:
        asked = inputs.request.options.steps or self.model.steps
        return asked if start.mode == "text" else counted(asked, start.strength, self.model.family)

    def _draw(self, inputs: Inputs, size: Pass, start: Start, generator: torch.Generator, steps: Steps) -> np.ndarray:
        """One pass: uint8 H×W×3 of the size's content."""
        return (self._floats(inputs, size, start, generator, steps) * 255).round().astype(np.uint8)

    def _floats(self, inputs: Inputs, size: Pass, start: Start, generator: torch.Generator, steps: Steps) -> np.ndarray:
        """One pass: float32 H×W×3 of the size's content, 0..1, as the autoencoder gave it."""
        request, controls = inputs.request, self.controls(inputs)
        pipeline, options = self._pipelines.for_run(controls, start.mode)
        columns, rows = size.padded
        options |= {"width": columns, "height": rows, "num_inference_steps": request.options.steps or self.model.steps}
        options |= {"guidance_scale": record.guidance(request, self.model)}
        options |= start_options(start, size, self._circle.closed)
        if self.model.family == "flux2" and "image" in options:
            options = joint.from_picture(pipeline, options, size)
        self._begin(self._steps(inputs, start), controls, size, self._guided(inputs))
        options |= self._prompts(inputs, size, start)
        options |= self._shown(pipeline, inputs.maps, controls, size) | self._refer(inputs, size, pipeline)
        if start.mode == "text" and self._latents == "pixels" and inputs.maps is not None and self._along_maps(inputs):
            noise = even_noise(fitted(inputs.maps, size), pipeline.unet.config.in_channels, generator)
            options["latents"] = noise.to(dtype_of(self.model, self._device))
        options = {name: value for name, value in options.items() if name in parameters(type(pipeline).__call__)}
        # Tiles would open the circle again.
        tiled = columns * rows > _TILED_FROM or self._pipelines.mode != MODES[0]
        pipeline.vae.use_tiling = tiled and not self._circle.closed
        after = steps if start.levels is None else SoftMask(pipeline, start.levels, self._steps(inputs, start), steps)
        drawn = pipeline(**options, generator=generator, output_type="np", callback_on_step_end=after).images[0]
        return cropped(_picture(drawn), size)

    def _begin(self, steps: int, controls: Sequence[Control], size: Pass, guided: bool) -> None:
        self._weights.clear()
        if self._pipelines.union:
            self._pipelines.union.start(controls, steps)
        if self._steering:
            self._steering.start(steps, size.padded, guided)

    def _shown(self, pipeline: Any, maps: SceneMaps | None, controls: Sequence[Control], size: Pass) -> dict[str, Any]:
        """The control pictures, to the pipeline or to the transformer itself."""
        if not controls or maps is None:
            return {}
        pictures = [self._picture_of(one.kind, maps, size) for one in controls]
        if self._steering:
            self._steering.control(list(zip(controls, pictures, strict=True)), pipeline, self._pipelines.net)
            return {}
        return {"control_image" if "control_image" in parameters(type(pipeline).__call__) else "image": pictures}

    def _picture_of(self, kind: str, maps: SceneMaps, size: Pass) -> Image.Image:
        """A control picture; those of the last maps are remembered, for the other candidates of a job."""
        if self._pictures[0] is not maps:
            self._pictures = (maps, {})
        known = self._pictures[1]
        if (kind, size) not in known:
            known[kind, size] = Image.fromarray(control_image(kind, fitted(maps, size), self.model.palette))
        return known[kind, size]

    def _prompts(self, inputs: Inputs, size: Pass, start: Start) -> dict[str, Any]:
        """The prompts as the pipeline takes them: embedded, side by side where regions have their own."""
        request, words = inputs.request, self._pipelines.words
        own, others = regions.from_maps(inputs.maps) if inputs.maps else ([], [])
        told = self._of_pictures(inputs, start)
        prompt = told + ", ".join(filter(None, [request.prompt, *others]))
        negative = request.negative_prompt if self._guided(inputs) else None
        if not own or request.options.region_strength == 0:
            return words.told([prompt], negative, request.options.loras)
        columns, rows = size.padded
        factor = self._pipelines.base.vae_scale_factor
        masks, latent = [fit_map(region.mask, size) for region in own], (rows // factor, columns // factor)
        texts, strength = [prompt, *(told + region.text for region in own)], request.options.region_strength
        if self._steering:
            lengths = [words.read(text, request.options.loras).tokens.shape[-2] for text in texts]
            self._steering.regions(lengths, regions.shares(masks, latent, strength))
        else:
            texts += [""] * (regions.bucket(len(own)) - len(own))
            tokens = words.read(prompt, request.options.loras).tokens.shape[1]
            self._weights.set(masks, latent, tokens, strength)
        return words.told(texts, negative, request.options.loras)

    def _of_pictures(self, inputs: Inputs, start: Start) -> str:
        """What a model that looks at pictures is told of them, in front of every prompt."""
        if self.model.family != "flux2":
            return ""
        first = 1 if start.mode == "text" else 2
        told = joint.words(self.controls(inputs), len(_weighing(inputs.references)), first)
        return told and f"{told} "

    def _refer(self, inputs: Inputs, size: Pass, pipeline: Any) -> dict[str, Any]:
        given = _weighing(inputs.references)
        if given and not self.model.references:
            raise InvalidInput(f"The model {self.model.id!r} takes no reference pictures", "Choose one that does")
        if isinstance(self._steering, Joint):
            self._steering.refer(given, inputs.maps, size, pipeline)
            return {}
        if given and self._references is None:
            weights, encoder = adapter_files(self.model, self._folders)
            self._references = References(self._pipelines.base, weights, encoder, self._weights)
        if self._references is None:
            return {}
        self._references.use(given)
        return self._references.told(given, inputs.maps, size, guided=self._guided(inputs))

    def _guided(self, inputs: Inputs) -> bool:
        """Whether the pipeline draws with guidance: by its own rule."""
        return record.guidance(inputs.request, self.model) > (0 if self.model.family == "zimage" else 1)


def _weighing(references: Sequence[ReferenceInput]) -> list[ReferenceInput]:
    return [one for one in references if one.weight != 0]


def _size(inputs: Inputs) -> tuple[int, int]:
    if inputs.maps is not None:
        return inputs.maps.width, inputs.maps.height
    if inputs.image is None:
        raise InvalidInput("There is neither a scene nor a picture to work on", "Give one of them")
    return inputs.image.shape[1], inputs.image.shape[0]


def _picture(drawn: np.ndarray) -> np.ndarray:
    """The same. Raises PictureFailed for what is no picture."""
    if not np.isfinite(drawn).all() or not drawn.any():
        hint = "Use another seed, fewer controls or less guidance; in half precision some models need single precision"
        raise PictureFailed("The model gave a black picture", hint)
    return drawn


def load(generator: Generator, device: str) -> Diffusion:
    """The model of this generator. Raises ModelMissing, ModelDamaged."""
    model = Library(generator.folders).models[generator.name]
    return Diffusion(model, generator.folders, Device.called(device), compiled=generator.compiled)
