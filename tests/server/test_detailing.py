"""A small picture at the size of its maps: colours stay within their instance, grain comes from the painter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.core.preview import paint
from bridge_server.generation.detailing import detailed
from bridge_server.generation.sizes import Pass, fit_map
from scripts.train.layouts import draw

SMALL, LARGE = (64, 36), (256, 144)


@pytest.fixture(scope="module")
def maps() -> SceneMaps:
    return draw(1_000_003, LARGE)


def _small(maps: SceneMaps) -> tuple[np.ndarray, np.ndarray]:
    """(a small picture in which each instance has one colour, those colours)."""
    colours = np.random.default_rng(0).integers(60, 200, (len(maps.instances) + 1, 3)).astype(np.uint8)
    return colours[fit_map(maps.instance_map, Pass(SMALL, SMALL))], colours


def test_each_instance_keeps_its_own_colour_up_to_its_border(maps):
    small, colours = _small(maps)
    large = detailed(small, maps, "", 1)
    assert large.shape == (*LARGE[::-1], 3) and large.dtype == np.uint8
    seen = np.unique(fit_map(maps.instance_map, Pass(SMALL, SMALL)))
    known = np.isin(maps.instance_map, seen)
    wanted = colours[maps.instance_map].astype(float)
    # Grain brightens and darkens, and leaves the mean of a surface where it was.
    for one in seen:
        where = maps.instance_map == one
        if where.sum() > 400:
            assert np.abs(large[where].mean(0) - wanted[where].mean(0)).max() < 25
    border = np.zeros_like(known)
    border[:, 1:] = maps.instance_map[:, 1:] != maps.instance_map[:, :-1]
    border &= known
    nearest = np.abs(large[border][:, None].astype(float) - colours[seen][None]).sum(2).argmin(1)
    blurred = np.abs(wanted[border] - large[border]).sum(1) > 150
    assert blurred.mean() < 0.1 and (seen[nearest] == maps.instance_map[border]).mean() > 0.5


def test_grain_is_finer_than_the_small_picture(maps):
    small, _ = _small(maps)
    large = detailed(small, maps, "", 1).astype(float)
    flat = small[np.arange(LARGE[1]) * SMALL[1] // LARGE[1]][:, np.arange(LARGE[0]) * SMALL[0] // LARGE[0]].astype(
        float
    )
    within = maps.instance_map[:, 1:] == maps.instance_map[:, :-1]
    assert np.abs(np.diff(large, axis=1))[within].mean() > 1.5 * np.abs(np.diff(flat, axis=1))[within].mean()


def test_the_sides_of_a_thing_are_lit_as_the_painter_lights_them(maps):
    small, _ = _small(maps)
    lit, flat = (detailed(small, maps, "", 1, light=share) for share in (1.0, 0.0))
    painted = paint(maps, "", 1)
    up = maps.normal @ maps.camera.matrix_world[2, :3]
    checked = 0
    for one in np.unique(fit_map(maps.instance_map, Pass(SMALL, SMALL))):
        thing = maps.instance_map == one
        top, side = thing & (up > 0.9), thing & (np.abs(up) < 0.1) & (maps.depth < np.inf)
        if min(top.sum(), side.sum()) > 100:
            contrast = [np.log(picture[top].mean() / picture[side].mean()) for picture in (painted, lit, flat)]
            checked += 1
            assert abs(contrast[1] - contrast[0]) < 0.6 * abs(contrast[2] - contrast[0])
            assert abs(lit[thing].mean() - flat[thing].mean()) < 12
    assert checked


def test_a_thing_that_the_small_picture_missed_is_drawn_too(maps):
    instance_map = maps.instance_map.copy()
    new = len(maps.instances) + 1
    instance_map[:, 101] = new  # one pixel wide, between the centres of the small pixels
    thin = replace(maps, instance_map=instance_map, instances=(*maps.instances, replace(maps.instances[0], id=new)))
    large = detailed(_small(maps)[0], thin, "", 1)
    beside = np.concatenate([large[:, 96:100], large[:, 103:107]], axis=1).astype(float)
    assert np.abs(large[:, 101] - beside.mean(axis=1)).mean() < 45  # neither white nor black


def test_a_picture_that_is_large_enough_stays(maps):
    picture = np.zeros((*LARGE[::-1], 3), np.uint8)
    assert detailed(picture, maps, "", 1) is picture
