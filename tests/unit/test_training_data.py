"""The places that the small models are trained on: exact, varied, the same each time."""

from __future__ import annotations

import numpy as np

from scripts.train.layouts import draw
from scripts.train.solids import Solid, Thing, capture, look


def test_solids_are_seen_where_geometry_says():
    camera = look((0, -5, 1), (0, 0, 1), 1.0, (65, 65))
    things = [
        Thing("grass", (Solid("box", (0, 0, -1), (50, 50, 1)),)),
        Thing("wall", (Solid("box", (0, 0, 1), (1, 0.5, 1)),)),
        Thing("rock", (Solid("ellipsoid", (1.5, -1, 1), (0.5, 0.5, 0.5)),)),
    ]
    maps = capture(things, camera)
    assert maps.instance_map[32, 32] == 2
    assert abs(maps.depth[32, 32] - 4.5) < 1e-4, "the wall's face is half a metre before its middle"
    assert np.allclose(maps.normal[32, 32], (0, 0, 1), atol=1e-5)
    points = maps.camera.world_points(maps.depth)
    on_ground, on_rock = points[maps.instance_map == 1], points[maps.instance_map == 3]
    assert np.abs(on_ground[:, 2]).max() < 1e-3
    assert np.abs(np.linalg.norm(on_rock - (1.5, -1, 1), axis=1) - 0.5).max() < 1e-3
    assert maps.class_map[0, 0] == 2 and np.isinf(maps.depth[0, 0]), "the sky"


def test_a_cone_narrows_upwards():
    camera = look((0, -9, 1), (0, 0, 1), 1.0, (64, 64))
    maps = capture([Thing("mountain", (Solid("cone", (0, 0, 1), (2, 2, 1)),))], camera)
    widths = (maps.instance_map > 0).sum(axis=1)
    seen = widths[widths > 0]
    assert seen[0] <= 2 and (np.diff(seen[:-1]) >= 0).all() and seen[-2] > 20


def test_what_is_seen_from_inside_is_the_far_side():
    maps = capture([Thing("wall", (Solid("box", (0, 0, 0), (3, 4, 5)),))], look((0, 0, 0), (0, 1, 0), 1.0, (8, 8)))
    assert (maps.instance_map == 1).all() and np.allclose(maps.depth[4, 4], 4, atol=1e-4)


def test_places_are_whole_varied_and_repeatable():
    drawn = [draw(seed, (32, 24)) for seed in range(12)]
    for maps in drawn:
        ids = np.unique(maps.instance_map)
        assert ids.max() == len(maps.instances) and (ids[ids > 0] == np.arange(1, len(maps.instances) + 1)).all()
        assert all(one.pixels == (maps.instance_map == one.id).sum() for one in maps.instances)
        assert (np.isinf(maps.depth) == (maps.instance_map == 0)).all()
        lengths = np.linalg.norm(maps.normal[maps.instance_map > 0], axis=-1)
        assert np.allclose(lengths, 1, atol=1e-3)
    assert len({name for maps in drawn for name in (one.class_name for one in maps.instances)}) >= 15
    assert (draw(3, (32, 24)).class_map == drawn[3].class_map).all()
