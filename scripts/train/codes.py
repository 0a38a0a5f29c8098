"""What a ControlNet is shown first: the colours of classes, told apart before anything else is learnt.

Colours of ADE20K's classes lie close together; a network that begins with random weights needs thousands of steps to
tell them apart. So the layers that read the control picture are trained beforehand, alone and in seconds, to give every
class a code by which it is recognised and from which its usual colour is read.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import nn
from torch.nn import functional as F

STEPS = 3000
_LEAST = 100
"""pixels of a class in the set for its mean colour to count"""
_NOISE = 0.3
"""added to codes while they are learnt: what is told apart in spite of it lies well apart"""
_SPREAD = 2.0
"""the standard deviation of codes: they have to be heard beside the noise that a picture is drawn from"""


def mean_colours(pictures: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """float 256×3: the mean colour of each class; NaN where it is hardly seen.

    Args:
        pictures: N×H×W×3, in any range.
        classes: uint8 N×H×W, or other integers 0..255.
    """
    flat = classes.ravel()
    count = np.bincount(flat, minlength=256)
    sums = [np.bincount(flat, pictures[..., k].ravel(), 256) for k in range(3)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count[:, None] >= _LEAST, np.stack(sums, 1) / count[:, None], np.nan)


def teach(reader: ControlNetConditioningEmbedding, colours: torch.Tensor, looks: torch.Tensor) -> None:
    """Set the weights of a ``ControlNetConditioningEmbedding`` of two layers.

    Args:
        reader: its layers look at nothing but the pixel itself afterwards; training may change that.
        colours: K×3, 0..1: what the control picture shows for each class.
        looks: K×3, -0.5..0.5: how each class usually looks; NaN where that is not known.
    """
    hidden, made = reader.conv_in.out_channels, reader.conv_out.out_channels
    first, last, told = nn.Linear(3, hidden), nn.Linear(hidden, made), nn.Linear(made, len(colours) + 3)
    _bends_everywhere(first)
    known, kinds = looks.isfinite().all(1), torch.arange(len(colours))
    parameters = [*first.parameters(), *last.parameters(), *told.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=5e-3, weight_decay=1e-3)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, STEPS)
    for _ in range(STEPS):
        codes = last(F.silu(first(colours)))
        answer = told(codes + _NOISE * torch.randn_like(codes))
        looked = (answer[:, len(colours) :] - looks)[known].square().mean() if known.any() else 0.0
        loss = F.cross_entropy(answer[:, : len(colours)], kinds) + 30 * looked + 0.01 * codes.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
    _set(reader, first, last, colours)


def _bends_everywhere(layer: nn.Linear) -> None:
    """Let the units change their slope all over the cube of colours, some gently and some within a few steps of 255."""
    with torch.no_grad():
        along = F.normalize(torch.randn_like(layer.weight), dim=1)
        steep = torch.empty(len(along), 1).uniform_(1.0, math.log(12.0)).exp()
        layer.weight.copy_(along * steep)
        layer.bias.copy_(-(layer.weight * torch.rand_like(along)).sum(1))


def _set(reader: ControlNetConditioningEmbedding, first: nn.Linear, last: nn.Linear, colours: torch.Tensor) -> None:
    with torch.no_grad():
        codes = last(F.silu(first(colours)))
        scale = _SPREAD / codes.std()
        for layer in (reader.conv_in, reader.conv_out):
            layer.weight.zero_()
        reader.conv_in.weight[:, :, 1, 1] = first.weight
        reader.conv_in.bias.copy_(first.bias)
        reader.conv_out.weight[:, :, 1, 1] = last.weight * scale
        reader.conv_out.bias.copy_((last.bias - codes.mean(0)) * scale)
