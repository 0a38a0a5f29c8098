"""Noise in which each thing is one: fine within it, and even over it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from blender_segaddon.core.maps import SceneMaps
from bridge_server.generation.noise import even_noise
from scripts.train.layouts import draw

_ARRAYS = ("instance_map", "class_map", "depth", "normal")


@pytest.fixture(scope="module")
def maps() -> SceneMaps:
    return draw(1_000_003, (96, 64))


def _noise(maps: SceneMaps, seed: int) -> torch.Tensor:
    return even_noise(maps, 4, torch.Generator().manual_seed(seed))


def test_it_is_noise_of_unit_deviation_and_the_same_for_the_same_seed(maps):
    noise = _noise(maps, 1)
    assert noise.shape == (1, 4, 64, 96) and noise.dtype == torch.float32
    assert abs(noise.std() - 1) < 0.03 and abs(noise.mean()) < 0.1
    assert torch.equal(noise, _noise(maps, 1)) and not torch.equal(noise, _noise(maps, 2))


def test_parts_of_a_thing_differ_less_than_in_plain_noise(maps):
    blocks = {}
    plain = torch.randn((1, 4, 64, 96), generator=torch.Generator().manual_seed(1))
    for name, noise in (("even", _noise(maps, 1)), ("plain", plain)):
        found = []
        for one in np.unique(maps.instance_map):
            for y in range(0, 64, 8):
                means = [noise[0, 0, y : y + 8, x : x + 8].mean() for x in range(0, 96, 8)
                         if (maps.instance_map[y : y + 8, x : x + 8] == one).all()]  # fmt: skip
                found += [float(a - b) for a, b in zip(means[1:], means[:-1], strict=True)]
        blocks[name] = np.std(found)
    assert blocks["even"] < 0.6 * blocks["plain"]


def test_ground_in_pieces_is_one_ground(maps):
    up = maps.normal @ maps.camera.matrix_world[2, :3]
    pieces = maps.instance_map.copy()
    ground = (up > 0.9) & (maps.class_map == np.bincount(maps.class_map[up > 0.9]).argmax())
    pieces[ground & (np.arange(96) % 16 < 8)[None]] = len(maps.instances) + 1
    in_pieces = SceneMaps(**{**maps.__dict__, "instance_map": pieces})
    assert torch.equal(_noise(maps, 1)[0, :, ground], _noise(in_pieces, 1)[0, :, ground])


def test_a_row_of_pixels_is_noise_too(maps):
    row = SceneMaps(**{**maps.__dict__, **{name: getattr(maps, name)[30:31] for name in _ARRAYS}})
    assert torch.isfinite(_noise(row, 1)).all() and _noise(row, 1).std() > 0.5
