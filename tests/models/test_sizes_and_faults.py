"""Sizes that no model draws by itself, and files and numbers that are wrong."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from blender_segaddon.protocol.errors import Cancelled, InvalidInput
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion, PictureFailed
from bridge_server.generators import Inputs
from bridge_server.models import catalogue
from bridge_server.models.loading import ModelDamaged
from bridge_server.models.places import ModelMissing

from .conftest import CPU, scene


def make(diffusion, maps=None, on_step=lambda *_: None, **options) -> np.ndarray:
    request = GenerateRequest(generator="", prompt="a street", options=ModelOptions(4, **options))
    return diffusion.make(Inputs(request, maps or scene(), None, None), 1, on_step)


@pytest.mark.parametrize("size", [(70, 50), (513, 77), (64, 64), (8, 9), (200, 30)])
@pytest.mark.parametrize("draft", [False, True])
def test_every_size_is_the_size_asked_for(sd15, size, draft):
    assert make(sd15, scene(*size), draft=draft).shape == (size[1], size[0], 3)


def test_steps_count_up_to_all_of_both_passes(sd15):
    seen = []
    make(sd15, scene(200, 120), lambda step, steps, preview: seen.append((step, steps)))
    assert seen == [(step, 5) for step in range(1, 6)]  # 4, and 4 × 0.4 of the second pass


def test_a_cancel_ends_it_at_that_step(sd15):
    seen = []

    def on_step(step, steps, preview):
        seen.append(step)
        if step == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        make(sd15, on_step=on_step)
    assert seen == [1, 2]
    assert make(sd15).any()


def test_what_a_model_has_no_control_for_is_said(sd15):
    with pytest.raises(InvalidInput, match=r"no control by normal.*segmentation, depth"):
        make(sd15, controls=(Control("normal"),))


def test_numbers_that_are_no_picture_are_a_clear_error(models, folder):
    broken = Diffusion(models["tiny-sd15"], [folder], CPU)
    with torch.no_grad():
        broken._pipelines.base.unet.conv_out.bias.fill_(float("nan"))
    with pytest.raises(PictureFailed, match="black picture"):
        make(broken)


@pytest.fixture
def copied(models, folder, tmp_path) -> tuple[catalogue.Model, Path]:
    """A model of its own that a test may damage."""
    shutil.copytree(folder / "tiny-sd15", tmp_path / "model")
    model = models["tiny-sd15"]
    controls = {
        kind: catalogue.Source(path=str(tmp_path / "model" / Path(one.path).name))
        for kind, one in model.controls.items()
    }
    return replace(model, base=catalogue.Source(path=str(tmp_path / "model")), controls=controls), tmp_path / "model"


def test_a_damaged_file(copied):
    model, place = copied
    weights = place / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelDamaged, match=r"cannot be loaded.*models pull"):
        Diffusion(model, [], CPU)


def test_pickles_are_never_loaded(copied):
    model, place = copied
    for path in [*place.rglob("*.safetensors")]:
        torch.save({}, path.with_suffix(".bin"))
        path.unlink()
    with pytest.raises(ModelDamaged, match="pickles"):
        Diffusion(model, [], CPU)


def test_a_model_that_is_not_here(models):
    with pytest.raises(ModelMissing, match=r"models pull sd15-seg"):
        Diffusion(models["sd15-seg"], [], CPU)


def test_a_controlnet_that_is_not_here(copied):
    model, place = copied
    shutil.rmtree(place / "controlnet-depth")
    with pytest.raises(ModelMissing, match="controlnet-depth"):
        make(Diffusion(model, [], CPU))
