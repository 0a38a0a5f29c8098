"""Models that draw in few steps: the scheduler and the LoRA of their entry, no guidance, and that is said."""

from __future__ import annotations

from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs, Offer

from .conftest import CPU, scene

VARIANTS = {
    "tiny-sd15-lcm": (diffusers.StableDiffusionPipeline, diffusers.LCMScheduler, {}),
    "tiny-sdxl-lightning": (
        diffusers.StableDiffusionXLPipeline,
        diffusers.EulerDiscreteScheduler,
        {"timestep_spacing": "trailing"},
    ),
}


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request, models, folder) -> Diffusion:
    return Diffusion(models[request.param], [folder], CPU)


def inputs(negative: str = "", guidance: float | None = None) -> Inputs:
    options = ModelOptions(guidance=guidance, controls=())
    request = GenerateRequest(generator="", prompt="a street", negative_prompt=negative, options=options)
    return Inputs(request, scene(), None, None)


def make(diffusion, *arguments) -> np.ndarray:
    return diffusion.make(inputs(*arguments), 3, lambda *_: None)


def test_equals_a_direct_call_with_that_scheduler_and_lora(variant, folder):
    kind, scheduler, changed = VARIANTS[variant.model.id]
    place = folder / variant.model.id.rpartition("-")[0]
    stock = kind.from_pretrained(place)
    stock.scheduler = scheduler.from_config(stock.scheduler.config, **changed)
    stock.load_lora_weights(place, weight_name="few-step.safetensors")
    stock.fuse_lora()
    stock.set_progress_bar_config(disable=True)
    steps, generator = variant.model.steps, torch.Generator("cpu").manual_seed(3)
    drawn = stock(
        "a street", width=64, height=64, num_inference_steps=steps, guidance_scale=1.0, generator=generator,
        output_type="np",
    ).images[0]  # fmt: skip
    assert (make(variant) == (drawn * 255).round().astype(np.uint8)).all()


def test_negative_prompt_and_guidance_have_no_effect_and_that_is_said(variant):
    assert (make(variant, "people", 9.0) == make(variant)).all()
    assert "negative prompt" in variant.describe(inputs("people"))["notes"]
    assert variant.describe(inputs())["notes"] == ""


def test_the_lora_does_something(variant, models, folder):
    without = Diffusion(replace(variant.model, lora=None), [folder], CPU)
    assert (make(variant) != make(without)).mean() > 0.1


def test_an_unknown_scheduler_is_said(models, folder):
    wrong = replace(models["tiny-sd15-lcm"], scheduler={"class": "os"})
    with pytest.raises(InvalidInput, match="no scheduler of diffusers: 'os'"):
        Diffusion(wrong, [folder], CPU)


def test_the_server_tells_which_models_are_guided(folder):
    told = {one.id: one for one in Offer(models_dirs=(folder,)).models()}
    assert told["tiny-sd15"].guided and told["tiny-sd15"].references
    assert not told["tiny-sd15-lcm"].guided
    assert told["tiny-zimage"].controls == ("depth", "lineart") and not told["tiny-zimage"].panoramas
