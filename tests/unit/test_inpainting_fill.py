"""Filling from the surroundings, and what is behind a hole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.inpainting import classical
from blender_segaddon.core.inpainting.behind import NOWHERE, behind, surfaces
from blender_segaddon.core.inpainting.fill import filled
from blender_segaddon.core.inpainting.smooth import spread
from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput

HEIGHT, WIDTH = 96, 128


def room(sky: bool = False) -> SceneMaps:
    """A floor (1) up to a wall (2) 10 away; or to the sky. The camera stands 2 above the floor and looks level."""
    projection = np.array([[1.5, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, -1.02, -0.2], [0, 0, -1, 0]])
    world = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 2], [0, 0, 0, 1]], float)
    camera = Camera("PERSP", WIDTH, HEIGHT, 0.1, 100.0, world, projection)
    ray = camera.rays()
    floor = np.where(ray[..., 1] < 0, -2 / np.minimum(ray[..., 1], -1e-6), np.inf)
    depth = np.minimum(floor, np.inf if sky else 10.0)
    depth = np.where(depth > 30, np.inf, depth).astype(np.float32)
    ids = np.where(floor <= 10, 1, 2).astype(np.uint32) if not sky else np.where(np.isfinite(depth), 1, 0)
    normal = np.where((ids == 1)[..., None], (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)).astype(np.float32)
    classes = np.array([2, 3, 0], np.uint16)[ids]
    return SceneMaps(ids.astype(np.uint32), classes, depth, normal, (), camera)


def with_box(maps: SceneMaps) -> tuple[SceneMaps, np.ndarray]:
    """The maps with a thing (3) 4 away that hides where floor and wall meet."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[30:80, 50:80] = True
    changed = replace(
        maps,
        instance_map=np.where(mask, np.uint32(3), maps.instance_map),
        depth=np.where(mask, np.float32(4), maps.depth),
        normal=np.where(mask[..., None], np.float32([0, 0, 1]), maps.normal),
    )
    return changed, mask


@pytest.mark.parametrize("sky", [False, True])
def test_floor_and_wall_go_on_behind_a_thing(sky):
    true = room(sky)
    hidden, mask = with_box(true)
    expected, found = surfaces(true).labels, behind(hidden, mask).labels
    for one in np.unique(expected[mask]):
        here = mask & (expected == one)
        beside = found[~mask & (expected == one)]
        assert (found[here] == np.bincount(beside - NOWHERE).argmax() + NOWHERE).mean() > 0.9
    depths = behind(hidden, mask).depth
    close = np.isclose(depths, true.depth, rtol=0.02) | (depths == true.depth)
    assert close[mask].mean() > 0.9


def painted(maps: SceneMaps) -> np.ndarray:
    """Stripes on the floor, a light wall: what belongs to what is plain to see."""
    x = np.arange(WIDTH)[None, :]
    stripes = 0.35 + 0.1 * ((x // 6) % 2)
    floor = np.stack([stripes + 0.1, stripes, stripes - 0.1], -1) * np.ones((HEIGHT, 1, 1))
    return np.where((maps.instance_map == 1)[..., None], floor, 0.8).astype(np.float32)


@pytest.mark.parametrize("after", [False, True])
def test_a_removed_thing_leaves_floor_and_wall(after):
    true = room()
    hidden, mask = with_box(true)
    truth = painted(true)
    image = np.where(mask[..., None], np.float32([0.7, 0.1, 0.1]), truth)
    made = filled(image, mask, true if after else hidden, 1, after=after)
    assert made.dtype == np.float32 and (made[~mask] == image[~mask]).all()
    psnr = -10 * np.log10(((made - truth)[mask] ** 2).mean())
    assert psnr > 22
    blind = filled(image, mask, None, 1)
    assert psnr > -10 * np.log10(((blind - truth)[mask] ** 2).mean())


def test_texture_goes_on_and_a_ramp_too():
    y, x = np.mgrid[:120, :120]
    for truth, least in ((0.5 + 0.2 * ((x // 5 + y // 5) % 2), 16), (x / 240 + y / 480 + 0.2, 40)):
        image = np.repeat(truth[..., None], 3, 2).astype(np.float32)
        mask = np.zeros(image.shape[:2], bool)
        mask[45:75, 45:75] = True
        spoiled = np.where(mask[..., None], np.float32(0), image)
        made = filled(spoiled, mask, None, 2)
        assert -10 * np.log10(((made - image)[mask] ** 2).mean()) > least
        assert (filled(spoiled, mask, None, 2) == made).all()


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_masks_of_one_pixel_and_of_all(kind):
    image = (np.random.default_rng(0).random((9, 12, 3)) * (255 if kind == np.uint8 else 1)).astype(kind)
    for mask in (np.eye(9, 12, dtype=bool), np.ones((9, 12), bool), np.arange(108).reshape(9, 12) == 50):
        made = classical.run(maps=None, image=image, mask=mask, intent="remove")
        assert made.dtype == kind and (made[~mask] == image[~mask]).all() and np.isfinite(made).all()


def test_what_classical_cannot_do_is_said():
    image, mask = np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), bool)
    with pytest.raises(InvalidInput, match="cannot replace"):
        classical.run(maps=None, image=image, mask=mask, intent="replace")
    with pytest.raises(InvalidInput, match="Give a picture and a mask"):
        classical.run(maps=None, image=image, mask=None, intent="remove")


def test_spread_keeps_what_is_known():
    values = np.random.default_rng(0).random((11, 17, 3)).astype(np.float32)
    known = np.random.default_rng(1).random((11, 17)) < 0.3
    made = spread(values, known)
    assert np.allclose(made[known], values[known], atol=1e-6)
    assert made.min() >= values[known].min() - 1e-5 and made.max() <= values[known].max() + 1e-5
    assert (spread(values, np.zeros_like(known)) == 0).all()


def test_a_picture_goes_on_beyond_its_border_as_it_is():
    picture = np.random.default_rng(0).uniform(0, 1, (20, 30, 3)).astype(np.float32)
    wide = np.pad(picture, ((5, 0), (12, 40), (0, 0)))
    mask = np.ones(wide.shape[:2], bool)
    mask[5:, 12:42] = False
    made = filled(wide, mask)
    assert (made[5:, 12:42] == picture).all()
    assert (made[5:, 11::-1] == picture[:, :12]).all() and (made[4::-1, 12:42] == picture[:5]).all()
    assert abs(float(made[mask].std()) - float(picture.std())) < 0.02
