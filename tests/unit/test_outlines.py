"""Outlines: which pixels more than one surface shares, and what is seen in their parts."""

import numpy as np

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import NO_CLASS, Instance, SceneMaps
from blender_segaddon.core.outlines import outlines

WIDTH, HEIGHT, K = 8, 6, 5
KEYS = {1: 0.25, 2: 0.75}
EDGE = 3.6
"""pixels from the left; a wall at depth 2 is left of it, a floor-like plane right of it"""


def camera(width: int, height: int) -> Camera:
    projection = np.diag([1.0, width / height, -1.0, 0.0])
    projection[3, 2] = -1.0
    return Camera("PERSP", width, height, 0.1, 100.0, np.eye(4), projection)


def look(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """(ids, depth) at the pixel centres of a picture of this size."""
    x = (np.arange(width) + 0.5) / width * WIDTH
    y = (np.arange(height) + 0.5) / height
    wall = np.broadcast_to(x < EDGE, (height, width))
    depth = np.where(wall, 2.0, (1 / (0.1 + 0.1 * y))[:, None])
    return np.where(wall, 1, 2), depth.astype(np.float32)


def maps() -> SceneMaps:
    ids, depth = look(WIDTH, HEIGHT)
    instances = tuple(
        Instance(n, f"o{n}", (0.0,) * 16, None, NO_CLASS, "none", "", 1, (0, 0, 1, 1), key=(KEYS[n], 0.0, 0.0))
        for n in (1, 2)
    )
    zeros = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    return SceneMaps(
        ids.astype(np.uint32), ids.astype(np.uint16), depth, zeros, instances, camera(WIDTH, HEIGHT), scene="s"
    )


def fine() -> tuple[np.ndarray, np.ndarray]:
    ids, depth = look(WIDTH * K, HEIGHT * K)
    return np.where(ids == 1, KEYS[1], KEYS[2]).astype(np.float32), depth


def test_only_the_column_with_the_edge_is_cut():
    found = outlines(maps(), K, *fine())
    assert found is not None
    assert (found.block > 0).any(axis=0).tolist() == [column == int(EDGE) for column in range(WIDTH)]
    assert sorted(found.block[found.block > 0]) == list(range(1, HEIGHT + 1))
    assert (found.ids == np.array([1, 1, 1, 2, 2])).all()  # their middles are at .1, .3, .5, .7, .9


def test_planes_go_on_within_the_parts():
    found = outlines(maps(), K, *fine())
    slope = 0.1 / (HEIGHT * K)  # nearness falls from top to bottom of the picture the other way round
    floor = found.planes[..., -1, :]
    assert np.allclose(floor[..., 1], 0, atol=1e-6)
    assert np.allclose(floor[..., 2], -slope, rtol=1e-3)
    assert np.allclose(found.planes[..., 0, :], [0.5, 0, 0], atol=1e-6)


def test_a_scene_that_has_changed_since_has_none():
    keys, depth = fine()
    keys[keys == np.float32(KEYS[2])] = 0.5
    assert outlines(maps(), K, keys, depth) is None


def test_background_is_background():
    keys, depth = fine()
    keys[:K, -K:], depth[:K, -K:] = 0.0, np.inf
    one = maps()
    one.instance_map[0, -1], one.depth[0, -1] = 0, np.inf
    found = outlines(one, K, keys, depth)
    assert found is not None
    assert found.block[0, -1] == 0
