"""The training programs: a few steps from nothing, an interruption, and models that the server loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bridge_server.segmentation.sam import Sam
from bridge_server.segmentation.segmenter import Prompt
from scripts.train import data, judge, pictures, sam, scenes, wording
from scripts.train.drawing import vae
from scripts.train.words import known_words, tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Ten samples of each kind."""
    made = tmp_path_factory.mktemp("train")
    for kind in ("scenes", "sam", "judge"):
        data.make(kind, 10, 0, made / "data")
    return made


def test_samples_are_made_once_and_alike(folder):
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "data").iterdir()}
    data.make("scenes", 10, 0, folder / "data")
    assert before == {path.name: path.stat().st_mtime_ns for path in (folder / "data").iterdir()}
    kept = next(data.shards("scenes", folder / "data"))
    again = data.scene(3, (96, 96))
    assert (kept["picture"][3] == again.picture).all() and (kept["classes"][3] == again.maps.class_map).all()


def test_every_known_word_is_one_token_and_others_are_spelt():
    words = tokenizer()
    assert all(len(words.tokenize(word)) == 1 for word in known_words())
    assert len(words.tokenize("zyxw")) > 1
    groups = (wording.TIMES, wording.WEATHER, wording.SEASONS, wording.STYLES)
    telling = [text for group in groups for texts in group.values() for text in texts]
    telling += [*wording.COLOURS, *wording.MATERIALS, *wording.DESCRIBED]
    assert set(" ".join(telling).split()) <= set(known_words())


def test_the_autoencoder_changes_nothing():
    picture = torch.rand(1, 3, 16, 24) * 2 - 1
    latents = vae().encode(picture).latents
    assert latents.shape == (1, 4, 16, 24)
    assert (vae().decode(latents).sample - picture).abs().max() < 1e-4


def test_tiny_scenes_trains_goes_on_and_draws(folder, tmp_path):
    first = scenes.train(folder, 2)
    assert first.step == 2 and (folder / "tiny-scenes.pt").exists()
    run = scenes.train(folder, 4)
    assert run.step == 4 and [one["step"] for one in run.log] == [0, 1, 2, 3]
    assert all(np.isfinite(one["loss"]) for one in run.log)
    scenes.export(run, tmp_path / "tiny-scenes")
    model = pictures.load(tmp_path)
    maps = data.draw(data.HELD_OUT, (80, 48))
    drawn = pictures.draw(model, maps, "night", steps=2)
    assert drawn.shape == (48, 80, 3) and drawn.std() > 1
    weights = sum(file.stat().st_size for file in tmp_path.rglob("*.safetensors"))
    assert weights < 12e6


def test_tiny_sam_trains_goes_on_and_answers(folder, tmp_path):
    sam.train(folder, 1)
    run = sam.train(folder, 2)
    assert [one["step"] for one in run.log] == [0, 1]
    file = tmp_path / "tiny-sam.pth"
    sam.export(run, file)
    assert file.stat().st_size < 5e6
    segmenter = Sam(file, "cpu")
    assert segmenter.native == sam.SIDE
    seen = segmenter.encode(np.zeros((60, 90, 3), np.uint8))
    answer = segmenter.masks(seen, [Prompt(np.array([[30.0, 20.0]]), np.ones(1, np.int64))], True)[0]
    low = sam.SIDE // sam.SAMPLED
    assert answer.masks.shape == (3, 60, 90) and answer.logits.shape == (3, low, low)
    again = Prompt(np.array([[30.0, 20.0]]), np.ones(1, np.int64), None, answer.logits[0])
    assert segmenter.masks(seen, [again], False)[0].masks.shape == (1, 60, 90)


def test_the_judge_trains(folder):
    run = judge.train(folder, 2)
    assert run.step == 2
    seen, heard = judge.load(folder)(torch.rand(1, 3, 64, 64))
    assert seen.shape == (1, judge.CLASSES, 32, 32) and heard.shape[1] > 1
