"""Sizes that no model draws by itself, and files and numbers that are wrong."""

from __future__ import annotations

import ctypes
import gc
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from blender_segaddon.protocol.errors import Cancelled, InvalidInput
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server import execution
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


@pytest.mark.parametrize("name", ["tiny-sd15", "tiny-sdxl", "tiny-zimage", "tiny-flux2", "tiny-sd15-lcm"])
def test_any_strength_gives_a_picture(models, folder, name):
    """diffusers fails where a strength comes to less than a step."""
    diffusion = Diffusion(models[name], [folder], CPU)
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    for strength, steps, under in ((0.01, 3, None), (0.3, 1, None), (0.01, 3, mask)):
        seen = []
        request = GenerateRequest(generator="", strength=strength, options=ModelOptions(steps, controls=()))
        given = Inputs(request, scene(), image, under)
        diffusion.make(given, 1, lambda step, total, _=None, seen=seen: seen.append((step, total)))
        assert seen == [(1, 1)]
    nothing = replace(given, request=replace(given.request, strength=0.0))
    assert (diffusion.make(nothing, 1, lambda *_: None) == image).all()


def test_a_strip_that_a_model_has_no_positions_for_is_said(models, folder):
    diffusion = Diffusion(models["tiny-zimage"], [folder], CPU)
    with pytest.raises(InvalidInput, match="too long and narrow"):
        make(diffusion, scene(1, 300))


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_memory_that_is_not_there_is_said_and_the_next_picture_is_drawn(models, folder):
    import resource

    diffusion = Diffusion(models["tiny-sd15"], [folder], CPU)
    make(diffusion)  # loads what it needs
    diffusion.model = replace(diffusion.model, native=1536)
    large = scene(1536, 1536)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what earlier tests gave back is free to use, whatever the limit
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + (4 << 20), before[1]))
    try:
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            make(diffusion, large)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert execution.explain(caught.value)["code"] == "gpu_oom"
    diffusion.model = replace(diffusion.model, native=64)
    assert make(diffusion).any()


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


@pytest.mark.parametrize("how", ["empty", "another model's", "of a controlnet"])
def test_other_damages(copied, folder, how):
    model, place = copied
    weights = place / "unet" / "diffusion_pytorch_model.safetensors"
    if how == "empty":
        weights.write_bytes(b"")
    elif how == "another model's":
        shutil.copy(folder / "tiny-sdxl" / "unet" / weights.name, weights)
    else:
        (place / "controlnet-seg" / weights.name).write_bytes(b"\0" * 64)
    with pytest.raises(ModelDamaged, match="cannot be loaded"):
        make(Diffusion(model, [], CPU))


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
