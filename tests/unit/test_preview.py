"""The preview generator on scenes that a small ray caster makes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core import preview
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.core.preview import families

from .preview_scenes import NAMES, empty, room, street


def test_same_seed_same_picture_other_seed_another() -> None:
    maps = street(160, 96)
    first = preview.paint(maps, "", 3)
    assert first.shape == (96, 160, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, preview.paint(maps, "", 3))
    assert np.abs(first.astype(int) - preview.paint(maps, "", 4)).mean() > 3


def test_every_class_has_a_material_and_can_be_painted() -> None:
    assert set(families.MATERIALS) == set(NAMES)
    assert {recipe for recipe, _ in families.MATERIALS.values()} <= {*families.RECIPES, "sky"}
    assert len(set(families.MATERIALS.values())) > 60
    maps = street(48, 32)
    for index in range(len(NAMES)):
        classes = np.where(maps.class_map == NAMES.index("building"), np.uint16(index), maps.class_map)
        picture = preview.paint(replace(maps, class_map=classes), "snow rain", 1)
        assert picture.shape == (32, 48, 3)


def test_classes_look_different() -> None:
    maps = street(96, 64)
    wall = maps.class_map == NAMES.index("building")
    means = []
    for name in ("building", "tree", "water", "road", "snow", "sand"):
        index = NAMES.index(name) if name in NAMES else NO_CLASS
        picture = preview.paint(replace(maps, class_map=np.where(wall, np.uint16(index), maps.class_map)))
        means.append(picture[wall].mean(0))
    gaps = [np.abs(a - b).max() for k, a in enumerate(means) for b in means[:k]]
    assert min(gaps) > 8


def test_words_change_the_picture() -> None:
    maps = street(128, 72)
    sky = maps.class_map == NAMES.index("sky")
    day, night, sunset, snow, fog = (
        preview.paint(maps, word).astype(int) for word in ("", "night", "sunset", "snow", "fog")
    )
    assert night.mean() < 0.6 * day.mean()
    assert night[sky].mean() < 0.3 * day[sky].mean()
    warmth = [(one[..., 0] - one[..., 2]).mean() for one in (day, sunset)]
    assert warmth[1] > warmth[0] + 15
    ground = maps.class_map == NAMES.index("sidewalk")
    assert snow[ground].mean() > day[ground].mean() + 20
    assert fog[~sky].std() < day[~sky].std()


def test_colours_reach_the_thing_they_are_said_of() -> None:
    maps = street(128, 72)
    walls, road = (maps.class_map == NAMES.index(name) for name in ("building", "road"))
    plain, blue = (preview.paint(maps, prompt).astype(int) for prompt in ("", "blue buildings beside a road"))
    assert (blue[walls][:, 2] - blue[walls][:, 0]).mean() > (plain[walls][:, 2] - plain[walls][:, 0]).mean() + 30
    assert np.abs(blue[road] - plain[road]).mean() < 4


def test_understood_knows_words_not_parts_of_words() -> None:
    assert preview.understood("A snowy night, red roofs") == ("night", "snowy", "red roof")
    assert preview.understood("unfinished nightingale, brainstorming, infrared") == ()
    assert preview.understood("no snow, not at night, without fog") == ()
    assert preview.understood("a small red brick wall", repainting=True) == ("red", "brick", "wall")


def test_borders_of_instances_stay_where_they_are() -> None:
    """Two neighbouring ids far from every border keep apart: recolouring one leaves the other's pixels alone."""
    maps = street(128, 72)
    car = maps.class_map == NAMES.index("car")
    near = np.zeros_like(car)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near |= np.roll(car, (dy, dx), (0, 1))
    red, blue = (preview.paint(maps, prompt) for prompt in ("red car", "blue car"))
    changed = (red != blue).any(-1)
    assert changed[car].mean() > 0.5
    assert not changed[~near].any()


def test_a_room_is_lit_as_a_room() -> None:
    day, night = (preview.paint(room(128, 72), word) for word in ("", "night"))
    assert 60 < day.mean() < 220
    assert night.mean() > 40, "lamps are on in a room at night"


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (3, 7), (2, 64)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    for prompt in ("", "rain night ink", "snow watercolour"):
        assert preview.paint(street(*size), prompt).shape == (size[1], size[0], 3)


def test_nothing_but_background_and_nothing_known() -> None:
    sky = preview.paint(empty(64, 36))
    assert sky[:6, :, 2].mean() > sky[:6, :, 0].mean(), "a blue sky"
    maps = street(64, 36)
    unknown = preview.paint(replace(maps, class_map=np.full_like(maps.class_map, NO_CLASS), vocabulary="no such"))
    assert unknown.std() > 3


@pytest.mark.parametrize("kind", ["ORTHO", "PANO"])
def test_other_cameras(kind: str) -> None:
    maps = street(64, 40)
    matrix = np.diag([0.05, 0.08, -0.01, 1.0]) if kind == "ORTHO" else np.eye(4)
    picture = preview.paint(replace(maps, camera=replace(maps.camera, type=kind, projection_matrix=matrix)))
    assert picture.std() > 3


def test_broken_maps_give_a_picture_without_warnings() -> None:
    maps = street(64, 40)
    depth, normal = maps.depth.copy(), maps.normal.copy()
    depth[5:9], depth[9:12], normal[12:20], normal[20:24] = np.nan, -1.0, 0.0, np.nan
    ids = maps.instance_map.copy()
    ids[ids == 3] = 4_000_000_000
    assert preview.paint(replace(maps, depth=depth, normal=normal, instance_map=ids)).std() > 3


def test_steps_are_counted_and_can_cancel() -> None:
    seen: list[tuple[int, int]] = []
    preview.paint(street(64, 40), on_step=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        preview.paint(street(64, 40), on_step=stop)


def test_unit_scale_is_believed_unless_it_is_absurd() -> None:
    from blender_segaddon.core.preview.geometry import scale_of

    maps = street(96, 64)
    solid = np.isfinite(maps.depth)
    assert scale_of(maps, NAMES, solid) == 1.0
    assert scale_of(replace(maps, unit_scale=0.001), NAMES, solid) > 0.3


def test_half_a_megapixel_in_time() -> None:
    maps = street(512, 512)
    preview.paint(street(16, 16))
    start = time.process_time()
    preview.paint(maps)
    assert time.process_time() - start < 2.0
