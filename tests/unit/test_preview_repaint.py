"""Repainting under a mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core import preview
from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput

from .preview_scenes import NAMES, street

MAPS = street(96, 64)
IMAGE = preview.paint(MAPS, "", 1)


def _masks() -> dict[str, np.ndarray]:
    none = np.zeros((64, 96), bool)
    one, corner, stripes = none.copy(), none.copy(), none.copy()
    one[31, 40] = True
    corner[0, 0] = corner[-1, -1] = True
    stripes[:, ::3] = True
    noise = np.random.default_rng(2).random((64, 96)) < 0.3
    return {"none": none, "one pixel": one, "corners": corner, "stripes": stripes, "noise": noise, "all": ~none}


@pytest.mark.parametrize("name", _masks())
@pytest.mark.parametrize("intent", ["replace", "change", "remove", "extend"])
@pytest.mark.parametrize("maps", [MAPS, None], ids=["maps", "no maps"])
def test_outside_the_mask_nothing_changes(name: str, intent: str, maps: SceneMaps | None) -> None:
    mask, before = _masks()[name], IMAGE.copy()
    result = preview.repaint(IMAGE, mask, maps, "a red door", 5, intent)
    assert result.dtype == np.uint8
    assert np.array_equal(result[~mask], IMAGE[~mask])
    assert np.array_equal(IMAGE, before), "the image that was given stays as it was"
    assert result is not IMAGE


@pytest.mark.parametrize(("prompt", "channel"), [("red brick wall", 0), ("a green bush", 1), ("blue water", 2)])
@pytest.mark.parametrize("maps", [MAPS, None], ids=["maps", "no maps"])
def test_the_colour_that_is_named_appears(prompt: str, channel: int, maps: SceneMaps | None) -> None:
    mask = MAPS.class_map == NAMES.index("building")
    result = preview.repaint(IMAGE, mask, maps, prompt, 5)
    mean = result[mask].astype(float).mean(0)
    assert mean.argmax() == channel
    assert result[mask].std() > 4, "a material, not a flat colour"


def test_paint_covers_wood() -> None:
    mask = MAPS.class_map == NAMES.index("building")
    boats = replace(MAPS, class_map=np.where(mask, NAMES.index("boat"), MAPS.class_map).astype(np.uint16))
    red, _, blue = preview.repaint(IMAGE, mask, boats, "turquoise paint", 5)[mask].astype(float).mean(0)
    assert blue > 1.5 * red, "not half-way to the colour of planks"


def test_removing_goes_on_with_what_is_around() -> None:
    mask = MAPS.class_map == NAMES.index("car")
    image = preview.paint(MAPS, "yellow car", 1)
    lower = mask & (np.arange(64)[:, None] > np.nonzero(mask)[0].max() - 6)
    road = MAPS.class_map == NAMES.index("road")
    result = preview.repaint(image, mask, MAPS, "", 1, "remove")
    before, after = (np.abs(one[lower].mean(0) - image[road].mean(0)).max() for one in (image, result))
    assert after < 30 < before


def test_change_keeps_light_and_shade() -> None:
    mask = MAPS.class_map == NAMES.index("building")
    result = preview.repaint(IMAGE, mask, MAPS, "blue", 1, "change")
    old, new = (one[mask].astype(float).mean(1) for one in (IMAGE, result))
    assert np.corrcoef(old, new)[0, 1] > 0.9
    assert (result[mask].astype(int)[:, 2] - result[mask][:, 0]).mean() > 20


def test_strength_goes_from_nothing_to_all() -> None:
    mask = MAPS.class_map == NAMES.index("road")
    full, half, none = (preview.repaint(IMAGE, mask, MAPS, "grass", 1, "replace", s).astype(int) for s in (1, 0.5, 0))
    assert np.array_equal(none, IMAGE)
    assert np.abs(half - (IMAGE.astype(int) + full) / 2).max() <= 1


def test_repeatable_and_can_be_cancelled() -> None:
    mask = _masks()["noise"]
    first, second = (preview.repaint(IMAGE, mask, MAPS, "wooden crate", 7) for _ in range(2))
    assert np.array_equal(first, second)

    def stop(done: int, total: int) -> None:
        raise KeyError("enough")

    for intent in ("replace", "remove"):
        for maps in (MAPS, None):
            with pytest.raises(KeyError, match="enough"):
                preview.repaint(IMAGE, mask, maps, "water", 7, intent, on_step=stop)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": IMAGE.astype(float)}, "image is float64"),
        ({"mask": np.zeros((3, 3), bool)}, "mask is bool"),
        ({"mask": np.zeros((64, 96), np.uint8)}, "mask is uint8"),
        ({"maps": street(8, 8)}, "maps are"),
        ({"intent": "destroy"}, "intent 'destroy'"),
        ({"strength": 1.5}, "Strength 1.5"),
    ],
)
def test_what_does_not_fit_is_said(changes: dict, words: str) -> None:
    arguments = {"image": IMAGE, "mask": np.zeros((64, 96), bool), "maps": MAPS, "prompt": ""}
    with pytest.raises(InvalidInput, match=words):
        preview.repaint(**{**arguments, **changes})
