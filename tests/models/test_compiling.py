"""Compiled blocks draw the same picture, other words cost no compiling, and the wait is told beforehand.

Here they are traced and not translated, which would take a minute: ``scripts.bench_generate --compile`` does both.
"""

from __future__ import annotations

import pytest
import torch

from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation.compiling import compile_blocks
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs

from .conftest import CPU, scene


def make(diffusion, texts, said=None):
    options = ModelOptions(2, controls=(Control("segmentation"),))
    request = GenerateRequest(generator="", prompt="a street", options=options)

    def on_step(step, steps, preview=None, loading=""):
        if loading and said is not None:
            said.append(loading)

    return diffusion.make(Inputs(request, scene(texts=texts), None, None), 1, on_step).astype(int)


@pytest.mark.filterwarnings("ignore")  # of the compiler's own parts
def test_the_same_picture_and_no_second_compiling(models, folder, monkeypatch):
    stock = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: stock(self, backend="eager"))
    usual = Diffusion(models["tiny-sd15"], [folder], CPU)
    compiled = Diffusion(models["tiny-sd15"], [folder], CPU, compiled=True)
    said: list[str] = []
    words = (("a red door", ""), ("a house of brick", ""))
    assert abs(make(compiled, words[0], said) - make(usual, words[0])).max() <= 2
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert graphs and not torch._dynamo.utils.counters["graph_break"]
    assert abs(make(compiled, words[1], said) - make(usual, words[1])).max() <= 2
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs, "other words, the same shapes"
    assert len(said) == 1 and said[0].startswith("Compiling")


def test_a_controlnet_has_blocks_to_compile_too(models, folder, monkeypatch):
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: None)
    for name in ("tiny-sd15", "tiny-sdxl", "tiny-zimage", "tiny-flux2"):
        pipelines = Diffusion(models[name], [folder], CPU)._pipelines
        assert compile_blocks(pipelines.backbone) > 0
        for kind in pipelines.model.controls:
            assert compile_blocks(pipelines.net(kind)) > 0
