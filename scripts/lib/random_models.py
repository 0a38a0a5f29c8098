"""Models of the real sizes, or smaller, with random weights: for measurements. They draw noise, in a real model's time.

``shrink`` divides widths and depths: 1 is the real one (SD 1.5, SDXL, Z-Image), 8 runs on a processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    ControlNetUnionModel,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
    ZImageControlNetModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, Qwen3Config, Qwen3Model

from bridge_server.models.catalogue import Family, Model, Source

from .tiny_models import NOISE, chat_tokenizer, randomise, tokenizer

_NATIVE = {"sd15": 512, "sdxl": 1024, "zimage": 1024}


def make(folder: Path, family: Family, shrink: int = 1, dtype: torch.dtype = torch.float32) -> Model:
    """Write the files of one model below ``folder``: its entry, as a catalogue would have it."""
    torch.manual_seed(0)
    {"sd15": _sd15, "sdxl": _sdxl, "zimage": _zimage}[family](folder, shrink, dtype)
    kinds = {"sd15": "segmentation"}.get(family, "union")
    return Model(
        id=f"random-{family}",
        title="",
        family=family,
        base=Source(path=str(folder)),
        controls={kinds: Source(path=str(folder / "control"))},
        palette="ade20k" if family == "sd15" else "instances",
        native=max(_NATIVE[family] // shrink, 64),
        steps=8 if family == "zimage" else 20,
        guidance=0.0 if family == "zimage" else 7.0,
        guided=family != "zimage",
    )


def _sd15(folder: Path, shrink: int, dtype: torch.dtype) -> None:
    widths = _widths((320, 640, 1280, 1280), shrink)
    unet = UNet2DConditionModel(block_out_channels=widths, cross_attention_dim=768 // shrink, attention_head_dim=8)
    StableDiffusionPipeline(
        vae=_vae(shrink, 0.18215),
        text_encoder=CLIPTextModel(_clip(768 // shrink, 12 // min(shrink, 4), 12)),
        tokenizer=tokenizer(folder),
        unet=randomise(unet),
        scheduler=UniPCMultistepScheduler(**NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(dtype).save_pretrained(folder)  # fmt: skip
    randomise(ControlNetModel.from_unet(unet)).to(dtype).save_pretrained(folder / "control")


def _sdxl(folder: Path, shrink: int, dtype: torch.dtype) -> None:
    widths = _widths((320, 640, 1280), shrink)
    texts = 768 // shrink, 1280 // shrink
    shape: dict[str, Any] = {
        "block_out_channels": widths,
        "transformer_layers_per_block": (1, 2, max(10 // shrink, 1)),
        "attention_head_dim": tuple(max(width // 64, 1) for width in widths),
        "cross_attention_dim": sum(texts),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 6 * 256 + texts[1],
    }
    unet = UNet2DConditionModel(**shape, up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))
    StableDiffusionXLPipeline(
        vae=_vae(shrink, 0.13025),
        text_encoder=CLIPTextModel(_clip(texts[0], 12 // min(shrink, 4), 12)),
        text_encoder_2=CLIPTextModelWithProjection(_clip(texts[1], 32 // min(shrink, 8), 20)),
        tokenizer=tokenizer(folder),
        tokenizer_2=tokenizer(folder),
        unet=randomise(unet),
        scheduler=EulerDiscreteScheduler(**NOISE),
    ).to(dtype).save_pretrained(folder)  # fmt: skip
    union = ControlNetUnionModel(**shape, num_control_type=6, num_trans_channel=widths[0], num_proj_channel=widths[0])
    randomise(union).to(dtype).save_pretrained(folder / "control")


def _zimage(folder: Path, shrink: int, dtype: torch.dtype) -> None:
    heads = max(30 // shrink, 1)
    shape = {"dim": 128 * heads, "n_heads": heads, "n_kv_heads": heads}
    layers, text = max(30 // shrink, 2), 2560 // shrink
    transformer = ZImageTransformer2DModel(**shape, n_layers=layers, cap_feat_dim=text)
    reader = Qwen3Config(
        vocab_size=260,
        hidden_size=text,
        intermediate_size=9728 // shrink,
        num_hidden_layers=max(36 // shrink, 3),
        num_attention_heads=max(32 // shrink, 1),
        num_key_value_heads=max(8 // shrink, 1),
        head_dim=128,
    )
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(shrink, 0.3611, 16, 0.1159),
        text_encoder=Qwen3Model(reader).eval(),
        tokenizer=chat_tokenizer(),
        transformer=randomise(transformer),
    ).to(dtype).save_pretrained(folder)  # fmt: skip
    places = list(range(0, layers, 2))
    control = ZImageControlNetModel(
        **shape,
        control_layers_places=places,
        control_refiner_layers_places=[0, 1],
        control_in_dim=33,
        add_control_noise_refiner="control_noise_refiner",
    )
    randomise(control).to(dtype).save_pretrained(folder / "control")


def _widths(real: Sequence[int], shrink: int) -> tuple[int, ...]:
    """Of the levels of a UNet: multiples of 64, as its heads and groups need."""
    return tuple(max(round(width / shrink / 64), 1) * 64 for width in real)


def _vae(shrink: int, scaling: float, channels: int = 4, shift: float | None = None) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=tuple(max(width // shrink, 32) for width in (128, 256, 512, 512)),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=channels,
        scaling_factor=scaling,
        shift_factor=shift,
        force_upcast=False,
    ).eval()


def _clip(width: int, layers: int, heads: int) -> CLIPTextConfig:
    heads = next(count for count in range(heads, 0, -1) if width % count == 0)
    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
