"""Where nothing is added, a picture is what diffusers' own pipeline gives when it is called directly, bit for bit."""

from __future__ import annotations

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from blender_segaddon.core.colourise import depth_image, instance_image, semantic_image
from blender_segaddon.core.vocabulary import load
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generators import Inputs

from .conftest import scene

PROMPT = {"prompt": "a quiet street", "negative_prompt": "people", "num_inference_steps": 4, "guidance_scale": 7.0}
SEGMENTATION = (Control("segmentation"),)
BOTH = (Control("segmentation", 0.8), Control("depth", 0.5, 0.0, 0.6))


def make(diffusion, controls, *, image=None, strength=1.0, seed=5, maps=None, **more) -> np.ndarray:
    words = {"prompt": PROMPT["prompt"], "negative_prompt": PROMPT["negative_prompt"]}
    request = GenerateRequest(
        generator="", **words, options=ModelOptions(4, controls=controls, **more), strength=strength
    )
    return diffusion.make(Inputs(request, maps or scene(), image, None), seed, lambda *_: None)


def stock(pipeline, seed=5, **options) -> np.ndarray:
    pipeline.set_progress_bar_config(disable=True)
    drawn = pipeline(**PROMPT, **options, generator=torch.Generator("cpu").manual_seed(seed), output_type="np").images[
        0
    ]
    return (drawn * 255).round().astype(np.uint8)


def net(folder, name):
    return diffusers.ControlNetModel.from_pretrained(folder / "tiny-sd15" / name)


def seen(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture)


@pytest.fixture
def semantic() -> Image.Image:
    return seen(semantic_image(scene().class_map, load("ade20k")))


def sd15_pipeline(kind, folder, controlnet=None):
    parts = {} if controlnet is None else {"controlnet": controlnet}
    return kind.from_pretrained(folder / "tiny-sd15", safety_checker=None, requires_safety_checker=False, **parts)


def test_one_controlnet(sd15, folder, semantic):
    pipeline = sd15_pipeline(diffusers.StableDiffusionControlNetPipeline, folder, net(folder, "controlnet-seg"))
    assert (make(sd15, SEGMENTATION) == stock(pipeline, image=semantic)).all()


def test_two_controlnets_one_with_a_window(sd15, folder, semantic):
    nets = [net(folder, "controlnet-seg"), net(folder, "controlnet-depth")]
    pipeline = sd15_pipeline(diffusers.StableDiffusionControlNetPipeline, folder, nets)
    expected = stock(
        pipeline,
        image=[semantic, seen(depth_image(scene().depth))],
        controlnet_conditioning_scale=[0.8, 0.5],
        control_guidance_end=[1.0, 0.6],
    )
    assert (make(sd15, BOTH) == expected).all()


def test_from_a_picture(sd15, folder, semantic):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    kind = diffusers.StableDiffusionControlNetImg2ImgPipeline
    pipeline = sd15_pipeline(kind, folder, net(folder, "controlnet-seg"))
    options = {"control_image": semantic, "controlnet_conditioning_scale": 1.0}
    expected = stock(pipeline, image=seen(image), strength=0.5, **options)
    assert (make(sd15, SEGMENTATION, image=image, strength=0.5) == expected).all()


def test_no_control(sd15, folder):
    pipeline = sd15_pipeline(diffusers.StableDiffusionPipeline, folder)
    assert (make(sd15, ()) == stock(pipeline, width=64, height=64)).all()


def test_the_control_matters(sd15):
    assert (make(sd15, SEGMENTATION) != make(sd15, ())).mean() > 0.1


def test_union_with_one_mode(sdxl, folder):
    union = diffusers.ControlNetUnionModel.from_pretrained(folder / "tiny-sdxl" / "controlnet-union")
    kind = diffusers.StableDiffusionXLControlNetUnionPipeline
    pipeline = kind.from_pretrained(folder / "tiny-sdxl", controlnet=union)
    expected = stock(
        pipeline, control_image=[seen(instance_image(scene().instance_map))], control_mode=[5], width=64, height=64
    )
    assert (make(sdxl, SEGMENTATION) == expected).all()


def test_a_union_mode_that_is_never_active_is_as_if_it_were_not_there(sdxl):
    alone = make(sdxl, SEGMENTATION)
    assert (make(sdxl, (*SEGMENTATION, Control("depth", 1.0, 0.0, 0.01))) == alone).all()
    assert (make(sdxl, (*SEGMENTATION, Control("depth", 0.0))) == alone).all()
    assert (make(sdxl, (*SEGMENTATION, Control("depth", 1.0))) != alone).any()


def test_a_union_without_active_modes_is_the_plain_model(sdxl):
    assert (make(sdxl, (Control("segmentation", 1.0, 0.0, 0.01),)) == make(sdxl, ())).all()


def test_the_same_seed_gives_the_same_picture_and_another_another(sd15):
    assert (make(sd15, SEGMENTATION) == make(sd15, SEGMENTATION)).all()
    assert (make(sd15, SEGMENTATION) != make(sd15, SEGMENTATION, seed=6)).any()
