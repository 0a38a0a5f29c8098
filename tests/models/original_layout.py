"""Parts of diffusers written as one file in the layout in which Stable Diffusion first came, which checkpoints have."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers.loaders.single_file_utils import DIFFUSERS_TO_LDM_MAPPING
from safetensors.torch import load_file, save_file

Tensors = dict[str, torch.Tensor]
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def write_sd15(folder: Path, file: Path) -> None:
    """A checkpoint of the SD 1.5 model in ``folder``."""
    text = _read(folder / "text_encoder")
    tensors = _networks(folder)
    for name, tensor in text.items():
        tensors[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = tensor
    _save(tensors, file)


def write_sdxl(folder: Path, file: Path) -> None:
    """A checkpoint of the SDXL model in ``folder``: its second text encoder as OpenCLIP has it."""
    tensors = _networks(folder)
    for name, tensor in _read(folder / "text_encoder").items():
        tensors[f"conditioner.embedders.0.transformer.text_model.{name.removeprefix('text_model.')}"] = tensor
    for name, tensor in _open_clip(_read(folder / "text_encoder_2")).items():
        tensors[f"conditioner.embedders.1.model.{name}"] = tensor
    _save(tensors, file)


def write_controlnet(folder: Path, file: Path) -> None:
    """A ControlNet of SD 1.5, as its author first gave it out."""
    tensors = {}
    for name, tensor in _read(folder).items():
        old = re.sub(r"^controlnet_down_blocks\.(\d+)\.", r"zero_convs.\1.0.", name)
        old = old.replace("controlnet_mid_block.", "middle_block_out.0.")
        old = old.replace("controlnet_cond_embedding.conv_in.", "input_hint_block.0.")
        old = old.replace("controlnet_cond_embedding.conv_out.", "input_hint_block.14.")
        old = re.sub(
            r"controlnet_cond_embedding\.blocks\.(\d+)\.", lambda m: f"input_hint_block.{2 * int(m[1]) + 2}.", old
        )
        tensors[f"control_model.{_unet_name(old)}"] = tensor
    _save(tensors, file)


def _networks(folder: Path) -> Tensors:
    unet = {f"model.diffusion_model.{_unet_name(name)}": one for name, one in _read(folder / "unet").items()}
    vae = {f"first_stage_model.{_vae_name(name)}": one for name, one in _read(folder / "vae").items()}
    attention = re.compile(r"mid\.attn_1\.(q|k|v|proj_out)\.weight")
    return unet | {name: one[:, :, None, None] if attention.search(name) else one for name, one in vae.items()}


def _unet_name(name: str) -> str:
    """One layer a block, two blocks: the tiny models' shape."""
    for new, old in (
        ("time_embedding.linear_1.", "time_embed.0."),
        ("time_embedding.linear_2.", "time_embed.2."),
        ("add_embedding.linear_1.", "label_emb.0.0."),
        ("add_embedding.linear_2.", "label_emb.0.2."),
        ("conv_norm_out.", "out.0."),
        ("conv_out.", "out.2."),
    ):
        if name.startswith(new):
            return name.replace(new, old)
    if name.startswith("conv_in."):
        return name.replace("conv_in.", "input_blocks.0.0.")
    if ".resnets." in name:
        name = re.sub(rf"\.({'|'.join(_RESNET)})\.", lambda m: f".{_RESNET[m[1]]}.", name)
    for pattern, old in _BLOCKS.items():
        if match := re.match(pattern, name):
            return old(*map(int, match.groups())) + name[match.end() :]
    raise KeyError(name)


_BLOCKS: dict[str, Callable[..., str]] = {
    r"down_blocks\.(\d)\.downsamplers\.0\.conv": lambda block: f"input_blocks.{2 * block + 2}.0.op",
    r"down_blocks\.(\d)\.resnets\.0": lambda block: f"input_blocks.{2 * block + 1}.0",
    r"down_blocks\.(\d)\.attentions\.0": lambda block: f"input_blocks.{2 * block + 1}.1",
    r"mid_block\.resnets\.(\d)": lambda layer: f"middle_block.{2 * layer}",
    r"mid_block\.attentions\.0": lambda: "middle_block.1",
    r"up_blocks\.(\d)\.resnets\.(\d)": lambda block, layer: f"output_blocks.{2 * block + layer}.0",
    r"up_blocks\.(\d)\.attentions\.(\d)": lambda block, layer: f"output_blocks.{2 * block + layer}.1",
    r"up_blocks\.0\.upsamplers\.0\.conv": lambda: "output_blocks.1.{}.conv",
    r"(?=zero_convs|middle_block_out|input_hint_block)": lambda: "",
}
"""The number at {} follows from whether the block has attention; see ``_save``."""


def _vae_name(name: str) -> str:
    name = name.replace("conv_norm_out.", "norm_out.").replace("conv_shortcut.", "nin_shortcut.")
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.", lambda m: f"up.{3 - int(m[1])}.block.", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"up.{3 - int(m[1])}.upsample.", name)
    name = re.sub(r"mid_block\.resnets\.(\d)\.", lambda m: f"mid.block_{int(m[1]) + 1}.", name)
    name = name.replace("mid_block.attentions.0.", "mid.attn_1.")
    for new, old in (
        ("group_norm.", "norm."),
        ("to_q.", "q."),
        ("to_k.", "k."),
        ("to_v.", "v."),
        ("to_out.0.", "proj_out."),
    ):
        name = name.replace(f"attn_1.{new}", f"attn_1.{old}")
    return name


def _open_clip(tensors: Tensors) -> Tensors:
    """transformers' CLIP → OpenCLIP: other names, and query, key and value in one matrix."""
    layers = DIFFUSERS_TO_LDM_MAPPING["openclip"]["layers"]
    parts = DIFFUSERS_TO_LDM_MAPPING["openclip"]["transformer"]
    found: Tensors = {}
    joined: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name in layers:
            found[layers[name]] = tensor.T.contiguous() if name.startswith("text_projection") else tensor
            continue
        old = name
        for new, own in parts.items():
            old = old.replace(new, own)
        if match := re.match(r"(.*)\.(q|k|v)_proj\.(weight|bias)$", old):
            joined.setdefault(f"{match[1]}.in_proj_{match[3]}", {})[match[2]] = tensor
        else:
            found[f"transformer.{old}"] = tensor
    whole = {f"transformer.{name}": torch.cat([one["q"], one["k"], one["v"]]) for name, one in joined.items()}
    return found | whole


def _read(folder: Path) -> Tensors:
    return load_file(next(iter(sorted(folder.glob("*.safetensors")))))


def _save(tensors: Tensors, file: Path) -> None:
    has_attention = any("output_blocks.1.1.proj_in" in name for name in tensors)
    named = {name.replace("{}", "2" if has_attention else "1"): one.contiguous() for name, one in tensors.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(named, file)
