"""Masks as texts: what goes in comes out, short, and nothing else is taken."""

from __future__ import annotations

import numpy as np
import pytest

from blender_segaddon.core import mask_codes
from blender_segaddon.protocol.errors import InvalidInput


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 3), (64, 64), (33, 70)])
def test_what_goes_in_comes_out(shape):
    random = np.random.default_rng(shape[1])
    for mask in (random.random(shape) > 0.5, np.zeros(shape, bool), np.ones(shape, bool)):
        text = mask_codes.encode(mask)
        assert (mask_codes.decode(text) == mask).all()
        assert mask_codes.size(text) == shape[::-1]


def test_a_plain_shape_is_short():
    y, x = np.mgrid[:2048, :2048]
    assert len(mask_codes.encode((x - 900) ** 2 + (y - 700) ** 2 < 500**2)) < 12_000


@pytest.mark.parametrize(
    "text",
    ["", "8x8", "8x8:", "0x8:eJwDAAAAAAE=", "-1x8:AA==", "axb:AA==", "8x8:!!", "99999999x99999999:eJwDAAAAAAE="],
)
def test_damaged_texts_are_refused(text):
    with pytest.raises(InvalidInput, match="damaged"):
        mask_codes.decode(text)


def test_a_text_of_another_size_is_refused():
    body = mask_codes.encode(np.ones((8, 8), bool)).partition(":")[2]
    with pytest.raises(InvalidInput, match="damaged"):
        mask_codes.decode(f"80x80:{body}")


@pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.zeros(4, bool), np.zeros((0, 4), bool)])
def test_only_masks_are_encoded(wrong):
    with pytest.raises(InvalidInput, match="boolean"):
        mask_codes.encode(wrong)
