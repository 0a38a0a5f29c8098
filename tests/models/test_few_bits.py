"""Transformers from files with few bits a weight: near the full ones, smaller, and what cannot be read is said."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs
from bridge_server.models import catalogue
from bridge_server.models.loading import MODES, Device, ModelDamaged
from bridge_server.models.places import ModelMissing

from .conftest import CPU, scene

FAMILIES = ("tiny-zimage", "tiny-flux2")
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
needs_gguf = pytest.mark.skipif(importlib.util.find_spec("gguf") is None, reason="gguf is not installed")


def make(model: catalogue.Model, folder: Path) -> tuple[np.ndarray, int]:
    """A picture, and the bytes of the transformer's weights."""
    diffusion = Diffusion(model, [folder], CPU)
    request = GenerateRequest(generator="", prompt="a street", options=ModelOptions(2, controls=()))
    picture = diffusion.make(Inputs(request, scene(), None, None), 1, lambda *_: None)
    weights = diffusion._pipelines.backbone.parameters()
    return picture.astype(int), sum(one.numel() * one.element_size() for one in weights)


def with_file(model: catalogue.Model, path: Path) -> catalogue.Model:
    return replace(model, transformer=catalogue.Source(path=str(path)))


def write_gguf(weights: Path, to: Path, kind: str) -> Path:
    """The same tensors in a GGUF file, those that fit its blocks in few bits."""
    import gguf

    wanted = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(to, "tiny")
    for name, tensor in load_file(weights).items():
        full = tensor.float().numpy()
        if full.ndim == 2 and full.shape[1] % 32 == 0:
            writer.add_tensor(name, gguf.quants.quantize(full, wanted), raw_dtype=wanted)
        else:
            writer.add_tensor(name, full)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return to


@needs_gguf
@pytest.mark.parametrize("name", FAMILIES)
def test_eight_and_four_bits_draw_nearly_the_same_in_less_memory(models, folder, tmp_path, name):
    full, size = make(models[name], folder)
    for kind, tolerance in (("Q8_0", 2), ("Q4_0", 20)):
        file = write_gguf(folder / name / WEIGHTS, tmp_path / f"{kind}.gguf", kind)
        picture, smaller = make(with_file(models[name], file), folder)
        difference = abs(picture - full).mean()
        assert 0 < difference < tolerance, (kind, difference)
        assert smaller < 0.8 * size


def test_a_file_of_full_weights_draws_the_same(models, folder):
    model = models["tiny-flux2"]
    picture, _ = make(with_file(model, folder / "tiny-flux2" / WEIGHTS), folder)
    assert (picture == make(model, folder)[0]).all()


def test_what_cannot_be_read_is_said(models, folder, tmp_path):
    tensors = load_file(folder / "tiny-flux2" / WEIGHTS)
    save_file({**tensors, "x_embedder.weight_scale": torch.ones(1)}, tmp_path / "scaled.safetensors")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF nothing")
    (tmp_path / "pickle.ckpt").write_bytes(b"x")
    model = models["tiny-flux2"]
    with pytest.raises(InvalidInput, match="scaled 8-bit"):
        make(with_file(model, tmp_path / "scaled.safetensors"), folder)
    with pytest.raises(ModelDamaged, match="cannot be loaded"):
        make(with_file(model, tmp_path / "broken.gguf"), folder)
    with pytest.raises((ModelDamaged, InvalidInput)):
        make(with_file(model, tmp_path / "pickle.ckpt"), folder)
    with pytest.raises(ModelMissing, match=r"none\.gguf"):
        make(with_file(model, tmp_path / "none.gguf"), folder)


def test_the_ladder_leaves_out_what_was_done_already(models, folder, monkeypatch):
    monkeypatch.setattr(Device, "has_own_memory", True)  # as on a GPU
    model = models["tiny-flux2"]
    own = with_file(model, folder / "tiny-flux2" / WEIGHTS)
    assert Diffusion(model, [folder], CPU).modes == MODES
    assert Diffusion(own, [folder], CPU).modes == tuple(mode for mode in MODES if mode != "fp8")


def test_entries(tmp_path):
    text = '[mine]\nfamily = "{}"\nbase = {{ path = "x" }}\ntransformer = {{ path = "y.gguf" }}\n'
    (tmp_path / "models.toml").write_text(text.format("zimage"))
    model = catalogue.load([tmp_path])["mine"]
    assert model.transformer is not None and model.transformer in model.sources
    (tmp_path / "models.toml").write_text(text.format("sd15"))
    with pytest.raises(InvalidInput, match="only models of zimage and flux2"):
        catalogue.load([tmp_path])
