"""LoRAs act while they are asked for, by their weight, and leave nothing behind."""

from __future__ import annotations

import diffusers
import numpy as np
import pytest
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, LoraUse, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs

from .conftest import CPU, scene


@pytest.fixture(scope="module")
def dressed(models, folder, tmp_path_factory) -> Diffusion:
    """The tiny model beside a folder with one LoRA, and one for SDXL by the width of its tensors."""
    place = tmp_path_factory.mktemp("own")
    (place / "loras").mkdir()
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder / "tiny-sd15" / "unet")
    torch.manual_seed(1)
    unet.add_adapter(LoraConfig(r=4, init_lora_weights=False, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    diffusers.StableDiffusionPipeline.save_lora_weights(
        place / "loras", unet_lora_layers=get_peft_model_state_dict(unet), weight_name="rust v1.0.safetensors"
    )
    save_file({"unet.attn2.to_k.lora_A.weight": torch.zeros(4, 2048)}, place / "loras" / "large.safetensors")
    (place / "loras" / "broken.safetensors").write_bytes(b"nothing")
    return Diffusion(models["tiny-sd15"], [folder, place], CPU)


def make(diffusion, *loras: LoraUse) -> np.ndarray:
    request = GenerateRequest(generator="", prompt="a street", options=ModelOptions(3, loras=loras))
    return diffusion.make(Inputs(request, scene(), None, None), 1, lambda *_: None)


def test_a_lora_acts_by_its_weight_and_only_while_it_is_asked_for(dressed):
    plain = make(dressed)
    full = make(dressed, LoraUse("rust v1.0", 1.0))
    assert (full != plain).mean() > 0.2
    half = make(dressed, LoraUse("rust v1.0", 0.5))
    assert abs(half.astype(int) - plain).mean() < abs(full.astype(int) - plain).mean()
    assert (make(dressed, LoraUse("rust v1.0", 0.0)) == plain).all()
    assert (make(dressed) == plain).all()
    assert (make(dressed, LoraUse("rust v1.0", 1.0)) == full).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [("none", r"no LoRA 'none'.*rust v1\.0"), ("large", "is for sdxl models"), ("broken", "no safetensors file")],
)
def test_what_does_not_fit_is_said_and_the_next_picture_comes(dressed, name, said):
    with pytest.raises(InvalidInput, match=said):
        make(dressed, LoraUse(name))
    assert make(dressed).any()
