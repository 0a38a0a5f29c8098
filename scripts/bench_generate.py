"""What this project adds to a picture's time: our way against a bare call of diffusers' pipeline, on tiny models.

.venv-models/bin/python -m scripts.bench_generate [--pairs 15] [--steps 20] [--size 128x128] [--json FILE]

Both run in this process with the same loaded weights, in turn, in pairs; without looks at the picture in the making.
The tiny models make the share of everything that is not the model as large as it gets. With a GPU the real models'
figures are another bench's business: nothing here says how fast a real model is.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch
from PIL import Image

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation import diffusion
from bridge_server.generation.control import control_image
from bridge_server.generators import Inputs
from bridge_server.models import catalogue
from bridge_server.models.loading import Device
from scripts.lib import tiny_models
from tests.unit.preview_scenes import street

CASES = {"tiny-sd15": ("segmentation",), "tiny-sdxl": ("segmentation", "depth", "normal")}
"""Model → controls."""


def compare(folder: Path, name: str, kinds: tuple[str, ...], size: tuple[int, int], steps: int, pairs: int) -> dict:
    """Seconds of both ways, and the median of the pairs' ratios."""
    model = catalogue.load([folder])[name]
    model = replace(model, native=max(size))  # one pass: the bare call has one
    ours = diffusion.Diffusion(model, [folder], Device("cpu", half=False))
    maps = street(*size)
    controls = tuple(Control(kind) for kind in kinds)  # pyright: ignore[reportArgumentType]
    request = GenerateRequest(generator=name, prompt="a quiet street", options=ModelOptions(steps, controls=controls))
    inputs = Inputs(request, maps, None, None)
    bare = bare_call(folder, model, kinds, maps, request)
    times: list[tuple[float, float]] = []
    for number in range(pairs + 1):
        seconds = timed(ours.make, inputs, number, lambda *_: None), timed(bare, number)
        if number:  # the first of each is a warm-up
            times.append(seconds)
    low, middle, high = statistics.quantiles([100 * (one / other - 1) for one, other in times], n=4)
    return {
        "model": name,
        "controls": len(kinds),
        "ours_s": round(statistics.median(one for one, _ in times), 4),
        "bare_s": round(statistics.median(other for _, other in times), 4),
        "overhead_percent": round(middle, 1),
        "quartiles_percent": [round(low, 1), round(high, 1)],
    }


def bare_call(
    folder: Path, model: catalogue.Model, kinds: tuple[str, ...], maps: SceneMaps, request: GenerateRequest
) -> Callable[[int], Any]:
    """A call of the stock pipeline with its control pictures ready."""
    pictures = [Image.fromarray(control_image(kind, maps, model.palette)) for kind in kinds]
    place = folder / model.id
    options: dict[str, Any] = {
        "num_inference_steps": request.options.steps,
        "guidance_scale": model.guidance,
        "output_type": "np",
    }
    options |= {"width": maps.width, "height": maps.height}
    if model.family == "sdxl":
        union = diffusers.ControlNetUnionModel.from_pretrained(place / "controlnet-union")
        pipeline = diffusers.StableDiffusionXLControlNetUnionPipeline.from_pretrained(place, controlnet=union)
        options |= {"control_image": pictures, "control_mode": [diffusion.UNION_MODES[kind] for kind in kinds]}
    else:
        nets = [diffusers.ControlNetModel.from_pretrained(place / "controlnet-seg")]
        pipeline = diffusers.StableDiffusionControlNetPipeline.from_pretrained(
            place, controlnet=nets, safety_checker=None, requires_safety_checker=False
        )
        options |= {"image": pictures, "controlnet_conditioning_scale": [1.0]}
    pipeline.set_progress_bar_config(disable=True)
    return lambda seed: pipeline(request.prompt, generator=torch.Generator("cpu").manual_seed(seed), **options)


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Seconds."""
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", default="128x128", help="WxH")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        tiny_models.make(Path(scratch))
        rows = [
            compare(Path(scratch), name, kinds, (width, height), given.steps, given.pairs)
            for name, kinds in CASES.items()
        ]
    for row in rows:
        print(", ".join(f"{key}: {value}" for key, value in row.items()))
    if given.json:
        about = {
            "steps": given.steps,
            "size": [width, height],
            "torch": torch.__version__,
            "machine": platform.machine(),
        }
        given.json.write_text(json.dumps({**about, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
