"""What the benches of generation share: our way, the stock pipeline beside it, and measuring in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation.control import UNION_MODES, control_image
from bridge_server.generation.diffusion import Diffusion, PictureFailed
from bridge_server.generators import Inputs
from bridge_server.models.catalogue import Model
from bridge_server.models.loading import Device, dtype_of
from tests.unit.preview_scenes import street

PROMPT = "a quiet street"


def inputs_of(maps: SceneMaps, kinds: Sequence[str], steps: int, regions: int = 0) -> Inputs:
    """A request with these controls all the way, and so many regions with a text of their own."""
    texts = {one.id: f"thing {one.id}" for one in maps.instances[:regions]}
    maps = replace(maps, instances=tuple(replace(one, text=texts.get(one.id, "")) for one in maps.instances))
    controls = tuple(Control(kind) for kind in kinds)  # pyright: ignore[reportArgumentType]
    request = GenerateRequest(generator="", prompt=PROMPT, options=ModelOptions(steps, controls=controls))
    return Inputs(request, maps, None, None)


def our_way(
    model: Model, device: Device, inputs: Inputs, count: int = 1, mode: str = "fast", *, compiled: bool = False
) -> tuple[Diffusion, Any]:
    """The loaded model, and what makes ``count`` pictures with seeds from its argument on."""
    assert inputs.maps is not None  # a bench's own
    native = max(inputs.maps.width, inputs.maps.height)
    loaded = Diffusion(replace(model, native=native), [], device, compiled=compiled)
    return loaded, making(loaded, inputs, count, mode)


def making(loaded: Diffusion, inputs: Inputs, count: int = 1, mode: str = "fast") -> Callable[[int], list[np.ndarray]]:
    """What makes ``count`` pictures by a loaded model."""

    def make(seed: int) -> list[np.ndarray]:
        return [loaded.make(inputs, seed + index, lambda *_, **__: None, mode) for index in range(count)]

    return make


def stock_way(
    model: Model, device: Device, kinds: Sequence[str], inputs: Inputs, count: int = 1
) -> Callable[[int], list[np.ndarray]]:
    """diffusers' own pipeline with its control pictures ready: same precision, scheduler, steps, guidance."""
    maps, steps = inputs.maps, inputs.request.options.steps
    assert maps is not None
    pictures = [Image.fromarray(control_image(kind, maps, model.palette)) for kind in kinds]
    options: dict[str, Any] = {"width": maps.width, "height": maps.height, "num_inference_steps": steps}
    options |= {"guidance_scale": model.guidance, "output_type": "np", "num_images_per_prompt": count}
    dtype = dtype_of(model, device)
    net = {"sd15": diffusers.ControlNetModel, "zimage": diffusers.ZImageControlNetModel}.get(
        model.family, diffusers.ControlNetUnionModel
    )
    loaded = net.from_pretrained(next(iter(model.controls.values())).path, dtype=dtype)
    if model.family == "sd15":
        kind, loaded = diffusers.StableDiffusionControlNetPipeline, [loaded]
        options |= {"image": pictures, "controlnet_conditioning_scale": [1.0]}
    elif model.family == "sdxl":
        kind = diffusers.StableDiffusionXLControlNetUnionPipeline
        options |= {"control_image": pictures, "control_mode": [UNION_MODES[kind] for kind in kinds]}
    else:
        kind = diffusers.ZImageControlNetPipeline
        options |= {"control_image": pictures[0], "controlnet_conditioning_scale": 1.0}
    pipeline = kind.from_pretrained(model.base.path, controlnet=loaded, dtype=dtype).to(device.name)
    pipeline.set_progress_bar_config(disable=True)

    def make(seed: int) -> list[np.ndarray]:
        generators = [torch.Generator("cpu").manual_seed(seed + index) for index in range(count)]
        drawn = pipeline(PROMPT, generator=generators, **options).images
        return [(one * 255).round().astype(np.uint8) for one in drawn]

    return make


def in_turn(ways: dict[str, Callable[[int], Any]], runs: int) -> dict[str, list[float]]:
    """Seconds of each way, measured in turn; each round begins with another one. The first round only warms up."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(runs + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            seconds = timed(ways[name], number)
            if number:
                found[name].append(seconds)
    return found


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Seconds, until the device has finished."""
    start = time.perf_counter()
    work(*arguments)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def ratios(ones: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Quartiles of the pairs' ratios: (lower, median, upper)."""
    pairs = [one / other for one, other in zip(ones, others, strict=True)]
    low, middle, high = statistics.quantiles(pairs, n=4)
    return low, middle, high


def peak_gib(work: Callable[[], Any]) -> float | None:
    """The most that the GPU's memory holds during ``work``; None without one."""
    if not torch.cuda.is_available():
        work()
        return None
    torch.cuda.reset_peak_memory_stats()
    work()
    return round(torch.cuda.max_memory_reserved() / 2**30, 2)


def settle(model: Model, device: Device, inputs: Inputs) -> None:
    """Scale the random weights of the files down until a picture of them is finite (never zeros: those are quicker)."""
    for _ in range(8):
        with suppress(PictureFailed):
            our_way(model, device, inputs)[1](0)
            return
        for folder in ("unet", "transformer"):
            for path in Path(model.base.path, folder).glob("*.safetensors"):
                save_file({name: tensor * 0.7 for name, tensor in load_file(path).items()}, path, {"format": "pt"})
    raise RuntimeError("the random weights give no finite picture")


def maps_of(size: tuple[int, int]) -> SceneMaps:
    """A street of that size (width, height)."""
    return street(*size)
