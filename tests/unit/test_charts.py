"""Meshes cut into charts, charts packed, triangles as texels: the parts of a bake that need no Blender."""

from __future__ import annotations

import numpy as np
import pytest

from blender_segaddon.core import charts, texels
from blender_segaddon.protocol.errors import InvalidInput


def box(size: tuple[float, float, float]) -> charts.Surface:
    corners = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * size
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    numbers: dict[frozenset[int], int] = {}
    edges = [
        numbers.setdefault(frozenset((face[k], face[(k + 1) % 4])), len(numbers)) for face in faces for k in range(4)
    ]
    return charts.Surface(corners[np.array(faces).ravel()], np.array(edges), np.full(6, 4))


def test_a_box_has_six_charts_of_its_sides():
    cut = charts.cut(box((1, 2, 3)))
    assert sorted(cut.of_face.tolist()) == list(range(6))
    sides = sorted(tuple(sorted(np.round(size, 6).tolist())) for size in cut.size)
    assert sides == [(1, 2), (1, 2), (1, 3), (1, 3), (2, 3), (2, 3)]
    assert cut.flat.min() >= -1e-9
    assert (cut.flat <= cut.size[np.repeat(cut.of_face, 4)] + 1e-9).all()


def test_a_turned_box_wastes_no_room():
    turn = np.array([[np.cos(0.5), -np.sin(0.5), 0], [np.sin(0.5), np.cos(0.5), 0], [0, 0, 1]])
    plain = box((4, 4, 1))
    cut = charts.cut(charts.Surface(plain.corners @ turn.T + 1000, plain.edges, plain.sizes))
    assert cut.size.prod(axis=1).max() < 4 * 4 * 1.15
    lengths = np.linalg.norm(cut.axes, axis=-1)
    assert np.allclose(lengths, 1)
    assert np.allclose((cut.axes[:, 0] * cut.axes[:, 1]).sum(-1), 0)


def test_a_bent_strip_hangs_together():
    """Ten slightly turned faces in a row are one chart; a hard corner parts them."""
    angle = np.linspace(0, 0.6, 11)
    line = np.stack([np.cumsum(np.cos(angle)), np.zeros(11), np.cumsum(np.sin(angle))], axis=-1)
    over = line + np.array((0, 1, 0))
    faces = np.stack([line[:-1], line[1:], over[1:], over[:-1]], axis=1)
    edges = np.array([[100 + k, k + 1, 200 + k, k] for k in range(10)])
    cut = charts.cut(charts.Surface(faces.reshape(-1, 3), edges.ravel(), np.full(10, 4)))
    assert set(cut.of_face) == {0}


def test_no_faces_are_refused():
    with pytest.raises(InvalidInput):
        charts.cut(charts.Surface(np.zeros((0, 3)), np.zeros(0, int), np.zeros(0, int)))


def test_packed_rectangles_do_not_overlap():
    sizes = np.random.default_rng(1).integers(1, 40, (300, 2))
    places, height = charts.pack(sizes, 200)
    taken = np.zeros((height, 200), int)
    for (left, top), (wide, high) in zip(places, sizes, strict=True):
        taken[top : top + high, left : left + wide] += 1
    assert taken.max() == 1
    assert taken.mean() > 0.75


def test_each_texel_belongs_to_the_triangle_around_its_centre():
    rng = np.random.default_rng(2)
    corners = rng.uniform(0, 50, (1, 3, 2))
    found = texels.rasterise(corners, 50, 50)
    y, x = np.mgrid[0:50, 0:50] + 0.5
    (ax, ay), (bx, by), (cx, cy) = corners[0]
    signs = [
        (bx - ax) * (y - ay) - (by - ay) * (x - ax),
        (cx - bx) * (y - by) - (cy - by) * (x - bx),
        (ax - cx) * (y - cy) - (ay - cy) * (x - cx),
    ]
    inside = np.all([one > 0 for one in signs], axis=0) | np.all([one < 0 for one in signs], axis=0)
    centres = np.stack([found.at % 50 + 0.5, found.at // 50 + 0.5], axis=-1)
    assert (np.flatnonzero(inside) == found.at[(found.place == centres).all(axis=1)]).all()
    assert found.crowded == 0
    places = np.concatenate([corners * 2, np.ones((1, 3, 1))], axis=-1)
    at = texels.positions(found, corners, places)
    assert np.allclose(at, np.concatenate([found.place * 2, np.ones((len(found.at), 1))], axis=-1))


def test_surfaces_thinner_than_a_texel_have_those_that_they_touch():
    corners = np.array([[(2.1, 3.6), (12.8, 3.7), (12.8, 3.8)], [(20.2, 2.5), (20.3, 9.5), (20.35, 9.5)]])
    found = texels.rasterise(corners, 30, 20)
    rows, columns = np.divmod(found.at, 30)
    assert columns[found.triangle == 0].tolist() == list(range(2, 13))
    assert (rows[found.triangle == 0] == 3).all()
    assert rows[found.triangle == 1].tolist() == list(range(2, 10))
    assert np.abs(found.place[:, 0] - columns - 0.5).max() <= 0.5
    low, high = corners.min(axis=1)[found.triangle], corners.max(axis=1)[found.triangle]
    assert ((found.place >= low - 1e-9) & (found.place <= high + 1e-9)).all()


def test_touched_texels_are_those_that_a_fine_look_finds():
    corners = np.random.default_rng(4).uniform(0, 16, (12, 3, 2))
    found = texels.rasterise(corners, 16, 16)
    fine = texels.rasterise(corners * 64, 16 * 64, 16 * 64)
    centred = (fine.place == np.stack([fine.at % 1024 + 0.5, fine.at // 1024 + 0.5], axis=-1)).all(axis=1)
    row, column = np.divmod(fine.at[centred], 16 * 64)
    assert set((row // 64 * 16 + column // 64).tolist()) <= set(found.at.tolist())
    assert len(found.at) <= len(set((row // 64 * 16 + column // 64).tolist())) + 3  # corners that dots miss


def test_overlaps_are_counted():
    one = np.array([[(0, 0), (10, 0), (0, 10)]], float)
    assert texels.rasterise(np.concatenate([one, one]), 10, 10).crowded > 40


def test_margin_takes_what_is_near():
    known = np.zeros((20, 20), bool)
    known[10, 10] = True
    index = texels.with_margin(known, 3)
    assert (index[10, 7:14] == 10 * 20 + 10).all()
    assert index[10, 6] == index[0, 0] == -1


def test_unknown_texels_take_colours_from_near_them_in_space():
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 1, (4000, 3))
    colours = np.stack([places[:, 0], 1 - places[:, 0], np.full(4000, 0.5)], axis=-1).astype(np.float32)
    known = rng.uniform(size=4000) < 0.5
    filled = texels.spread(places, np.where(known[:, None], colours, 0), known)
    assert (filled[known] == colours[known]).all()
    assert np.abs(filled - colours)[~known].mean() < 0.03
    assert (texels.spread(places, colours, np.zeros(4000, bool)) == colours).all()
