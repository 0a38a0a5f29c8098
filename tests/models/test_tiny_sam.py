"""The masks of tiny-sam fit, on places that it has not seen; those of a click that means something else do not."""

from __future__ import annotations

import numpy as np
import pytest

from blender_segaddon.core.masks import bbox
from bridge_server import segmenters
from bridge_server.models.catalogue import SHIPPED
from bridge_server.segmentation.sam import Sam
from bridge_server.segmentation.segmenter import Prompt
from scripts.train.data import HELD_OUT
from scripts.train.evaluation import overlap
from scripts.train.layouts import draw
from scripts.train.sam_samples import inside
from scripts.train.shading import shade

FILE = SHIPPED / "sams/tiny-sam.pth"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="its weights are not in this checkout")

CASES = 24


@pytest.fixture(scope="module")
def found() -> dict[str, list[float]]:
    """IoU of one thing on each picture: by click (best of three), by box, and against another thing's mask."""
    segmenter, result = Sam(FILE, "cpu"), {"click": [], "box": [], "another": []}
    for number in range(CASES):
        random = np.random.default_rng(number)
        maps = draw(HELD_OUT + number, (256, 192))
        large = [one for one in maps.instances if one.pixels > 300]
        if len(large) < 2:
            continue
        thing, other = (maps.instance_map == one.id for one in random.choice(np.array(large, object), 2, replace=False))
        seen = segmenter.encode(shade(maps, random))
        click = Prompt(inside(thing, random)[None].astype(float), np.ones(1, np.int64))
        masks = segmenter.masks(seen, [click], True)[0].masks
        result["click"].append(max(overlap(one, thing) for one in masks))
        result["another"].append(max(overlap(one, other) for one in masks))
        box = Prompt(np.zeros((0, 2)), np.zeros(0, np.int64), np.array(bbox(thing), float))
        result["box"].append(overlap(segmenter.masks(seen, [box], False)[0].masks[0], thing))
    return result


def test_a_click_finds_its_thing(found):
    assert np.mean(found["click"]) >= 0.7 and np.mean(found["another"]) < 0.3


def test_a_box_finds_its_thing(found):
    assert np.mean(found["box"]) >= 0.8


def test_it_comes_after_every_other_model_and_before_none(folder):
    assert segmenters.choose([], "").name == "tiny-sam"
    assert segmenters.choose([folder], "").name == "tiny-sam2"
