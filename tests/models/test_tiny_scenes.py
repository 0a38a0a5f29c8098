"""What tiny-scenes draws means what was asked: it follows the map, the prompt, the regions and the mask.

Places are held out of the training. Every measure is also taken of something that must fail it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.core.preview import paint
from blender_segaddon.protocol.messages import GenerateRequest
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generation.glimpse import glimpse, kind
from bridge_server.generators import Inputs
from bridge_server.models import catalogue
from bridge_server.models.catalogue import SHIPPED
from bridge_server.models.loading import Device
from scripts.train import judge, pictures, wording
from scripts.train.codes import mean_colours
from scripts.train.data import HELD_OUT
from scripts.train.evaluation import asked, obeyed
from scripts.train.layouts import draw

pytestmark = pytest.mark.skipif(not (SHIPPED / pictures.ID).is_dir(), reason="its weights are not in this checkout")

SIZE = (64, 64)
COUNT = 16


@pytest.fixture(scope="module")
def model() -> Diffusion:
    return pictures.load()


@pytest.fixture(scope="module")
def places() -> list[SceneMaps]:
    return [draw(HELD_OUT + number, SIZE, outdoors=True) for number in range(COUNT)]


@pytest.fixture(scope="module")
def by_day(model, places) -> np.ndarray:
    return np.stack([pictures.draw(model, one, "", seed) for seed, one in enumerate(places)])


@pytest.fixture(scope="module")
def drawn(model, places) -> Callable[[str], np.ndarray]:
    """Half of the places drawn by a prompt."""
    return cache(lambda prompt: np.stack([pictures.draw(model, one, prompt, seed)
                                          for seed, one in enumerate(places[: COUNT // 2])]))  # fmt: skip


def test_it_follows_the_map(by_day, places):
    classes = np.stack([one.class_map for one in places])
    painted = np.stack([paint(one, "", 100 + seed) for seed, one in enumerate(places)])
    colours = mean_colours(np.stack([paint(one, "", 900 + seed) for seed, one in enumerate(places)]), classes)
    right = np.mean([obeyed(one, own, colours) for one, own in zip(by_day, classes, strict=True)])
    possible = np.mean([obeyed(one, own, colours) for one, own in zip(painted, classes, strict=True)])
    shuffled = np.mean([obeyed(one, own, colours) for one, own in zip(by_day, np.roll(classes, 1, 0), strict=True)])
    assert right >= 0.9 * possible and right >= 2 * shuffled


def test_night_is_dark_and_sunset_is_warm_and_snow_is_white(drawn, by_day, places):
    by_day, places = by_day[: COUNT // 2], places[: COUNT // 2]
    night, sunset, snow = map(drawn, ("night", "sunset", "snow"))
    darker = night.mean((1, 2, 3)) < 0.6 * by_day.mean((1, 2, 3))
    warmth = [(one[..., 0].astype(float) - one[..., 2]).mean((1, 2)) for one in (sunset, by_day)]
    assert darker.mean() >= 0.9
    assert (warmth[0] > warmth[1] + 10).mean() >= 0.9
    on_ground = np.stack([(one.normal[..., 1] > 0.5) & (one.depth < 50) for one in places])
    spread = [np.ptp(one.astype(float), axis=-1)[on_ground].mean() for one in (snow, by_day)]
    assert snow[on_ground].mean() > by_day[on_ground].mean() and spread[0] < 0.8 * spread[1]


def test_a_judge_that_knows_only_painted_pictures_sees_the_map_and_hears_the_words(drawn, by_day, places):
    known = judge.load(Path(__file__).with_name("data"))
    seen, _ = asked(known, list(by_day))
    classes = judge.halved(np.stack([one.class_map for one in places]))
    named = seen.argmax(1).numpy()
    assert (named == classes).mean() > 2 * (named == np.roll(classes, 1, 0)).mean()
    for word in ("night", "sunset", "dawn", "snow", "storm", "ink"):
        _, heard = asked(known, list(drawn(word)))
        told = heard.argmax(1).numpy() == wording.JUDGED.index(word)
        assert told.mean() >= 0.75, word


def test_words_that_say_nothing_change_little(drawn, by_day):
    told, night = (drawn(prompt).astype(float) for prompt in ("photograph, detailed", "night"))
    by_day = by_day[: COUNT // 2]
    assert np.abs(told - by_day).mean() < 0.5 * np.abs(night - by_day).mean()


def test_a_region_follows_its_own_prompt(model, places):
    inside, outside = [], []
    for seed, maps in enumerate(places[:8]):
        thing = max((one for one in maps.instances if one.class_name in ("building", "house", "car", "skyscraper")),
                    key=lambda one: one.pixels, default=None)  # fmt: skip
        if thing is None or thing.pixels < 80:
            continue
        where = maps.instance_map == thing.id
        drawn = []
        for colour in ("red", "blue"):
            texts = tuple(replace(one, text=f"{colour} {one.class_name}") if one.id == thing.id else one
                          for one in maps.instances)  # fmt: skip
            picture = pictures.draw(model, replace(maps, instances=texts), "", seed).astype(float)
            drawn.append(picture[..., 0] - picture[..., 2])
        inside.append((drawn[0] - drawn[1])[where].mean())
        outside.append(np.abs(drawn[0] - drawn[1])[~where].mean())
    assert len(inside) >= 3 and np.mean(inside) > 20 and np.mean(outside) < 0.5 * np.mean(inside)


def test_inpainting_follows_the_class_and_leaves_the_rest(model, places):
    maps = places[0]
    given = np.full((*SIZE[::-1], 3), (255, 0, 255), np.uint8)
    mask = np.zeros(SIZE[::-1], bool)
    mask[:, 20:44] = True
    request = GenerateRequest(pictures.ID, seed=3)
    made = model.make(Inputs(request, maps, given, mask), 3, lambda *_, **__: None)
    assert (made[~mask] == given[~mask]).all()
    wanted = pictures.draw(model, maps, "", 3).astype(float)
    assert np.abs(made[mask] - wanted[mask]).mean() < 0.5 * np.abs(given[mask] - wanted[mask]).mean()


def test_a_picture_from_a_picture_keeps_it(model, places):
    start = paint(places[1], "sunset", 1)
    request = GenerateRequest(pictures.ID, prompt="sunset", seed=3, strength=0.4)
    made = model.make(Inputs(request, places[1], start, None), 3, lambda *_, **__: None)
    other = pictures.draw(model, places[1], "sunset", 3)
    assert np.abs(made.astype(float) - start).mean() < np.abs(other.astype(float) - start).mean()


def test_the_record_says_how_it_was_enlarged(model):
    maps = draw(HELD_OUT, (512, 288))
    told = model.describe(Inputs(GenerateRequest(pictures.ID), maps, None, None))
    assert "512×288" in told["notice"] and "exact maps" in told["notice"]


def test_a_glimpse_has_the_colours_of_the_picture(model, by_day):
    coder = model._pipelines.base.vae
    picture = torch.from_numpy(by_day[0].astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.inference_mode():
        latents = coder.encode(picture).latents * coder.config.scaling_factor
    seen = glimpse(latents, kind(model.model.family, model._pipelines.base.vae_scale_factor))
    assert seen is not None and np.abs(seen.astype(int) - by_day[0]).max() <= 2


def test_pictures_that_are_brought_to_size_follow_the_map_and_their_seed(model):
    places = [draw(HELD_OUT + number, (256, 144), outdoors=True) for number in range(6)]
    classes = np.stack([one.class_map for one in places])
    shown = [pictures.draw(model, one, "", seed) for seed, one in enumerate(places)]
    assert (shown[0] == pictures.draw(model, places[0], "", 0)).all()
    painted = [paint(one, "", seed) for seed, one in enumerate(places)]
    colours = mean_colours(np.stack([paint(one, "", 900 + seed) for seed, one in enumerate(places)]), classes)
    right, possible, shuffled = (
        np.mean([obeyed(one, own, colours) for one, own in zip(made, wanted, strict=True)])
        for made, wanted in ((shown, classes), (painted, classes), (shown, np.roll(classes, 1, 0)))
    )
    assert right >= 0.85 * possible and right >= 2 * shuffled


def test_what_inpainting_keeps_of_a_large_picture_stays(model):
    maps = draw(HELD_OUT + 2, (256, 144), outdoors=True)
    given = pictures.draw(model, maps, "", 1)
    mask = np.zeros(maps.class_map.shape, bool)
    mask[40:110, 60:160] = True
    made = model.make(Inputs(GenerateRequest(pictures.ID, seed=2), maps, given, mask), 2, lambda *_, **__: None)
    assert (made[~mask] == given[~mask]).all() and (made[mask] != given[mask]).any()
    assert np.abs(made[mask].mean(0) - given[mask].mean(0)).max() < 40


def test_it_draws_in_half_precision_too():
    half = Diffusion(catalogue.load([])[pictures.ID], [], Device("cpu", half=True))
    shown = pictures.draw(half, draw(HELD_OUT, (256, 144)), "", 1, steps=2)
    assert shown.shape == (144, 256, 3) and shown.std() > 5
