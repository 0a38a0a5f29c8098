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

    def _prepare(self, *args: Any, **more: Any) -> Any:
        made = self._stock(*args, **more)
        mask = made if isinstance(made, torch.Tensor) else made[0]
        self._levels = _like(self._levels, mask)
        self._mask = mask
        self._open(0)
        return made

    def _open(self, step: int) -> None:
        """Let the pixels change whose turn it is; the pipeline reads this very tensor."""
        if self._mask is not None:
            turn = 1 - min(step, self._steps - 1) / self._steps
            self._mask.copy_((self._levels >= turn - 1e-3).to(self._mask.dtype).expand_as(self._mask))


def _like(levels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Levels (1×1×H×W) at the size of a pipeline's mask: ...×height×width, or one row a token where it packs them."""
    packed = mask.ndim == 3
    cell = round((levels.numel() / mask.shape[1]) ** 0.5) if packed else 1
    size = (levels.shape[2] // cell, levels.shape[3] // cell) if packed else mask.shape[-2:]
    small = torch.nn.functional.interpolate(levels, size=size, mode="area").to(mask.device, mask.dtype)
    return small.reshape(1, -1, 1) if packed else small
