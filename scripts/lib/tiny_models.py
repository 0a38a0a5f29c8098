"""Tiny models with random weights in the folders and files of the real ones: they show nothing, and run everything.

    python -m scripts.lib.tiny_models FOLDER [NAME ...]

makes FOLDER/NAME for tiny-sd15, tiny-sdxl, their inpainting variants, tiny-zimage and tiny-flux2 (all by default) and
FOLDER/models.toml, by which a server finds them, also as tiny-sd15-lcm and tiny-sdxl-lightning (few steps: the same
files with a scheduler and a LoRA), and tiny-sam.pth and tiny-sam2 in FOLDER/sams, where it looks for segmenters.
What exists is left alone. Seeds are fixed: the same files each time. The models draw noise that follows their control
picture a little, since their ControlNets' closing layers, which start at zero in training, are random too: at zero the
control would do nothing.
"""

from __future__ import annotations

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
    AutoencoderKLFlux2,
    ControlNetModel,
    ControlNetUnionModel,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
    ZImageControlNetModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
)

from bridge_server.models.catalogue import USER_FILE

from .byte_letters import byte_letters
from .tiny_entries import ENTRIES
from .tiny_segmenters import randomise, write_sam, write_sam2

TEXT_WIDTH = 32
SECOND_TEXT_WIDTH = 64
"""Another one, as in the real SDXL: by it diffusers tells the text encoders of a checkpoint apart."""
_CONDITION = (8, 8, 16, 16)
"""Four levels: the control picture comes down to the size of the latent."""
CHANNELS = (32, 64)
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


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
    (folder / USER_FILE).write_text("\n".join(ENTRIES[name] for name in made if name in ENTRIES))
    return made


def _sd15(folder: Path) -> None:
    """Stable Diffusion 1.5 with a segmentation and a depth ControlNet beside it."""
    unet = randomise(UNet2DConditionModel(**_unet_shape(), cross_attention_dim=TEXT_WIDTH, attention_head_dim=4))
    StableDiffusionPipeline(
        vae=_vae(0.18215),
        text_encoder=CLIPTextModel(_text_config(TEXT_WIDTH)).eval(),
        tokenizer=tokenizer(folder),
        unet=unet,
        scheduler=UniPCMultistepScheduler(**NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    for kind in ("seg", "depth"):
        controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=_CONDITION)
        randomise(controlnet).save_pretrained(folder / f"controlnet-{kind}")
    _few_step_lora(unet, StableDiffusionPipeline, folder)
    _ip_adapter(unet, folder / "ip-adapter")


def _sd15_inpaint(folder: Path) -> None:
    """An inpainting checkpoint: its UNet sees mask and masked picture besides the latents."""
    shape = {**_unet_shape(), "in_channels": 9}
    StableDiffusionInpaintPipeline(
        vae=_vae(0.18215),
        text_encoder=CLIPTextModel(_text_config(TEXT_WIDTH)).eval(),
        tokenizer=tokenizer(folder),
        unet=randomise(UNet2DConditionModel(**shape, cross_attention_dim=TEXT_WIDTH, attention_head_dim=4)),
        scheduler=UniPCMultistepScheduler(**NOISE),
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
    randomise(union).save_pretrained(folder / "controlnet-union")
    _few_step_lora(parts["unet"], StableDiffusionXLPipeline, folder)
    _ip_adapter(parts["unet"], folder / "ip-adapter")


def _sdxl_parts(folder: Path, channels: int) -> dict:
    shape = _unet_shape() | {
        "transformer_layers_per_block": (1, 2),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    unet = randomise(
        UNet2DConditionModel(
            **shape,
            in_channels=channels,
            cross_attention_dim=TEXT_WIDTH + SECOND_TEXT_WIDTH,
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + SECOND_TEXT_WIDTH,
        )
    )
    return {
        "unet": unet,
        "vae": _vae(0.13025),
        "text_encoder": CLIPTextModel(_text_config(TEXT_WIDTH)).eval(),
        "text_encoder_2": CLIPTextModelWithProjection(_text_config(SECOND_TEXT_WIDTH)).eval(),
        "tokenizer": tokenizer(folder),
        "tokenizer_2": tokenizer(folder),
        "scheduler": EulerDiscreteScheduler(**NOISE),
        "force_zeros_for_empty_prompt": True,
    }


def _few_step_lora(unet: UNet2DConditionModel, pipeline: Any, folder: Path) -> None:
    """Beside the model, as few-step.safetensors."""
    config = LoraConfig(r=4, init_lora_weights=False, target_modules=["to_q", "to_k", "to_v", "to_out.0"])
    unet.add_adapter(config)
    layers = get_peft_model_state_dict(unet)
    pipeline.save_lora_weights(folder, unet_lora_layers=layers, weight_name="few-step.safetensors")
    unet.delete_adapters("default")


def _ip_adapter(unet: UNet2DConditionModel, folder: Path) -> None:
    """The adapter's weights as the original has them, and its image encoder."""
    encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            projection_dim=TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=32,
            patch_size=8,
        )
    )
    encoder.eval().save_pretrained(folder / "image_encoder")
    width, tokens = unet.config["cross_attention_dim"], 4
    weights = {
        "image_proj.proj.weight": torch.randn(tokens * width, TEXT_WIDTH) / 4,
        "image_proj.proj.bias": torch.zeros(tokens * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    # In this format the layers that listen to texts are numbered by their places among all attention layers.
    for number, name in enumerate(unet.attn_processors):
        if name.endswith("attn2.processor"):
            inner = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
            for part in ("to_k_ip", "to_v_ip"):
                weights[f"ip_adapter.{number}.{part}.weight"] = torch.randn(inner, width) / 4
    save_file(weights, folder / "ip-adapter.safetensors")


def _zimage(folder: Path) -> None:
    """Z-Image with a ControlNet Union; the language model reads single bytes."""
    shape = {"dim": 48, "n_heads": 3, "n_kv_heads": 3, "n_refiner_layers": 1}
    transformer = ZImageTransformer2DModel(
        **shape, n_layers=2, cap_feat_dim=TEXT_WIDTH, axes_dims=[4, 6, 6], axes_lens=[1024, 64, 64]
    )
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(0.3611, channels=16, shift=0.1159),
        text_encoder=Qwen3Model(_qwen_config()).eval(),
        tokenizer=chat_tokenizer(),
        transformer=randomise(transformer),
    ).save_pretrained(folder)
    control = ZImageControlNetModel(
        **shape, control_layers_places=[0, 1], control_refiner_layers_places=[0], control_in_dim=33,
        add_control_noise_refiner="control_noise_refiner",
    )  # fmt: skip
    randomise(control).save_pretrained(folder / "controlnet-union")


def _flux2(folder: Path) -> None:
    """FLUX.2 klein, distilled; its language model has as many layers as the pipeline reads of (9, 18, 27)."""
    transformer = Flux2Transformer2DModel(
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * TEXT_WIDTH,
        timestep_guidance_channels=32,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    vae = AutoencoderKLFlux2(**_vae_shape(), latent_channels=32).eval()
    vae.bn.running_mean.normal_(0, 0.2)
    vae.bn.running_var.uniform_(0.5, 2.0)
    Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae,
        text_encoder=Qwen3ForCausalLM(_qwen_config(layers=28)).eval(),
        tokenizer=chat_tokenizer(),
        transformer=randomise(transformer),
        is_distilled=True,
    ).save_pretrained(folder)


def _qwen_config(layers: int = 3) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=260,
        hidden_size=TEXT_WIDTH,
        intermediate_size=2 * TEXT_WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=1024,
    )


def chat_tokenizer() -> Qwen2Tokenizer:
    """Qwen's, over single bytes."""
    marks = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    vocab = {token: number for number, token in enumerate([*byte_letters(), *marks])}
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=[], additional_special_tokens=list(marks[1:]))
    tokenizer.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


_PLACES = {"tiny-sam": "sams/tiny-sam.pth", "tiny-sam2": "sams/tiny-sam2"}
"""Below the models folder, where that is not the name itself."""

MAKERS: dict[str, Callable[[Path], None]] = {
    "tiny-sd15": _sd15,
    "tiny-sdxl": _sdxl,
    "tiny-sd15-inpaint": _sd15_inpaint,
    "tiny-sdxl-inpaint": _sdxl_inpaint,
    "tiny-zimage": _zimage,
    "tiny-flux2": _flux2,
    "tiny-sam": write_sam,
    "tiny-sam2": write_sam2,
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


def _vae(scaling: float, channels: int = 4, shift: float | None = None) -> AutoencoderKL:
    """Four levels, so that a latent is 8 pixels wide as in the real ones."""
    return AutoencoderKL(
        **_vae_shape(), latent_channels=channels, scaling_factor=scaling, shift_factor=shift, force_upcast=False
    ).eval()


def _vae_shape() -> dict[str, Any]:
    return {
        "block_out_channels": (8, 8, 16, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "norm_num_groups": 8,
        "sample_size": 64,
    }


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


def tokenizer(folder: Path) -> CLIPTokenizer:
    """CLIP's, over single bytes: 256 of them, 256 that end a word, start and end; no merges."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    letters = byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (scratch / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (scratch / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(scratch, model_max_length=77)
    shutil.rmtree(scratch)
    return tokenizer


if __name__ == "__main__":
    make(Path(sys.argv[1]), tuple(sys.argv[2:]))
