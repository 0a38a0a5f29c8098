"""Z-Image: stock diffusers where nothing is added; windows, several controls, regions and other starts besides."""

from __future__ import annotations

from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from blender_segaddon.core.colourise import depth_image
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation.control import lineart
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generation.transformer import apart, joint
from bridge_server.generators import Inputs

from .conftest import CPU, scene

DEPTH = (Control("depth", 0.8),)


@pytest.fixture(scope="module")
def zimage(models, folder) -> Diffusion:
    return Diffusion(models["tiny-zimage"], [folder], CPU)


def make(diffusion, controls=(), *, texts=("", ""), prompt="a street", maps=None, strength=0.7, **more) -> np.ndarray:
    options = ModelOptions(4, controls=tuple(controls), region_strength=strength)
    request = GenerateRequest(generator="", prompt=prompt, options=options, strength=more.pop("leave", 1.0))
    given = Inputs(request, maps or scene(texts=texts), more.get("image"), more.get("mask"))
    return diffusion.make(given, 3, lambda *_: None)


def stock(pipeline, **options) -> np.ndarray:
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator("cpu").manual_seed(3)
    drawn = pipeline(
        "a street", height=64, width=64, num_inference_steps=4, guidance_scale=0.0, generator=generator,
        output_type="np", **options,
    ).images[0]  # fmt: skip
    return (drawn * 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def controlled(folder):
    net = diffusers.ZImageControlNetModel.from_pretrained(folder / "tiny-zimage" / "controlnet-union")
    return diffusers.ZImageControlNetPipeline.from_pretrained(folder / "tiny-zimage", controlnet=net)


def test_without_control_equals_a_direct_call(zimage, folder):
    assert (make(zimage) == stock(diffusers.ZImagePipeline.from_pretrained(folder / "tiny-zimage"))).all()


@pytest.mark.parametrize("kind", ["depth", "lineart"])
def test_one_control_equals_a_direct_call(zimage, controlled, kind):
    maps = scene()
    shown = Image.fromarray(depth_image(maps.depth) if kind == "depth" else lineart(maps))
    expected = stock(controlled, control_image=shown, controlnet_conditioning_scale=0.8)
    assert (make(zimage, [Control(kind, 0.8)]) == expected).all()
    assert (expected != make(zimage)).mean() > 0.1


def test_a_control_outside_its_window_is_as_if_it_were_not_there(zimage):
    assert (make(zimage, [Control("depth", 1.0, 0.0, 0.1)]) == make(zimage)).all()
    alone = make(zimage, DEPTH)
    assert (make(zimage, [*DEPTH, Control("lineart", 1.0, 0.9, 0.95)]) == alone).all()
    assert (make(zimage, [*DEPTH, Control("lineart", 1.0)]) != alone).any()


def test_segmentation_is_refused(zimage):
    with pytest.raises(InvalidInput, match=r"no control by segmentation.*depth, lineart"):
        make(zimage, [Control("segmentation")])


def test_from_a_picture_and_under_a_mask_the_control_acts_too(zimage, folder):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    mask = np.zeros((64, 64), bool)
    mask[32:] = True
    pipeline = diffusers.ZImageImg2ImgPipeline.from_pretrained(folder / "tiny-zimage")
    expected = stock(pipeline, image=Image.fromarray(image), strength=0.5)
    assert (make(zimage, image=image, leave=0.5) == expected).all()
    assert (make(zimage, DEPTH, image=image, leave=0.5) != expected).any()
    assert (make(zimage, DEPTH, image=image, mask=mask) != make(zimage, image=image, mask=mask)).any()


def test_the_same_words_everywhere_are_a_plain_run(zimage):
    for controls in ((), DEPTH):
        plain = make(zimage, controls).astype(int)
        assert abs(make(zimage, controls, texts=("a street", "a street")) - plain).max() <= 1


def test_the_order_of_regions_does_not_matter(zimage):
    one = make(zimage, texts=("a red door", "snow")).astype(int)
    maps = scene(texts=("snow", "a red door"))
    swapped = maps.instance_map.copy()
    swapped[maps.instance_map == 1], swapped[maps.instance_map == 2] = 2, 1
    assert abs(make(zimage, maps=replace(maps, instance_map=swapped)) - one).max() <= 1


def test_a_text_moves_its_region_more_than_the_rest(zimage):
    plain = make(zimage, texts=("a street", "a street")).astype(int)
    inside = outside = 0.0
    for text in ("a red door", "burning gold", "snow", "x"):
        moved = abs(make(zimage, texts=("a street", text), strength=1.0) - plain)
        inside += moved[24:, 40:].mean()
        outside += moved[24:, :24].mean()
    assert inside > 1.2 * outside > 0


def test_texts_neither_see_nor_are_seen_by_each_other():
    scores = apart([2, 3])
    assert (scores[:2, 2:] == -torch.inf).all() and (scores[2:, :2] == -torch.inf).all()
    assert (scores[:2, :2] == 0).all() and (scores[2:, 2:] == 0).all()
    shares = torch.zeros(2, 4, 4)
    shares[0, :, :2], shares[1, :, 2:] = 1, 1
    both = joint(4 + 5, [2, 3], shares)
    assert both.exp()[:4, 4:].tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]] * 2
    assert (both[:, :4] == 0).all(), "everything sees the picture"


@pytest.mark.parametrize("size", [(70, 50), (64, 40), (200, 30)])
def test_sizes(zimage, size):
    assert make(zimage, DEPTH, maps=scene(*size, ("a red door", ""))).shape == (size[1], size[0], 3)


def test_a_panorama_is_drawn_open_and_that_is_said(zimage):
    maps = scene(128, 64)
    maps = replace(maps, camera=replace(maps.camera, type="PANO"))
    assert make(zimage, maps=maps).shape == (64, 128, 3)
    request = GenerateRequest(generator="", prompt="x", options=ModelOptions(4))
    assert "cannot close" in zimage.describe(Inputs(request, maps, None, None))["notes"]
