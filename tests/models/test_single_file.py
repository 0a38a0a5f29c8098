"""Checkpoints and ControlNets that are one file: loaded without the network, equal to the same model in a folder."""

from __future__ import annotations

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
import transformers
from accelerate import init_empty_weights

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs
from bridge_server.models import single_file
from bridge_server.models.catalogue import Source, load
from bridge_server.models.found import family_of_checkpoint
from bridge_server.models.loading import ModelDamaged

from . import original_layout
from .conftest import CPU, scene


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a look at the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def checkpoint(folder, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("checkpoints") / "tiny.safetensors"
    original_layout.write_sd15(folder / "tiny-sd15", file)
    return file


def draw(diffusion: Diffusion) -> np.ndarray:
    request = GenerateRequest(generator="", prompt="a street", options=ModelOptions(2))
    return diffusion.make(Inputs(request, scene(), None, None), 1, lambda *_: None)


def test_a_checkpoint_of_sd15_equals_its_folder(checkpoint, folder, models, sd15, tmp_path):
    control = tmp_path / "control.safetensors"
    original_layout.write_controlnet(folder / "tiny-sd15/controlnet-seg", control)
    text = f"""
[mine]
family = "sd15"
native = 64
steps = 4
base = {{ path = "{checkpoint}", config = "{folder / "tiny-sd15"}" }}
[mine.controls.segmentation]
path = "control.safetensors"
config = "{folder / "tiny-sd15/controlnet-seg"}"
[mine.controls.depth]
path = "{folder / "tiny-sd15/controlnet-depth"}"
"""
    (tmp_path / "models.toml").write_text(text)
    mine = Diffusion(load([tmp_path])["mine"], [tmp_path], CPU)
    assert (draw(mine) == draw(sd15)).all()
    inputs = Inputs(GenerateRequest(generator=""), scene(), None, None)
    assert "tiny.safetensors sha256:" in mine.describe(inputs)["revisions"]


def test_a_checkpoint_of_sdxl_equals_its_folder(folder, models, sdxl, tmp_path):
    original_layout.write_sdxl(folder / "tiny-sdxl", tmp_path / "tiny-xl.safetensors")
    base = Source(path=str(tmp_path / "tiny-xl.safetensors"), config=str(folder / "tiny-sdxl"))
    union = next((folder / "tiny-sdxl/controlnet-union").glob("*.safetensors"))
    control = Source(path=str(union), config=str(folder / "tiny-sdxl/controlnet-union"))
    mine = replace(models["tiny-sdxl"], base=base, controls={"union": control})
    assert family_of_checkpoint(Path(base.path)) == "sdxl"
    assert (draw(Diffusion(mine, [folder], CPU)) == draw(sdxl)).all()


def test_a_checkpoint_of_another_family_is_said(checkpoint, models, folder):
    wrong = replace(models["tiny-sdxl"], base=Source(path=str(checkpoint)))
    with pytest.raises(InvalidInput, match=r'tiny\.safetensors is a checkpoint of sd15.*family = "sd15"'):
        Diffusion(wrong, [folder], CPU)


@pytest.mark.parametrize("name", ["model.ckpt", "model.safetensors"])
def test_pickles_and_damaged_files_are_not_loaded(name, models, folder, checkpoint, tmp_path):
    file = tmp_path / name
    shutil.copy(checkpoint, file)
    file.write_bytes(file.read_bytes()[:1000])
    text = "are pickles, which can run code" if name.endswith("ckpt") else "cannot be loaded.*models pull tiny-sd15"
    with pytest.raises(ModelDamaged, match=text):
        Diffusion(replace(models["tiny-sd15"], base=Source(path=str(file))), [folder], CPU)


SIZES = {
    "sd15/text_encoder": 123_060_480,
    "sd15/unet": 859_520_964,
    "sd15/vae": 83_653_863,
    "sd15/controlnet": 361_279_120,
    "sdxl/text_encoder": 123_060_480,
    "sdxl/text_encoder_2": 694_659_840,
    "sdxl/unet": 2_567_463_684,
    "sdxl/vae": 83_653_863,
    "sdxl/controlnet": 5_004_167_864 // 4 - 25_806,  # its file in single precision, less the header
    "sdxl/controlnet-union": 1_255_958_800,
}
"""Parameters of the published weights."""


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_the_shapes_that_come_with_the_server_are_those_of_the_published_weights(family, tmp_path):
    single_file.write_configurations(family, tmp_path)
    for file in sorted(tmp_path.rglob("config.json")):
        settings, name = json.loads(file.read_text()), f"{family}/{file.parent.name}"
        with init_empty_weights():
            if "architectures" in settings:
                kind = getattr(transformers, settings["architectures"][0])
                model = kind(transformers.CLIPTextConfig(**settings))
            else:
                model = getattr(diffusers, settings["_class_name"]).from_config(settings)
        count = sum(parameter.numel() for parameter in model.parameters())
        assert count == pytest.approx(SIZES[name], rel=3e-5 if name == "sdxl/controlnet" else 0), name


def test_the_words_that_come_with_the_server_are_clips(tmp_path):
    single_file.write_configurations("sdxl", tmp_path)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(tmp_path / "tokenizer")
    assert len(tokenizer) == 49408
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert tokenizer.pad_token_id == 49407
    assert transformers.CLIPTokenizer.from_pretrained(tmp_path / "tokenizer_2").pad_token_id == 0
