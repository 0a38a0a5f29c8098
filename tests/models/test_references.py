"""Reference pictures: diffusers' own adapter where nothing is added, and only on the object that they are for."""

from __future__ import annotations

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPVisionModelWithProjection

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs, ReferenceInput

from .conftest import CPU, scene

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8)
STOCK = {"sd15": diffusers.StableDiffusionPipeline, "sdxl": diffusers.StableDiffusionXLPipeline}


@pytest.fixture(scope="module", params=STOCK)
def diffusion(request, models, folder) -> Diffusion:
    return Diffusion(models[f"tiny-{request.param}"], [folder], CPU)


def make(diffusion, *references: ReferenceInput, texts=("", ""), size=(64, 64)) -> np.ndarray:
    request = GenerateRequest(generator="", prompt="a street", options=ModelOptions(3, 5.0, ()))
    given = Inputs(request, scene(*size, texts), None, None, references)
    return diffusion.make(given, 3, lambda *_: None)


def test_one_for_the_whole_picture_equals_a_direct_call(diffusion, folder):
    place = folder / diffusion.model.id
    encoder = CLIPVisionModelWithProjection.from_pretrained(place / "ip-adapter" / "image_encoder")
    seeing = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    stock = STOCK[diffusion.model.family].from_pretrained(place, image_encoder=encoder, feature_extractor=seeing)
    stock.load_ip_adapter(place / "ip-adapter", subfolder="", weight_name="ip-adapter.safetensors")
    stock.set_ip_adapter_scale(0.8)
    stock.set_progress_bar_config(disable=True)
    drawn = stock(
        "a street", width=64, height=64, num_inference_steps=3, guidance_scale=5.0, negative_prompt="",
        generator=torch.Generator("cpu").manual_seed(3), ip_adapter_image=Image.fromarray(PICTURE), output_type="np",
    ).images[0]  # fmt: skip
    assert (make(diffusion, ReferenceInput(PICTURE, 0.8)) == (drawn * 255).round().astype(np.uint8)).all()


def test_without_any_the_model_is_what_it_was(diffusion, models, folder):
    fresh = make(Diffusion(models[diffusion.model.id], [folder], CPU))
    make(diffusion, ReferenceInput(PICTURE))
    assert (make(diffusion) == fresh).all()
    assert (make(diffusion, ReferenceInput(PICTURE, 0.0)) == fresh).all()


def test_a_reference_for_an_object_moves_that_rather_than_the_other(diffusion):
    """What each moves of its own by what it moves of the other's; random weights carry changes all over the picture."""
    plain = make(diffusion).astype(int)
    for picture in (PICTURE, 255 - PICTURE, PICTURE // 2):
        left, right = (abs(make(diffusion, ReferenceInput(picture, 0.5, (own,))) - plain)[24:] for own in (1, 2))
        of_left = left[:, :24].mean() / left[:, 40:].mean()
        of_right = right[:, 40:].mean() / right[:, :24].mean()
        assert of_left * of_right > 1.03


def test_two_with_regions_of_their_own_and_texts(diffusion):
    both = (ReferenceInput(PICTURE, 1.0, (1,)), ReferenceInput(255 - PICTURE, 0.5, (2,)))
    made = make(diffusion, *both, texts=("a red door", ""))
    assert (made != make(diffusion, *both)).any()
    assert (make(diffusion, *both[::-1], texts=("a red door", "")).astype(int) - made).__abs__().max() <= 1
    assert make(diffusion, *both, size=(70, 50)).shape == (50, 70, 3)


def test_a_model_without_an_adapter_says_so(models, folder):
    with pytest.raises(InvalidInput, match="takes no reference pictures"):
        make(Diffusion(models["tiny-sd15-lcm"], [folder], CPU), ReferenceInput(PICTURE))
