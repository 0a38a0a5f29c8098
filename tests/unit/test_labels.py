"""Places for names."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core.labels import Label, declutter, find_spots


def test_a_name_stands_on_its_thing_even_where_its_middle_is_not():
    ids = np.zeros((40, 60), np.uint32)
    ids[5:35, 5:35] = 7
    ids[9:31, 9:31] = 3  # a ring, thickest nowhere in its middle
    ids[10, 50:58] = 9
    spots = {one.id: one for one in find_spots(ids)}
    assert spots.keys() == {3, 7, 9}
    for number, one in spots.items():
        assert ids[one.row, one.column] == number
        assert one.pixels == (ids == number).sum()
    assert abs(spots[3].row - 19.5) <= 1
    assert abs(spots[3].column - 19.5) <= 1
    assert 52 <= spots[9].column <= 55


def test_the_thickest_part_wins():
    ids = np.zeros((30, 90), np.uint32)
    ids[14:16, 0:70] = 1  # a long handle
    ids[5:25, 65:85] = 1
    (spot,) = find_spots(ids)
    assert 70 <= spot.column <= 80


def test_the_largest_first_and_nothing_of_nothing():
    ids = np.zeros((10, 10), np.uint32)
    assert find_spots(ids) == []
    ids[:3], ids[3:9] = 5, 2
    assert [(one.id, one.pixels) for one in find_spots(ids)] == [(2, 60), (5, 30)]


def label(text, x, y):
    return Label(text, x, y, 40, 10)


def test_names_do_not_cover_each_other_nor_repeat_themselves():
    labels = [label("Road", 0, 0), label("Car", 30, 5), label("Car", 60, 0), label("Road", 100, 0), label("Car", 0, 30)]
    assert declutter(labels, gap=2, apart=0) == [0, 2, 4]
    assert declutter(labels[:1] + labels[3:], gap=2, apart=150) == [0, 2]
    assert declutter([label("A", 0, 0), label("B", 0, 11)], gap=0.5, apart=0) == [0, 1]
    assert declutter([label("A", 0, 0), label("B", 0, 11)], gap=2, apart=0) == [0]
