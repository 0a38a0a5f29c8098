"""Textures that give pixels back."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core.texel_fitting import fitted, taps


def looked_up(light: np.ndarray, place: np.ndarray) -> np.ndarray:
    """float64 N×C, written anew: bilinear, centres at .5."""
    result = []
    for x, y in place - 0.5:
        column, row = int(np.floor(x)), int(np.floor(y))
        corner = light[row : row + 2, column : column + 2].astype(float)
        result.append(np.einsum("rxc,r,x->c", corner, (row + 1 - y, y - row), (column + 1 - x, x - column)))
    return np.array(result)


def scattered(count: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """(places at least so many texels apart, in an image of 40×30; what is wanted there)."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[1.2:28:apart, 1.3:38:apart]
    place = np.stack([x.ravel(), y.ravel()], axis=-1)[:count] + rng.uniform(-0.1, 0.1, (min(count, x.size), 2))
    return place, rng.uniform(0.4, 0.7, (len(place), 3)).astype(np.float32)


def test_where_texels_are_plenty_each_place_gets_what_it_wants():
    place, wanted = scattered(400, 2.4)
    light = np.full((30, 40, 3), 0.5, np.float32)
    found = fitted(light.reshape(-1, 3), taps(place, 40, 30), wanted).reshape(light.shape)
    assert np.abs(looked_up(found, place) - wanted).max() < 1 / 255 / 4
    assert (found[29] == 0.5).all(), "no lookup mixes that row"


def test_the_change_is_the_smallest():
    place, wanted = np.array([[10.5, 10.25]]), np.array([[0.9]], np.float32)
    light = np.full((30 * 40, 1), 0.5, np.float32)
    change = (fitted(light, taps(place, 40, 30), wanted) - light).reshape(30, 40)
    weights = np.array([0.25, 0.75])  # rows 9 and 10
    assert np.allclose(change[9:11, 10], 0.4 * weights / np.square(weights).sum(), atol=1e-3)
    assert np.count_nonzero(np.abs(change) > 1e-6) == 2


def test_where_texels_are_scarce_the_error_shrinks():
    place, wanted = scattered(2000, 0.8)
    base = np.full((30 * 40, 3), 0.5, np.float32)
    found = fitted(base, taps(place, 40, 30), wanted)
    before, after = (np.square(looked_up(one.reshape(30, 40, 3), place) - wanted).mean() for one in (base, found))
    assert after < 0.5 * before
    assert found.min() >= 0


def test_nothing_is_wanted_nothing_changes():
    light = np.ones((12, 3), np.float32)
    assert (fitted(light, taps(np.zeros((0, 2)), 4, 3), np.zeros((0, 3), np.float32)) == light).all()
    place = np.array([[1.7, 1.2]])
    assert np.allclose(fitted(light, taps(place, 4, 3), np.ones((1, 3), np.float32)), light)


def test_lookups_at_the_border_stay_inside():
    lookups = taps(np.array([[0.1, 0.2], [3.9, 2.9]]), 4, 3)
    assert lookups.at.min() >= 0
    assert lookups.at.max() < 12
    assert np.allclose(lookups.weight.sum(axis=1), 1)
