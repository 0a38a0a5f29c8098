"""Tiny models with random weights in the folders and files of the real ones: they show nothing, and run everything.

    python -m scripts.lib.tiny_models FOLDER [NAME ...]

makes FOLDER/NAME for tiny-sd15, tiny-sdxl, their inpainting variants and FOLDER/models.toml, by which a server finds
them, and tiny-sam.pth and tiny-sam2 in FOLDER/sams, where it looks for segmenters (all by default).
What exists is left alone. Seeds are fixed: the same files each time. The models draw noise that follows their control
picture a little, since their ControlNets' closing layers, which start at zero in training, are random too: at zero the
control would do nothing.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    ControlNetUnionModel,
    EulerDiscreteScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2Model,
    Sam2VisionConfig,
)

from bridge_server.models.catalogue import USER_FILE
from bridge_server.segmentation.published import networks

TEXT_WIDTH = 32
_CONDITION = (8, 8, 16, 16)
"""Four levels: the control picture comes down to the size of the latent."""
CHANNELS = (32, 64)
_NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def make(folder: Path, names: tuple[str, ...] = ()) -> dict[str, Path]:
    """Make the named models (all: ()) below ``folder``; those that are there already stay. Returns their folders.

    Raises:
        KeyError: there is no such tiny model.
    """
    made = {}
    for name in names or tuple(MAKERS):
        target = folder / _PLACES.get(name, name)
        if not target.exists():
            # Made beside and moved: what stands under the name is whole.
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f"{target.name}.{os.getpid()}")
            shutil.rmtree(beside, ignore_errors=True)
            torch.manual_seed(0)
            MAKERS[name](beside)
            beside.rename(target)
        made[name] = target
    (folder / USER_FILE).write_text("\n".join(_ENTRIES[name] for name in made if name in _ENTRIES))
    return made


def _sd15(folder: Path) -> None:
    """Stable Diffusion 1.5 with a segmentation and a depth ControlNet beside it."""
    unet = _randomise(UNet2DConditionModel(**_unet_shape(), cross_attention_dim=TEXT_WIDTH, attention_head_dim=4))
    StableDiffusionPipeline(
        vae=_vae(0.18215),
        text_encoder=CLIPTextModel(_text_config(TEXT_WIDTH)).eval(),
        tokenizer=_tokenizer(folder),
        unet=unet,
        scheduler=UniPCMultistepScheduler(**_NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    for kind in ("seg", "depth"):
        controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=_CONDITION)
        _randomise(controlnet).save_pretrained(folder / f"controlnet-{kind}")


def _sd15_inpaint(folder: Path) -> None:
    """An inpainting checkpoint: its UNet sees mask and masked picture besides the latents."""
    shape = {**_unet_shape(), "in_channels": 9}
    StableDiffusionInpaintPipeline(
        vae=_vae(0.18215),
        text_encoder=CLIPTextModel(_text_config(TEXT_WIDTH)).eval(),
        tokenizer=_tokenizer(folder),
        unet=_randomise(UNet2DConditionModel(**shape, cross_attention_dim=TEXT_WIDTH, attention_head_dim=4)),
        scheduler=UniPCMultistepScheduler(**_NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)


def _sdxl_inpaint(folder: Path) -> None:
    """As SDXL inpainting 0.1: 9 channels."""
    StableDiffusionXLInpaintPipeline(**_sdxl_parts(folder, channels=9)).save_pretrained(folder)


def _sdxl(folder: Path) -> None:
    """Stable Diffusion XL with a ControlNet Union (8 modes, as promax has)."""
    parts = _sdxl_parts(folder, channels=4)
    StableDiffusionXLPipeline(**parts).save_pretrained(folder)
    same = {
        name: value
        for name, value in parts["unet"].config.items()
        if name in inspect.signature(ControlNetUnionModel).parameters
    }
    union = ControlNetUnionModel(
        **same,
        conditioning_embedding_out_channels=_CONDITION,
        num_control_type=8,
        num_trans_channel=CHANNELS[0],
        num_proj_channel=CHANNELS[0],
    )
    _randomise(union).save_pretrained(folder / "controlnet-union")


def sam(side: int, width: int, depth: int, heads: int, hidden: int, everywhere: tuple[int, ...], window: int) -> Any:
    """Segment Anything of any size, random weights; sam(1024, 768, 12, 12, 256, (2, 5, 8, 11), 14) is vit_b.

    Args:
        side: pixels of the square that it sees, a multiple of 16.
        width, depth, heads: of the encoder; ``everywhere``: its blocks that look beyond windows of ``window`` patches.
        hidden: of the decoder, a multiple of 64.
    """
    parts = networks()
    grid = side // 16
    norm = functools.partial(torch.nn.LayerNorm, eps=1e-6)
    return parts.Sam(
        image_encoder=parts.ImageEncoderViT(
            img_size=side,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            out_chans=hidden,
            norm_layer=norm,
            use_rel_pos=True,
            global_attn_indexes=everywhere,
            window_size=window,
        ),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=hidden, image_embedding_size=(grid, grid), input_image_size=(side, side), mask_in_chans=16
        ),
        mask_decoder=parts.MaskDecoder(
            transformer_dim=hidden,
            transformer=parts.TwoWayTransformer(depth=2, embedding_dim=hidden, num_heads=8, mlp_dim=8 * hidden),
            iou_head_hidden_dim=hidden,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    ).eval()


def _sam(file: Path) -> None:
    """A checkpoint as those of Segment Anything, of none of their sizes."""
    torch.save(_randomise(sam(128, 32, 3, 2, 64, (2,), 3)).state_dict(), file)


def _sam2(folder: Path) -> None:
    """SAM 2.1 in a folder of transformers."""
    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        num_attention_heads=1,
        image_size=[128, 128],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[8, 4, 4, 2],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )
    config = Sam2Config(
        vision_config=Sam2VisionConfig(
            backbone_config=backbone,
            backbone_channel_list=[128, 64, 32, 16],
            fpn_hidden_size=32,
            backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
        ),
        prompt_encoder_config={"hidden_size": 32, "image_size": 128},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
        },
    )
    _randomise(Sam2Model(config)).save_pretrained(folder)


_PLACES = {"tiny-sam": "sams/tiny-sam.pth", "tiny-sam2": "sams/tiny-sam2"}
"""Below the models folder, where that is not the name itself."""


def _sdxl_parts(folder: Path, channels: int) -> dict:
    shape = _unet_shape() | {
        "transformer_layers_per_block": (1, 2),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    unet = _randomise(
        UNet2DConditionModel(
            **shape,
            in_channels=channels,
            cross_attention_dim=2 * TEXT_WIDTH,
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + TEXT_WIDTH,
        )
    )
    return {
        "unet": unet,
        "vae": _vae(0.13025),
        "text_encoder": CLIPTextModel(_text_config(TEXT_WIDTH)).eval(),
        "text_encoder_2": CLIPTextModelWithProjection(_text_config(TEXT_WIDTH)).eval(),
        "tokenizer": _tokenizer(folder),
        "tokenizer_2": _tokenizer(folder),
        "scheduler": EulerDiscreteScheduler(**_NOISE),
        "force_zeros_for_empty_prompt": True,
    }


_ENTRIES = {
    "tiny-sd15": """\
[tiny-sd15]
title = "Tiny Stable Diffusion 1.5 (random weights)"
family = "sd15"
native = 64
steps = 4
base = { path = "tiny-sd15" }
controls = { segmentation = { path = "tiny-sd15/controlnet-seg" }, depth = { path = "tiny-sd15/controlnet-depth" } }
""",
    "tiny-sdxl": """\
[tiny-sdxl]
title = "Tiny Stable Diffusion XL (random weights)"
family = "sdxl"
native = 64
steps = 4
palette = "instances"
base = { path = "tiny-sdxl" }
controls = { union = { path = "tiny-sdxl/controlnet-union" } }
""",
    "tiny-sd15-inpaint": """\
[tiny-sd15-inpaint]
title = "Tiny Stable Diffusion 1.5 inpainting (random weights)"
family = "sd15"
native = 64
steps = 4
base = { path = "tiny-sd15-inpaint" }
controls = { segmentation = { path = "tiny-sd15/controlnet-seg" } }
""",
    "tiny-sdxl-inpaint": """\
[tiny-sdxl-inpaint]
title = "Tiny Stable Diffusion XL inpainting (random weights)"
family = "sdxl"
native = 64
steps = 4
base = { path = "tiny-sdxl-inpaint" }
controls = {}
""",
}
MAKERS: dict[str, Callable[[Path], None]] = {
    "tiny-sd15": _sd15,
    "tiny-sdxl": _sdxl,
    "tiny-sd15-inpaint": _sd15_inpaint,
    "tiny-sdxl-inpaint": _sdxl_inpaint,
    "tiny-sam": _sam,
    "tiny-sam2": _sam2,
}


def _unet_shape() -> dict:
    return {
        "sample_size": 16,
        "block_out_channels": CHANNELS,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }


def _vae(scaling: float) -> AutoencoderKL:
    """Four levels, so that a latent is 8 pixels wide as in the real ones."""
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
        scaling_factor=scaling,
        force_upcast=False,
    ).eval()


def _text_config(width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )


def _tokenizer(folder: Path) -> CLIPTokenizer:
    """CLIP's, over single bytes: 256 of them, 256 that end a word, start and end; no merges."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    letters = _byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (scratch / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (scratch / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(scratch, model_max_length=77)
    shutil.rmtree(scratch)
    return tokenizer


def _byte_letters() -> list[str]:
    """The letter of each byte in a byte-level vocabulary, as GPT-2 has it: printable ones stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    letter = {byte: chr(byte) for byte in printable} | {byte: chr(256 + k) for k, byte in enumerate(others)}
    return [letter[byte] for byte in range(256)]


def _randomise(model):
    """Give layers that start at zero small random weights."""
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
    return model.eval()


if __name__ == "__main__":
    make(Path(sys.argv[1]), tuple(sys.argv[2:]))
