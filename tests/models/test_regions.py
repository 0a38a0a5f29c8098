"""Prompts of regions: they move their own region, and nothing changes where they say the same."""

from __future__ import annotations

import numpy as np
import pytest

from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation import regions
from bridge_server.generators import Inputs

from .conftest import scene

CONTROLS = (Control("segmentation"),)


def make(diffusion, texts, prompt="a street", size=(64, 64), strength=0.7) -> np.ndarray:
    request = GenerateRequest(generator="", prompt=prompt, options=ModelOptions(4, 5.0, CONTROLS, strength))
    return diffusion.make(Inputs(request, scene(*size, texts), None, None), 3, lambda *_: None).astype(int)


@pytest.fixture(params=["sd15", "sdxl"])
def diffusion(request):
    return request.getfixturevalue(request.param)


def test_the_same_words_everywhere_are_a_plain_run(diffusion):
    plain = make(diffusion, ("", ""))
    assert abs(make(diffusion, ("a street", "a street")) - plain).max() <= 1


def test_a_strength_of_zero_is_a_plain_run(diffusion):
    assert (make(diffusion, ("a red door", ""), strength=0.0) == make(diffusion, ("", ""))).all()


def test_the_order_of_regions_does_not_matter():
    weights = [regions.RegionWeights() for _ in range(2)]
    left, right = np.zeros((16, 16), bool), np.zeros((16, 16), bool)
    left[:, :8], right[:, 8:] = True, True
    for one, masks in zip(weights, ((left, right), (right, left)), strict=True):
        one.set(masks, (8, 8), 3, 0.5)
    import torch

    a, b = (one.bias(64, torch.zeros(1)) for one in weights)
    assert (a[:, 3:6] == b[:, 6:9]).all()
    assert (a[:, 6:9] == b[:, 3:6]).all()
    assert torch.allclose(a.exp().sum(1), torch.full((64,), 3.0))


def test_a_text_moves_its_region_more_than_the_rest(diffusion):
    """Over several texts, since random weights react to some words hardly at all, and over both sides, since they
    carry changes from one side to the other more than back."""
    plain = make(diffusion, ("a street", "a street"))
    moved = np.zeros((2, 2))
    """by the side that has the text, and the side that is looked at"""
    for text in ("a red door", "burning gold", "snow", "x"):
        for side, texts in enumerate(((text, "a street"), ("a street", text))):
            difference = abs(make(diffusion, texts) - plain)[24:]
            moved[side] += difference[:, :24].mean(), difference[:, 40:].mean()
    assert (moved > 0).all()
    assert moved[0, 0] * moved[1, 1] > 1.3 * moved[0, 1] * moved[1, 0], moved


def test_odd_sizes_find_their_levels(diffusion):
    assert make(diffusion, ("a red door", "snow"), size=(70, 50)).shape == (50, 70, 3)


def test_small_regions_join_the_prompt():
    texts = tuple(f"text {number}" for number in range(12))
    maps = scene()
    instance_map = np.zeros((64, 64), np.uint32)
    for number in range(12):
        instance_map[: 12 - number, number] = number + 1
    from dataclasses import replace

    instances = tuple(replace(maps.instances[0], id=number + 1, text=text) for number, text in enumerate(texts))
    own, others = regions.from_maps(replace(maps, instance_map=instance_map, instances=instances))
    assert [one.text for one in own] == list(texts[:8])
    assert others == list(texts[8:])
