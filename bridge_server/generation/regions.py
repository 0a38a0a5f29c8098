"""A prompt for each region, in one pass: the tokens of all prompts stand side by side in the cross-attention.

A pixel weighs each prompt; the logarithm of the weight is added to its attention scores, so that the softmax runs over
all prompts' tokens at once and the weights of a pixel sum to 1. Equal prompts therefore give what one prompt gives, and
the order of regions does not matter. No pass of the UNet more is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor2_0

from blender_segaddon.core.maps import SceneMaps

MOST = 8
"""Regions with a prompt of their own; the texts of smaller ones join the picture's prompt."""

_BUCKETS = (1, 2, 4, 8)
"""Numbers of regions are rounded up to one of these, so that compiled models see few shapes."""


@dataclass(frozen=True, eq=False)
class RegionPrompt:
    """What one part of the picture shows."""

    text: str
    mask: np.ndarray
    """bool H×W; regions do not overlap"""


def from_maps(maps: SceneMaps) -> tuple[list[RegionPrompt], list[str]]:
    """Instances of one text make a region; (the ``MOST`` largest of them, the texts of the others)."""
    ids: dict[str, list[int]] = {}
    for one in maps.instances:
        if one.text.strip():
            ids.setdefault(one.text.strip(), []).append(one.id)
    regions = [RegionPrompt(text, np.isin(maps.instance_map, numbers)) for text, numbers in sorted(ids.items())]
    regions.sort(key=lambda region: int(region.mask.sum()), reverse=True)
    seen = [region for region in regions if region.mask.any()]
    return seen[:MOST], [region.text for region in seen[MOST:]]


def bucket(count: int) -> int:
    """``count`` regions rounded up; 0 stays 0."""
    return next(size for size in (0, *_BUCKETS) if size >= count)


def shares(masks: Sequence[np.ndarray], latent: tuple[int, int], strength: float) -> torch.Tensor:
    """How much each pixel listens to the picture's prompt, then to each region's: (1 + regions)×height×width, sum 1."""
    own = torch.from_numpy(np.stack(masks).astype(np.float32)) * strength
    own = torch.nn.functional.adaptive_avg_pool2d(own[None], latent)[0]
    return torch.cat([1 - own.sum(0, keepdim=True), own])


class RegionWeights:
    """How much each pixel of the latent listens to each prompt; what the processors of all layers share."""

    def __init__(self) -> None:
        self._weights: torch.Tensor | None = None
        self._tokens = 0
        self._cache: dict[tuple, torch.Tensor] = {}

    def set(self, masks: Sequence[np.ndarray], latent: tuple[int, int], tokens: int, strength: float) -> None:
        """Give each region its share.

        Args:
            masks: bool H×W, of the size that is drawn.
            latent: (height, width).
            tokens: of one prompt.
            strength: 0 .. 1, how much of a region's pixel its own prompt has; the picture's prompt has the rest.
        """
        empty = torch.zeros(bucket(len(masks)) - len(masks), *latent)
        self._weights = torch.cat([shares(masks, latent, strength), empty])
        self._tokens = tokens
        self._cache = {}

    def clear(self) -> None:
        """One prompt for all, as the model does by itself."""
        self._weights, self._cache = None, {}

    def bias(self, pixels: int, like: torch.Tensor) -> torch.Tensor | None:
        """What to add to the scores of a layer with so many pixels: pixels × tokens of all prompts."""
        if self._weights is None:
            return None
        key = (pixels, like.dtype, like.device)
        if key not in self._cache:
            level = torch.nn.functional.adaptive_avg_pool2d(self._weights[None], self._level(pixels))[0]
            flat = level.flatten(1).T.clamp(0, 1).log()
            self._cache[key] = flat.repeat_interleave(self._tokens, dim=1).to(like.device, like.dtype)
        return self._cache[key]

    def _level(self, pixels: int) -> tuple[int, int]:
        """Height and width of the layer: each level halves them, upwards."""
        height, width = self._weights.shape[1:] if self._weights is not None else (0, 0)
        while height * width > pixels:
            height, width = -(-height // 2), -(-width // 2)
        if height * width != pixels:
            raise ValueError(f"no level of the latent has {pixels} pixels")
        return height, width


def with_bias(weights: RegionWeights, attn: Any, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> Any:
    """The attention mask of a layer that listens to the prompts: the regions' where there are some."""
    bias = weights.bias(hidden_states.shape[1], hidden_states)
    if bias is None:
        return mask
    # One view for all heads and pictures: nothing is copied.
    return bias.expand(len(hidden_states) * attn.heads, *bias.shape)


class RegionProcessor(AttnProcessor2_0):
    """Stock attention with the regions' bias in the layers that listen to the prompt."""

    def __init__(self, weights: RegionWeights) -> None:
        super().__init__()
        self._weights = weights

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, *rest, **more):
        if encoder_hidden_states is not None:
            attention_mask = with_bias(self._weights, attn, hidden_states, attention_mask)
        return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, *rest, **more)


def install(weights: RegionWeights, model: torch.nn.Module) -> None:
    """Let the cross-attention of a UNet or ControlNet ask ``weights``. Without regions it stays what it was."""
    processors = model.attn_processors  # pyright: ignore[reportAttributeAccessIssue]
    changed = {
        name: RegionProcessor(weights) if name.endswith("attn2.processor") else processor
        for name, processor in processors.items()
    }
    model.set_attn_processor(changed)  # pyright: ignore[reportCallIssue]
