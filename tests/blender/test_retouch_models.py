"""Clicks that go beyond the scene: to a real server, and its classical segmenter."""

from __future__ import annotations

import os
import time

import bpy
import numpy as np
import pytest

from blender_segaddon import api
from blender_segaddon.operators import retouch_masks

from .test_api import SIZE, scene  # noqa: F401  # a fixture
from .test_retouch_buttons import centre, image, needs_server, street  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("street")


def disc() -> bpy.types.Image:
    """A red disc on green, from elsewhere."""
    inside = np.hypot(*np.ogrid[-50:50, -70:70]) < 22
    pixels = np.ones((100, 140, 4), np.float32)
    pixels[..., :3] = np.where(inside[..., None], (0.8, 0.15, 0.1), (0.2, 0.5, 0.2))
    pixels[..., :3] += np.random.default_rng(0).normal(0, 0.015, (100, 140, 3))
    made = bpy.data.images.new("Disc", 140, 100)
    made.pixels.foreach_set(pixels.clip(0, 1).ravel())
    made.pack()
    return made


def test_without_a_server_a_click_beyond_the_scene_says_what_to_do(monkeypatch):
    monkeypatch.delenv("SEGADDON_SERVER_PYTHON", raising=False)
    with pytest.raises(RuntimeError, match="preferences"):
        bpy.ops.segaddon.mask_click(image=disc().name, at=(70, 50))


@needs_server
def test_a_click_on_any_image_is_refined_by_further_clicks():
    api.configure(api.Connection(server_command=(os.environ["SEGADDON_SERVER_PYTHON"], "-m", "bridge_server")))
    image = disc()
    assert bpy.ops.segaddon.mask_click(image=image.name, at=(70, 50)) == {"FINISHED"}
    (mask,) = image.segaddon.masks
    assert mask.by_model
    assert retouch_masks.chosen(mask).source == "classical"
    assert retouch_masks.refinable(mask) is not None
    bpy.ops.segaddon.mask_click(image=image.name, at=(80, 52), how="ADD")
    bpy.ops.segaddon.mask_click(image=image.name, at=(5, 5), how="TAKE")
    (mask,) = image.segaddon.masks
    assert [one.positive for one in mask.points] == [True, True, False]
    covered = retouch_masks.together(image, (140, 100))
    inside = np.hypot(*np.ogrid[-50:50, -70:70]) < 22
    assert (covered & inside).sum() / (covered | inside).sum() > 0.8
    bpy.ops.segaddon.mask_accept(image=image.name)
    bpy.ops.segaddon.mask_box(image=image.name, box=(45, 25, 95, 75))
    assert len(image.segaddon.masks) == 2
    retouch_masks.forget()  # as after reopening the file: it looks anew, with all that was clicked
    bpy.ops.segaddon.mask_click(image=image.name, at=(5, 5), how="TAKE")
    assert len(image.segaddon.masks[1].points) == 1
    assert any(image.segaddon.masks[1].box)


@needs_server
def test_the_segmenter_of_the_panel_answers():
    api.configure(api.Connection(server_command=(os.environ["SEGADDON_SERVER_PYTHON"], "-m", "bridge_server")))
    name = disc().name
    bpy.ops.segaddon.set_segmenter(name="none-such")
    with pytest.raises(RuntimeError, match=r"no segmenter 'none-such'.*classical"):
        bpy.ops.segaddon.mask_click(image=name, at=(70, 50))
    bpy.ops.segaddon.set_segmenter(name="classical")
    bpy.ops.segaddon.mask_click(image=name, at=(70, 50))
    bpy.ops.segaddon.mask_click(image=name, at=(80, 52), how="ADD")
    mask = bpy.data.images[name].segaddon.masks[0]
    assert retouch_masks.chosen(mask).source == "classical"
    api.attend_server(True)
    try:
        end = time.monotonic() + 10
        while not api.known_segmenters() and time.monotonic() < end:
            time.sleep(0.05)
        assert "classical" in api.known_segmenters()
    finally:
        api.attend_server(False)


@needs_server
def test_a_model_takes_away_from_a_mask_of_the_scene():
    api.configure(api.Connection(server_command=(os.environ["SEGADDON_SERVER_PYTHON"], "-m", "bridge_server")))
    bpy.ops.segaddon.mask_click(at=centre("House"))
    before = retouch_masks.together(image(), SIZE)
    assert bpy.ops.segaddon.mask_click(at=centre("House"), how="TAKE", source="MODEL") == {"FINISHED"}
    after = retouch_masks.together(image(), SIZE)
    assert (after <= before).all() and after.sum() < before.sum()
