"""Memory modes: how much of a model lies on the device at a time. What each of them means: ``models.loading.MODES``.

Measured on a processor alone, where only "fp8" and "group" can be tried; the figures for a GPU are rules of thumb.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from diffusers.hooks import apply_group_offloading

from ..models.loading import MODES, Device

ON_DEVICE = MODES[:2]
"""Modes in which everything stays on the device."""

_SWAPPING = {
    "offload": "enable_model_cpu_offload",
    "fp8": "enable_model_cpu_offload",
    "sequential": "enable_sequential_cpu_offload",
}
_TILES = 0.5
"""Share of the working memory that is left when the autoencoder works in tiles: a rule of thumb."""


def needs(whole: int, parts: Sequence[int]) -> tuple[int, ...]:
    """Bytes of the device's memory in each of ``MODES``.

    Args:
        whole: in the first mode, weights and what the work takes; 0: not known, then all are 0.
        parts: bytes of the weights of each part (text encoders, UNet, autoencoder, ControlNets).
    """
    if not whole:
        return (0,) * len(MODES)
    weights, largest = sum(parts), max(parts, default=0)
    work = max(whole - weights, 0) * _TILES
    found = (whole, weights + work, largest + work, largest / 2 + work, largest / 8 + work, work)
    return tuple(int(one) for one in found)


def weights(parts: Iterable[Any]) -> list[int]:
    """Bytes of the weights of each part that has some."""
    modules = [one for one in parts if isinstance(one, torch.nn.Module)]
    return [sum(each.numel() * each.element_size() for each in one.parameters()) for one in modules]


def arrange(base: Any, backbone: Any, mode: str, device: Device) -> None:
    """Put a freshly loaded pipeline where the mode wants it."""
    if mode in ON_DEVICE:
        base.to(device.name)
        _order(backbone, device)
    elif mode == "fp8":
        _in_eight_bits(backbone)
    elif mode == "group":
        for part in base.components.values():
            if isinstance(part, torch.nn.Module):
                _in_groups(part, device)


def arrange_net(net: Any, mode: str, device: Device) -> None:
    """The same for a ControlNet."""
    if mode in ON_DEVICE:
        net.to(device.name)
        _order(net, device)
    elif mode == "fp8":
        _in_eight_bits(net)
    elif mode == "group":
        _in_groups(net, device)


def attend(pipeline: Any, mode: str, device: Device) -> None:
    """Let the parts of a pipeline come and go as it calls them."""
    if mode in _SWAPPING and device.has_own_memory:
        getattr(pipeline, _SWAPPING[mode])(device=device.name)


def _order(net: Any, device: Device) -> None:
    """Channels last, as the tensor cores of GPUs take them (not measured here); on a processor it does not pay."""
    if device.has_own_memory:
        net.to(memory_format=torch.channels_last)


def _in_eight_bits(net: Any) -> None:
    # It reads its weights past the hooks that would widen them.
    apart = (torch.nn.MultiheadAttention,)
    net.enable_layerwise_casting(torch.float8_e4m3fn, net.dtype, skip_modules_classes=apart)


def _in_groups(part: Any, device: Device) -> None:
    apply_group_offloading(
        part,
        onload_device=torch.device(device.name),
        offload_device=torch.device("cpu"),
        offload_type="leaf_level",
        use_stream=device.has_own_memory,
    )
