"""Masks from Blender: the scene's own objects at once, everything else through the server."""

from __future__ import annotations

import os

import numpy as np
import pytest

from blender_segaddon import api
from blender_segaddon.api.server import connection
from blender_segaddon.flows import generating
from blender_segaddon.flows.picture import Picture, Recipe
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import ServerState

from ..unit.test_protocol_wire import some_maps

needs_server = pytest.mark.skipif(
    "SEGADDON_SERVER_PYTHON" not in os.environ, reason="SEGADDON_SERVER_PYTHON is not set"
)


@pytest.fixture
def disc() -> np.ndarray:
    """uint8 100×140×3: a red disc on green."""
    inside = np.hypot(*np.ogrid[-50:50, -70:70]) < 22
    noise = np.random.default_rng(0).normal(0, 4, (100, 140, 3))
    return np.clip(np.where(inside[..., None], (200, 40, 30), (60, 120, 50)) + noise, 0, 255).astype(np.uint8)


INSIDE = np.hypot(*np.ogrid[-50:50, -70:70]) < 22


def iou(mask: np.ndarray) -> float:
    return (mask & INSIDE).sum() / (mask | INSIDE).sum()


@needs_server
def test_a_click_on_any_picture(disc):
    assert api.segmenters()[-1] == "classical"
    api.prepare_masks(disc, model="classical").result(60)
    found = api.segment(disc, points=[(70, 50)], model="classical")
    assert {one.source for one in found} == {"classical"}
    assert max(iou(one.array) for one in found) > 0.8
    again = api.segment(disc, points=[(70, 50), (80, 50)], refine=found[0])
    assert again[0].source == "classical"
    (boxed,) = api.segment(disc, box=(45, 25, 95, 75), model="classical", several=False)
    assert iou(boxed.array) > 0.9
    part = api.segment(disc, points=[(70, 50)], model="classical", within=boxed)
    assert not any((one.array & ~boxed.array).any() for one in part)


@needs_server
def test_a_picture_is_looked_at_ahead_where_that_is_cheap(disc, monkeypatch):
    api.segmenters()
    presence = generating.sender(connection()).bridge.presence
    monkeypatch.setattr(presence, "segmenters", ("sam", "classical"))
    for device, ahead in (("cpu", False), ("cuda:0", True)):
        monkeypatch.setattr(presence, "state", ServerState("1", 0, 0, 1, device=device))
        job = api.look_ahead(disc)
        assert (job is not None) == ahead
        if job is not None:
            job.result(60)
    monkeypatch.setattr(presence, "segmenters", ("classical",))
    assert api.look_ahead(disc) is None


@needs_server
def test_a_picture_with_maps_goes_to_a_segmenter_only_when_asked(disc):
    maps = some_maps(100, 140)
    picture = Picture(disc, Recipe(maps))
    place = np.argwhere(maps.instance_map == 1)[0][::-1]
    (exact,) = api.segment(picture, points=[place])
    assert (exact.source, exact.ids, exact.score) == ("scene", (1,), 1.0)
    assert api.segment(picture, points=[(70, 50)], model="best")[0].source != "scene"
    with pytest.raises(InvalidInput, match=r"scene cannot be refined"):
        api.segment(picture, points=[(70, 50)], refine=exact)


@needs_server
def test_everything(disc):
    assert max(iou(one.array) for one in api.everything(disc, model="classical")) > 0.7
    maps = some_maps(24, 32)
    things = api.everything(Picture(np.zeros((24, 32, 3), np.uint8), Recipe(maps)))
    assert [len(one.ids) for one in things] == [1] * len(maps.instances)


@needs_server
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "needs to know what is meant"),
        ({"points": [(140, 5)]}, r"outside the picture.*140×100"),
        ({"points": [(float("nan"), 5)]}, "Check the numbers"),
        ({"points": [(5, 5)], "labels": [1, 0]}, "labels that do not fit"),
        ({"points": [(5, 5)], "labels": [0]}, "no positive point"),
        ({"box": (5, 5, 5, 9)}, "empty box"),
        ({"points": [(5, 5)], "model": "sam9"}, "no segmenter 'sam9'"),
        ({"points": [(5, 5)], "model": "scene"}, "not made from a scene"),
        ({"points": [(5, 5)], "within": np.ones((3, 3), bool)}, "boolean with 140×100"),
        ({"objects": ["Cube"]}, "not made from a scene"),
    ],
)
def test_what_cannot_be_asked(disc, asked, said):
    with pytest.raises(InvalidInput, match=said):
        api.segment(disc, **asked)


@needs_server
def test_a_mask_of_another_picture_is_not_gone_on_from(disc):
    found = api.segment(disc, points=[(70, 50)], model="classical")
    with pytest.raises(InvalidInput, match="another picture"):
        api.segment(255 - disc, points=[(70, 50)], refine=found[0])
