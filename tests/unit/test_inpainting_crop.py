"""Crop, draw, stitch: what is outside stays, and a model that returns its input leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.inpainting import crop as cropping
from blender_segaddon.core.resampling import nearest, resized
from blender_segaddon.protocol.errors import InvalidInput


def random_mask(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A disc, a box, strokes, dust or a half plane, anywhere, also at and over the border."""
    y, x = np.mgrid[:height, :width]
    cx, cy = rng.integers(-5, width + 5), rng.integers(-5, height + 5)
    reach = int(rng.integers(1, max(2, min(height, width) // 2)))
    mask = {
        0: (x - cx) ** 2 + (y - cy) ** 2 <= reach**2,
        1: (abs(x - cx) <= reach) & (abs(y - cy) <= reach // 3),
        2: abs((x - cx) - (y - cy)) < 3,
        3: rng.random((height, width)) < 0.001,
        4: x + 0.3 * y > cx,
    }[int(rng.integers(5))]
    if not mask.any():
        mask[int(np.clip(cy, 0, height - 1)), int(np.clip(cx, 0, width - 1))] = True
    return mask


def pictures(rng: np.random.Generator, height: int, width: int, kind: int) -> np.ndarray:
    """Soft shapes and grain: bytes, or floats that go beyond 1."""
    y, x = np.mgrid[:height, :width]
    soft = 0.5 + 0.4 * np.sin(x[..., None] / (7 + np.arange(3))) * np.cos(y[..., None] / 11)
    grainy = np.clip(soft + rng.normal(0, 0.1, soft.shape), 0, 1)
    return (grainy * 255).astype(np.uint8) if kind == 0 else (grainy * (1 if kind == 1 else 2)).astype(np.float32)


@pytest.mark.parametrize("batch", range(10))
def test_two_hundred_masks(batch):
    rng = np.random.default_rng(batch)
    for number in range(20):
        height, width = (int(one) for one in rng.integers(1, 300, 2))
        mask = random_mask(rng, height, width)
        picture = pictures(rng, height, width, number % 3)
        native, cell = [(64, 8), (128, 64)][number % 2]
        softness, strength = float(rng.choice([0, 0, 5, 12])), float(rng.uniform(0.1, 1))
        crop = cropping.plan(mask, native=native, cell=cell, strength=strength, softness=softness)
        x0, y0, x1, y1 = crop.box
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        assert crop.drawn[0] % cell == 0 and crop.drawn[1] % cell == 0
        ys, xs = np.nonzero(mask)
        assert y0 <= ys.min() and ys.max() < y1 and x0 <= xs.min() and xs.max() < x1
        alpha = np.zeros(mask.shape, np.float32)
        alpha[crop.window] = crop.alpha
        assert (alpha[mask] == 1).all() and (softness > 0 or (alpha[~mask] == 0).all())
        returned = cropping.stitch(picture, crop, cropping.cut(crop, picture))
        assert returned.dtype == picture.dtype
        assert (returned[alpha == 0] == picture[alpha == 0]).all()
        rim = (alpha > 0) & cropping.dilate(alpha < 1, 1) if (alpha < 1).any() else np.zeros_like(mask)
        scale = 255 if picture.dtype == np.uint8 else 1
        shown = np.abs(np.clip(returned / scale, 0, 1) - np.clip(picture / scale, 0, 1))
        assert not rim.any() or shown[rim].max() <= 1 / 255 + 1e-6
        noise = rng.random((crop.drawn[1], crop.drawn[0], 3), np.float32)
        changed = cropping.stitch(picture, crop, noise)
        assert (changed[alpha == 0] == picture[alpha == 0]).all()


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (256, 256), (700, 500)])
def test_one_pixel_and_all_of_it(size):
    for mask in (np.ones(size[::-1], bool), np.eye(1, size[0] * size[1], dtype=bool).reshape(size[::-1])):
        picture = np.random.default_rng(0).integers(0, 256, (*mask.shape, 3), np.uint8)
        crop = cropping.plan(mask, native=64)
        drawn = np.full((crop.drawn[1], crop.drawn[0], 3), 0.5, np.float32)
        result = cropping.stitch(picture, crop, drawn)
        assert (result[~mask] == picture[~mask]).all()
        assert crop.denoise[crop.mask].min() > 0.5


def test_a_drift_of_the_colours_is_taken_out():
    picture = np.full((300, 300, 3), 100, np.uint8)
    mask = np.zeros((300, 300), bool)
    mask[140:160, 140:160] = True
    crop = cropping.plan(mask, native=256)
    result = cropping.stitch(picture, crop, cropping.cut(crop, picture) + np.float32(0.05))
    assert np.abs(result.astype(int) - 100).max() <= 1


def test_bad_input():
    with pytest.raises(InvalidInput, match="empty"):
        cropping.plan(np.zeros((9, 9), bool), native=64)
    with pytest.raises(InvalidInput, match="Softness"):
        cropping.plan(np.ones((9, 9), bool), native=64, softness=-1)


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO", "PANO"])
def test_the_camera_of_a_crop_sees_the_same_points(kind):
    projection = np.array([[1.5, 0, 0.1, 0], [0, 2.0, 0, 0], [0, 0, -1.02, -0.2], [0, 0, -1, 0]])
    if kind == "ORTHO":
        projection = np.diag([0.5, 0.7, -0.1, 1.0])
    camera = Camera(kind, 640, 480, 0.1, 100, np.eye(4), projection)
    mask = np.zeros((480, 640), bool)
    mask[300:340, 400:450] = True
    crop = cropping.plan(mask, native=512)
    small = cropping._camera(camera, crop)
    rows, columns = np.array([310, 330]), np.array([405, 440])
    points = camera.points_of(rows, columns, np.array([5.0, 9.0]))
    pixels, _ = small.project(points)
    x0, y0, x1, y1 = crop.box
    expected = np.stack(
        [(columns + 0.5 - x0) / (x1 - x0) * crop.drawn[0], (rows + 0.5 - y0) / (y1 - y0) * crop.drawn[1]], -1
    )
    assert np.allclose(pixels, expected)


def test_resampling_keeps_what_is_flat_and_where_things_are():
    flat = np.full((13, 17, 3), 0.3, np.float32)
    assert np.allclose(resized(flat, (40, 7)), 0.3, atol=1e-6)
    ramp = np.broadcast_to(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], (8, 64, 1))
    there_and_back = resized(resized(ramp, (128, 16)), (64, 8))
    assert np.abs(there_and_back - ramp)[:, 4:-4].max() < 1e-3
    ids = np.arange(12).reshape(3, 4)
    assert (nearest(ids, (8, 6))[::2, ::2] == ids).all()
