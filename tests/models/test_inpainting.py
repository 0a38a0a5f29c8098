"""Inpainting through the real pipelines: what diffusers does where nothing is added, and what is added."""

from __future__ import annotations

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from blender_segaddon.core.colourise import semantic_image
from blender_segaddon.core.vocabulary import load
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs
from bridge_server.inpainting import cropped
from bridge_server.inpainting.soft import SoftMask

from .conftest import CPU, scene

WORDS = {"prompt": "a red door", "negative_prompt": "people"}
SEGMENTATION = (Control("segmentation"),)


@pytest.fixture(scope="module")
def nine(models, folder) -> Diffusion:
    return Diffusion(models["tiny-sd15-inpaint"], [folder], CPU)


@pytest.fixture(scope="module")
def nine_xl(models, folder) -> Diffusion:
    return Diffusion(models["tiny-sdxl-inpaint"], [folder], CPU)


def picture(width: int = 64, height: int = 64) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (np.stack([x * 3, y * 3, x + y], -1) % 256).astype(np.uint8)


def spot(width: int = 64, height: int = 64) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[height // 3 : height // 2, width // 3 : width // 2] = True
    return mask


def asked(image, mask, *, maps=None, controls=(), intent="change", steps=4, **more) -> Inputs:
    options = ModelOptions(steps, controls=controls)
    request = GenerateRequest(generator="", **WORDS, options=options, intent=intent, **more)
    return Inputs(request, maps, image, mask)


def paint(model, inputs, seed=5) -> np.ndarray:
    return model.make(inputs, seed, lambda *_: None)


def stock(kind, place, inputs, model, seed=5, **more) -> np.ndarray:
    """What diffusers' own pipeline makes of our crop, stitched back."""
    pipeline = kind.from_pretrained(place, **more.pop("parts", {}))
    pipeline.set_progress_bar_config(disable=True)
    job = cropped.prepare(inputs, native=64, family=model.model.family, nine=model._nine, seed=seed)
    drawn = pipeline(
        **WORDS,
        image=job.given,
        mask_image=Image.fromarray(job.mask.astype(np.uint8) * 255),
        strength=job.strength,
        num_inference_steps=4,
        guidance_scale=7.0,
        width=job.crop.drawn[0],
        height=job.crop.drawn[1],
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="np",
        **more,
    ).images[0]
    return job.finished(drawn)


SD15 = {"safety_checker": None, "requires_safety_checker": False}


@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_as_stock_with_a_plain_checkpoint(sd15, folder, strength):
    inputs = asked(picture(), spot(), strength=strength)
    kind = diffusers.StableDiffusionInpaintPipeline
    expected = stock(kind, folder / "tiny-sd15", inputs, sd15, parts=SD15)
    assert (paint(sd15, inputs) == expected).all()
    assert (expected != picture()).any()


def test_as_stock_with_a_controlnet_that_sees_the_crop(sd15, folder):
    maps = scene(64, 64)
    inputs = asked(picture(), spot(), maps=maps, controls=SEGMENTATION)
    net = diffusers.ControlNetModel.from_pretrained(folder / "tiny-sd15" / "controlnet-seg")
    kind = diffusers.StableDiffusionControlNetInpaintPipeline
    shown = Image.fromarray(semantic_image(maps.class_map, load("ade20k")))
    expected = stock(
        kind,
        folder / "tiny-sd15",
        inputs,
        sd15,
        parts={**SD15, "controlnet": net},
        control_image=shown,
        controlnet_conditioning_scale=1.0,
    )
    assert (paint(sd15, inputs) == expected).all()
    assert (expected != paint(sd15, asked(picture(), spot()))).any()


def test_as_stock_with_nine_channels(nine, folder):
    inputs = asked(picture(), spot())
    expected = stock(diffusers.StableDiffusionInpaintPipeline, folder / "tiny-sd15-inpaint", inputs, nine, parts=SD15)
    assert (paint(nine, inputs) == expected).all()


def test_as_stock_with_nine_channels_of_sdxl(nine_xl, folder):
    inputs = asked(picture(), spot())
    expected = stock(diffusers.StableDiffusionXLInpaintPipeline, folder / "tiny-sdxl-inpaint", inputs, nine_xl)
    assert (paint(nine_xl, inputs) == expected).all()


def test_nine_channels_with_a_controlnet(nine):
    maps = scene(64, 64)
    guided = paint(nine, asked(picture(), spot(), maps=maps, controls=SEGMENTATION))
    assert (guided != paint(nine, asked(picture(), spot()))).any()


def test_an_inpainting_checkpoint_needs_a_mask(nine):
    with pytest.raises(InvalidInput, match="only paints under a mask"):
        paint(nine, asked(None, None, maps=scene()))


@pytest.mark.parametrize("intent", ["change", "replace", "remove", "extend"])
@pytest.mark.parametrize("name", ["sd15", "sdxl", "nine", "nine_xl"])
def test_outside_the_mask_nothing_changes(request, name, intent):
    model = request.getfixturevalue(name)
    image, mask = picture(90, 300), spot(90, 300)
    made = paint(model, asked(image, mask, intent=intent, maps=scene(90, 300)))
    assert made.dtype == np.uint8 and (made[~mask] == image[~mask]).all() and (made[mask] != image[mask]).any()


def test_floats_stay_floats(sd15):
    image = picture().astype(np.float32) / np.float32(255.3)
    made = paint(sd15, asked(image, spot()))
    assert made.dtype == np.float32 and (made[~spot()] == image[~spot()]).all()
    inside = made[spot()] * 255
    assert np.abs(inside - np.rint(inside)).max() > 0.2  # from the autoencoder, not from bytes


def test_softness_runs_out_and_says_when_it_bands(sd15):
    inputs = asked(picture(), spot(), softness=12.0)
    made = paint(sd15, inputs)
    changed = (made != picture()).any(-1)
    assert (changed & ~spot()).any() and changed.sum() < changed.size / 2
    assert "bands" in sd15.describe(inputs)["notice"]
    assert "notice" not in sd15.describe(asked(picture(), spot(), softness=12.0, steps=20))


def test_grey_levels_are_steps():
    levels = np.linspace(0, 1, 8, dtype=np.float32)[None].repeat(8, 0)

    class Pipeline:
        def prepare_mask_latents(self):
            return torch.ones(2, 1, 8, 8), None

    pipeline, free = Pipeline(), []
    soft = SoftMask(pipeline, levels, 4, lambda *_: {})
    mask, _ = pipeline.prepare_mask_latents()
    for step in range(4):
        free.append(int(mask[0, 0, 0].sum()))
        soft(pipeline, step, None, {})
    assert free == [1, 2, 4, 6]
    assert (mask[0] == mask[1]).all()
