"""Masks from a real server, over its socket, without weights; and what is refused."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.segmenting import PromptMessage, SegmentRequest, SegmentResult, Source

from .support import call, kill, rehearsal, until

HEIGHT, WIDTH = 120, 180


def picture(seed: int = 0) -> np.ndarray:
    """A red disc with a blue core on a green ground, a little noise; uint8 120×180×3."""
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    distance = np.hypot(rows - 60, columns - 100)
    colours = np.where(distance[..., None] < 28, (200, 40, 30), (60, 120, 50))
    colours = np.where(distance[..., None] < 9, (40, 60, 190), colours)
    return np.clip(colours + np.random.default_rng(seed).normal(0, 4, colours.shape), 0, 255).astype(np.uint8)


DISC = np.hypot(*np.ogrid[-60 : HEIGHT - 60, -100 : WIDTH - 100]) < 28
RING = ((90.0, 42.0),)  # on the red


def request(pixels: np.ndarray, writer: BodyWriter | None = None, **fields) -> list:
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return (writer or BodyWriter()).finish(SegmentRequest(digest, *pixels.shape[:2], **fields))


def ask(bridge: Bridge, pixels: np.ndarray, **fields) -> tuple[SegmentResult, list[np.ndarray]]:
    writer = BodyWriter()
    if "region" in fields:
        fields["region"] = writer.add(fields["region"], compress=True)
    data = pixels.tobytes()
    body = read_body(
        bridge.ask("/v1/segment", request(pixels, writer, **fields), data, hashlib.sha256(data).hexdigest())
    )
    result = body.message(SegmentResult)
    bits = body.array(result.bits)[0] if result.bits else np.zeros(0, np.uint8)
    return result, [_unpacked(bits, one, pixels.shape[:2]) for one in result.masks]


def _unpacked(bits: np.ndarray, one, size: tuple[int, ...]) -> np.ndarray:
    x0, y0, x1, y1 = one.box
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = np.unpackbits(bits[one.start :], count=(y1 - y0) * (x1 - x0)).reshape(y1 - y0, x1 - x0)
    return mask


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return (mask & truth).sum() / (mask | truth).sum()


def encodings(home: Path) -> float:
    page = call(home, "GET", "/v1/metrics")[1].decode()
    found = [line for line in page.splitlines() if line.startswith('segaddon_encodings_total{segmenter="classical"}')]
    return float(found[0].split()[1]) if found else 0.0


def test_it_is_listed(shared: Bridge):
    assert shared.info().segmenters == ("classical",)


def test_a_click_gives_the_thing_and_says_that_no_model_made_it(shared: Bridge):
    result, masks = ask(shared, picture(), prompts=(PromptMessage(RING, (1,)),))
    assert (result.segmenter, result.is_model) == ("classical", False)
    assert 1 <= len(masks) <= 3
    assert max(iou(mask, DISC) for mask in masks) > 0.8
    assert all(mask[42, 90] for mask in masks)
    assert [one.score for one in result.masks] == sorted((one.score for one in result.masks), reverse=True)


def test_a_box_gives_what_is_in_it(shared: Bridge):
    _, masks = ask(shared, picture(), prompts=(PromptMessage(box=(70.0, 30.0, 130.0, 90.0)),), several=False)
    assert len(masks) == 1
    assert iou(masks[0], DISC) > 0.9


def test_what_is_not_meant_is_left_out(shared: Bridge):
    clicks = PromptMessage((*RING, (100.0, 60.0)), (1, 0))
    _, masks = ask(shared, picture(), prompts=(clicks,))
    assert not any(mask[60, 100] for mask in masks)


def test_masks_stay_within_the_region(shared: Bridge):
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:60] = True
    _, masks = ask(shared, picture(), prompts=(PromptMessage(RING, (1,)),), region=half)
    assert all(mask.any() and not mask[60:].any() for mask in masks)


def test_it_looks_once_at_a_picture_for_any_number_of_clicks(shared: Bridge, shared_home: Path):
    pixels, before = picture(7), encodings(shared_home)
    assert ask(shared, pixels, wanted="prepare")[0].encodings == 1
    for x in (20.0, 90.0, 160.0):
        assert ask(shared, pixels, prompts=(PromptMessage(((x, 60.0),), (1,)),))[0].encodings == 0
    assert encodings(shared_home) == before + 1


def test_everything_finds_the_disc(shared: Bridge):
    result, masks = ask(shared, picture(), wanted="everything")
    assert len(masks) == len({one.box for one in result.masks})
    assert max(iou(mask, DISC) for mask in masks) > 0.7


def test_it_does_not_wait_for_a_picture_that_is_being_made(shared: Bridge):
    ask(shared, picture(), wanted="prepare")
    job = shared.submit(rehearsal("100 0.05"))
    try:
        until(lambda: job.event and job.event.step > 0)
        began = time.monotonic()
        ask(shared, picture(), prompts=(PromptMessage(RING, (1,)),))
        assert time.monotonic() - began < 4.0
        assert not job.done()
    finally:
        job.cancel()


def test_a_worker_that_dies_is_asked_again(shared: Bridge):
    ask(shared, picture(), wanted="prepare")
    kill(shared.info().worker_pid)
    assert ask(shared, picture(), prompts=(PromptMessage(RING, (1,)),))[1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "nothing that is meant"),
        ({"prompts": (PromptMessage(((180.0, 5.0),), (1,)),)}, r"outside the picture.*180×120"),
        ({"prompts": (PromptMessage(((-1.0, 5.0),), (1,)),)}, "outside the picture"),
        ({"prompts": (PromptMessage(((5.0, 5.0),), (0,)),)}, "no positive point"),
        ({"prompts": (PromptMessage(((5.0, 5.0),), (2,)),)}, "labels"),
        ({"prompts": (PromptMessage(((5.0, 5.0),), ()),)}, "labels that do not fit"),
        ({"prompts": (PromptMessage(box=(50.0, 5.0, 50.0, 9.0)),)}, "empty box"),
        ({"prompts": (PromptMessage(RING, (1,)),), "segmenter": "sam9"}, r"no segmenter 'sam9'.*classical"),
        ({"prompts": (PromptMessage(RING, (1,)),), "region": np.ones((3, 3), bool)}, "region of another size"),
        ({"text": "a car"}, "Grounding DINO"),
        ({"text": "a car", "prompts": (PromptMessage(RING, (1,)),)}, "nothing that is meant"),
        ({"prompts": (PromptMessage(RING, (1,), source=Source("x", "a" * 64, (0, 0, 1, 1))),)}, "another picture"),
    ],
)
def test_what_cannot_be_asked_is_said(shared: Bridge, fields, said):
    with pytest.raises(InvalidInput, match=said):
        ask(shared, picture(), **fields)


def test_a_picture_that_is_not_there_or_of_another_size(shared: Bridge, shared_home: Path):
    headers = {"Content_Type": "application/octet-stream"}
    unknown = b"".join(request(picture(99), wanted="prepare"))
    status, problem, _ = call(shared_home, "POST", "/v1/segment", unknown, **headers)
    assert (status, problem["code"]) == (404, "no_such_blob")
    ask(shared, picture(), wanted="prepare")
    digest = hashlib.sha256(picture().tobytes()).hexdigest()
    other = b"".join(BodyWriter().finish(SegmentRequest(digest, HEIGHT, WIDTH + 1, wanted="prepare")))
    status, problem, _ = call(shared_home, "POST", "/v1/segment", other, **headers)
    assert status == 400
    assert "181×120" in problem["detail"]


def test_plain_pictures_are_no_trouble(shared: Bridge):
    for value in (0, 128, 255):
        plain = np.full((HEIGHT, WIDTH, 3), value, np.uint8)
        ask(shared, plain, prompts=(PromptMessage(RING, (1,)),))
        ask(shared, plain, prompts=(PromptMessage(box=(0.0, 0.0, WIDTH, HEIGHT)),))
    for size in ((1, 1), (1, 50), (3, 2)):
        tiny = np.zeros((*size, 3), np.uint8)
        ask(shared, tiny, prompts=(PromptMessage(((0.5, 0.5),), (1,)),))
