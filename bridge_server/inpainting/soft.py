"""Soft inpainting: grey levels of a mask say from which step on a pixel may change (differential diffusion).

Levin and Fried, "Differential Diffusion: Giving Each Pixel Its Strength" (2023). The stock inpainting pipelines take a
hard mask and put the noised original back outside of it after every step; here that mask changes from step to step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

After = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


class SoftMask:
    """For one run of one pipeline; to be given as its ``callback_on_step_end``.

    Args:
        pipeline: a stock inpainting pipeline whose model has 4 channels.
        levels: float32 H×W, 0..1: 1 is drawn in all steps, 0.5 in the second half of them, 0 in none.
        steps: of the run.
        then: called after each step as diffusers calls it.
    """

    def __init__(self, pipeline: Any, levels: np.ndarray, steps: int, then: After) -> None:
        self._levels = torch.from_numpy(np.ascontiguousarray(levels))[None, None]
        self._steps, self._then = steps, then
        self._stock = pipeline.prepare_mask_latents
        self._mask: torch.Tensor | None = None
        pipeline.prepare_mask_latents = self._prepare

    def __call__(self, pipeline: Any, index: int, time: Any, state: dict[str, Any]) -> dict[str, Any]:
        self._open(index + 1)
        return self._then(pipeline, index, time, state)

    def _prepare(self, *args: Any, **more: Any) -> tuple[torch.Tensor, Any]:
        mask, masked = self._stock(*args, **more)
        small = torch.nn.functional.interpolate(self._levels, size=mask.shape[-2:], mode="area")
        self._levels = small.to(mask.device, mask.dtype)
        self._mask = mask
        self._open(0)
        return mask, masked

    def _open(self, step: int) -> None:
        """Let the pixels change whose turn it is; the pipeline reads this very tensor."""
        if self._mask is not None:
            turn = 1 - min(step, self._steps - 1) / self._steps
            self._mask.copy_((self._levels >= turn - 1e-3).to(self._mask.dtype).expand_as(self._mask))
