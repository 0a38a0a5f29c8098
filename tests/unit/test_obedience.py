"""Edge agreement tells a picture of the map from one of something else."""

from __future__ import annotations

import numpy as np
import pytest

from blender_segaddon.core.obedience import edge_agreement


@pytest.fixture
def instances() -> np.ndarray:
    ids = np.zeros((60, 80), np.uint32)
    ids[20:50, 10:40], ids[5:30, 50:70] = 1, 2
    return ids


def test_a_picture_of_the_map_is_near_one(instances):
    colours = np.array([[20, 30, 40], [200, 30, 90], [90, 220, 10]], np.uint8)
    noise = np.random.default_rng(0).integers(0, 12, (60, 80, 3), np.uint8)
    assert edge_agreement(colours[instances] + noise, instances) > 0.99


def test_noise_is_near_a_half(instances):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    assert abs(edge_agreement(noise, instances) - 0.5) < 0.06


def test_a_picture_of_another_map_is_worse(instances):
    colours = np.array([[20, 30, 40], [200, 30, 90], [90, 220, 10]], np.uint8)
    assert edge_agreement(colours[instances[::-1, ::-1]], instances) < 0.65


def test_a_flat_picture_and_a_map_without_borders_say_nothing(instances):
    flat = np.full((60, 80, 3), 128, np.uint8)
    assert edge_agreement(flat, instances) == 0.5
    assert edge_agreement(flat, np.zeros((60, 80), np.uint32)) == 0.5
