"""ControlNets that are active in a part of the steps, each with a weight.

Stock diffusers calls a ControlNet in every step and multiplies by zero outside its window, and lets a mode of a Union
that is outside its window go on acting. Here what is not active is not there: not called, not told to the Union.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import ControlNetUnionModel, MultiControlNetModel

from blender_segaddon.protocol.messages import Control


class Controls(MultiControlNetModel):
    """Several ControlNets; those whose scale is 0 in a step are not called. The pipeline applies weight and window."""

    def forward(self, *args: Any, controlnet_cond: list, conditioning_scale: list[float], **more: Any) -> Any:
        """As the parent's, but (None, None) where no ControlNet is active: the UNet then runs without any."""
        downs, mid = None, None
        for net, image, scale in zip(self.nets, controlnet_cond, conditioning_scale, strict=True):
            if scale == 0:
                continue
            one_downs, one_mid = net(*args, controlnet_cond=image, conditioning_scale=scale, **more)
            downs = one_downs if downs is None else [a + b for a, b in zip(downs, one_downs, strict=True)]
            mid = one_mid if mid is None else mid + one_mid
        return downs, mid


class UnionWindows:
    """Lets each mode of a Union act within its window only: every step sees the modes that are active in it."""

    def __init__(self, union: ControlNetUnionModel) -> None:
        self._stock = union.forward
        self._controls: Sequence[Control] = ()
        self._steps = 0
        self._step = 0
        union.forward = self._forward  # pyright: ignore[reportAttributeAccessIssue]

    def start(self, controls: Sequence[Control], steps: int) -> None:
        """To be called before each run: its controls in the order of their pictures, and how many steps it has."""
        self._controls, self._steps, self._step = controls, steps, 0

    def _forward(
        self,
        *args: Any,
        controlnet_cond: list[torch.Tensor],
        control_type: torch.Tensor,
        control_type_idx: list[int],
        conditioning_scale: Any,  # noqa: ARG002  # ours are the controls' own
        **more: Any,
    ) -> Any:
        step, self._step = self._step, self._step + 1
        active = [k for k, control in enumerate(self._controls) if is_active(control, step, self._steps)]
        if not active:
            return None, None
        modes = [control_type_idx[k] for k in active]
        told = torch.zeros_like(control_type)
        told[:, modes] = control_type[:, modes]
        return self._stock(
            *args,
            controlnet_cond=[controlnet_cond[k] for k in active],
            control_type=told,
            control_type_idx=modes,
            conditioning_scale=[self._controls[k].weight for k in active],
            **more,
        )


def is_active(control: Control, step: int, steps: int) -> bool:
    """Whether a control acts in this step (0 .. steps-1): diffusers' rule for its guidance windows."""
    return control.weight != 0 and step / steps >= control.start and (step + 1) / steps <= control.end


def remember_conditions(net: Any) -> None:
    """Let a ControlNet look at its control picture once in a run: what its first layers make of it never changes.

    Stock diffusers does so in every step. Z-Image's has no such layers.
    """
    layers = getattr(net, "controlnet_cond_embedding", None)
    if layers is not None:
        layers.forward = _Remembering(layers.forward)


class _Remembering:
    """Remembers what came out for the last few tensors that went in, by identity: pipelines pass the same ones on."""

    _KEPT = 4
    """a Union sees as many pictures as there are kinds of control"""

    def __init__(self, forward: Any) -> None:
        self._forward = forward
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        for seen, made in self._kept:
            if seen is picture:
                return made
        made = self._forward(picture)
        self._kept = [*self._kept[1 - self._KEPT :], (picture, made)]
        return made
