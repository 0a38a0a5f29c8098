"""PSNR against values worked out by hand."""

import math

import numpy as np
import pytest

from blender_segaddon.protocol.errors import InvalidInput
from scripts.lib.figures import IDENTICAL, psnr, reported_psnr

BLACK = np.zeros((4, 6, 3), np.uint8)


def test_equal_is_infinite():
    assert psnr(BLACK, BLACK.copy()) == math.inf


def test_off_by_one_everywhere():
    assert psnr(BLACK, BLACK + 1) == pytest.approx(48.1308, abs=1e-4)


def test_black_against_white_is_zero():
    assert psnr(BLACK, BLACK + 255) == 0


def test_only_the_mask_counts():
    other, mask = BLACK.copy(), np.zeros((4, 6), bool)
    other[0, 0], mask[1:] = 200, True
    assert psnr(BLACK, other, mask) == math.inf
    assert psnr(BLACK, other, ~mask) < 30


@pytest.mark.parametrize(
    ("b", "mask"),
    [
        (BLACK[:2], None),
        (BLACK.astype(np.float32), None),
        (BLACK, np.zeros((4, 6), bool)),
        (BLACK, np.ones((6, 4), bool)),
        (BLACK, np.ones((4, 6), np.uint8)),
    ],
)
def test_what_cannot_be_compared(b, mask):
    with pytest.raises(InvalidInput):
        psnr(BLACK, b, mask)


def test_reported_figures_are_numbers_or_nothing():
    black, all_of_it = np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), bool)
    assert reported_psnr(black, black, all_of_it) == IDENTICAL
    assert reported_psnr(black, black + 1, all_of_it) == 48.13
    assert reported_psnr(black, black, ~all_of_it) is None
