"""Pictures of cameras that see all the way round: they close, and turning the scene turns them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation.control import control_image
from bridge_server.generators import Inputs

from .conftest import scene

TURN = 32
"""pixels: whole cells of the coarsest level"""
CONTROLS = (Control("segmentation"),)


def panorama(width: int = 128, turned: int = 0) -> SceneMaps:
    maps = scene(width, 64)
    names = ("instance_map", "class_map", "depth", "normal")
    arrays = {name: np.roll(getattr(maps, name), turned, axis=1) for name in names}
    return replace(maps, camera=replace(maps.camera, type="PANO"), **arrays)


@pytest.fixture(params=["sd15", "sdxl"])
def diffusion(request):
    one = request.getfixturevalue(request.param)
    one._weights.clear()  # of another test
    yield one
    one._circle.closed = False


def drawn(diffusion, turned: int) -> np.ndarray:
    """float 64×128×3 out of noise and map that are turned."""
    maps, parts = panorama(turned=turned), diffusion._pipelines
    pipeline, told = parts.for_run(CONTROLS, "text")
    if parts.union:
        parts.union.start(CONTROLS, 3)
    control = [Image.fromarray(control_image("segmentation", maps, diffusion.model.palette))]
    told["control_image" if parts.union else "image"] = control
    noise = torch.randn(1, 4, 8, 16, generator=torch.Generator().manual_seed(0))
    told |= {"latents": torch.roll(noise, turned // 8, 3), "width": 128, "height": 64, "num_inference_steps": 3}
    return pipeline("x", **told, output_type="np").images[0]


def encoded(diffusion, turned: int) -> np.ndarray:
    """What the autoencoder makes of a turned picture: 8×16×4."""
    picture = torch.randn(1, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latents = diffusion._pipelines.base.vae.encode(torch.roll(picture, turned, 3)).latent_dist.mean
    return latents[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("run", "scale"), [(drawn, 1), (encoded, 8)])
def test_turning_what_goes_in_turns_what_comes_out(diffusion, run, scale):
    def error() -> float:
        still, turned = run(diffusion, 0), run(diffusion, TURN)
        return abs(np.roll(still, TURN // scale, axis=1) - turned).max() / abs(still).max()

    diffusion._circle.closed = True
    assert error() < 2e-4
    diffusion._circle.closed = False
    assert error() > 2e-3  # else this test could not fail


def make(diffusion, maps) -> np.ndarray:
    request = GenerateRequest(generator="", prompt="a street", options=ModelOptions(3))
    return diffusion.make(Inputs(request, maps, None, None), 1, lambda *_: None)


@pytest.mark.parametrize("width", [128, 200])
def test_a_panorama_has_its_size(sd15, width):
    assert make(sd15, panorama(width)).shape == (64, width, 3)


def test_after_a_panorama_other_pictures_are_as_before(sd15):
    before = make(sd15, scene())
    make(sd15, panorama())
    assert (make(sd15, scene()) == before).all()
