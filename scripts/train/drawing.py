"""The networks of tiny-scenes: a latent diffusion model in the shapes of Stable Diffusion 1.5 with a ControlNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderTiny,
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from .words import LENGTH, tokenizer

WIDTH = 64
"""of a token"""
CHANNELS = (32, 48, 96)
"""of the levels at 1, 1/2 and 1/4 of the picture's side"""
LATENT = 4
"""channels of a latent: red, green, blue and their mean, since pipelines that inpaint want four"""
SPREAD = 4.0
"""Latents are (colour - 0.5) × this, which makes them about as wide as the noise."""
_SHRUNK = 32.0
"""The decoder squashes what it is given by tanh(x / 3): small numbers pass it unchanged."""


def vae() -> AutoencoderTiny:
    """An autoencoder that changes nothing, its weights set by hand: a latent is a pixel."""
    model = AutoencoderTiny(
        encoder_block_out_channels=(LATENT,),
        decoder_block_out_channels=(LATENT,),
        latent_channels=LATENT,
        num_encoder_blocks=(0,),
        num_decoder_blocks=(0,),
        scaling_factor=SPREAD * _SHRUNK,
    )
    mix = torch.zeros(LATENT, 3)
    mix[:3], mix[3] = torch.eye(3), 1 / 3
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        first, last = model.encoder.layers
        first.weight[:, :, 1, 1] = mix
        last.weight[:, :, 1, 1] = torch.eye(LATENT) / _SHRUNK
        last.bias.fill_(-0.5 / _SHRUNK)
        first, _, last = model.decoder.layers
        first.weight[:, :, 1, 1] = torch.eye(LATENT) * _SHRUNK
        first.bias.fill_(0.5)
        last.weight[:, :3, 1, 1] = torch.eye(3)
    return model.eval().requires_grad_(False)


def scheduler() -> DDIMScheduler:
    """v-prediction down to pure noise (Lin et al. 2024), so that a night can be dark from the first step on."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def _open(control: ControlNetModel) -> None:
    """Let the control picture count from the first step on: it starts at zero only where the UNet can draw already."""
    with torch.no_grad():
        for closing in (*control.controlnet_down_blocks, control.controlnet_mid_block):
            nn.init.normal_(closing.weight, 0, 0.5 * closing.in_channels**-0.5)


def _attentive(net: nn.Module) -> None:
    """Let words count from the first step on: one of 48 is hardly heard else."""
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(("attn2.to_v.weight", "attn2.to_out.0.weight")):
                parameter.mul_(3.0)


class Drawing(nn.Module):
    """What is trained: text encoder, UNet and ControlNet, all from zero and together."""

    def __init__(self) -> None:
        super().__init__()
        self.tokenizer = tokenizer()
        self.text = CLIPTextModel(_text_config(len(self.tokenizer)))
        self.unet = UNet2DConditionModel(
            sample_size=64,
            in_channels=LATENT,
            out_channels=LATENT,
            block_out_channels=CHANNELS,
            layers_per_block=1,
            norm_num_groups=2,  # wide groups: in narrow ones a picture's own mean, night or day, is lost
            down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            cross_attention_dim=WIDTH,
            attention_head_dim=4,
            addition_embed_type="text",  # words for the whole picture act like the time: on every layer
            addition_embed_type_num_heads=4,
        )
        shown = {"conditioning_embedding_out_channels": (96,), "load_weights_from_unet": False}
        self.control = ControlNetModel.from_unet(self.unet, **shown)
        _open(self.control)
        for net in (self.unet, self.control):
            _attentive(net)

    def forward(
        self, noisy: torch.Tensor, times: torch.Tensor, tokens: torch.Tensor, shown: torch.Tensor
    ) -> torch.Tensor:
        """The velocity in noisy latents.

        Args:
            noisy: B×4×H×W.
            times: B.
            tokens: B×T×WIDTH, read texts.
            shown: B×3×H×W, 0..1: the control picture.
        """
        down, middle = self.control(
            noisy, times, encoder_hidden_states=tokens, controlnet_cond=shown, return_dict=False
        )
        return self.unet(
            noisy,
            times,
            encoder_hidden_states=tokens,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample

    def tokens_of(self, texts: list[str]) -> torch.Tensor:
        """int64 B×LENGTH."""
        options = {"padding": "max_length", "truncation": True, "max_length": LENGTH, "return_tensors": "pt"}
        return self.tokenizer(texts, **options).input_ids

    def save(self, folder: Path) -> None:
        """A StableDiffusionControlNetPipeline in half precision."""
        pipeline: Any = StableDiffusionControlNetPipeline(
            vae=vae(),
            text_encoder=self.text.eval(),
            tokenizer=self.tokenizer,
            unet=self.unet.eval(),
            controlnet=self.control.eval(),
            scheduler=scheduler(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.to(dtype=torch.float16).save_pretrained(folder)


def _text_config(size: int) -> CLIPTextConfig:
    """Of a vocabulary of so many tokens, the last two of which begin and end a text."""
    return CLIPTextConfig(
        vocab_size=size,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
    )
