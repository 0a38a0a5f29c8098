"""What a picture in the making looks like: its latents brought to colours by a linear map, without the autoencoder."""

from __future__ import annotations

import numpy as np
import torch

# Red, green and blue of each latent channel around mid grey, by regression on decoded pictures: the
# numbers that the field uses (ComfyUI's latent formats).
_COLOURS = {
    "pixels": ((0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.5), (0.0, 0.0, 0.0)),  # our own tiny-scenes
    "sd15": (
        (0.3512, 0.2297, 0.3227),
        (0.3250, 0.4974, 0.2350),
        (-0.2829, 0.1762, 0.2721),
        (-0.2120, -0.2616, -0.7177),
    ),
    "sdxl": (
        (0.3651, 0.4232, 0.4341),
        (-0.2533, -0.0042, 0.1068),
        (0.1076, 0.1111, -0.0362),
        (-0.3165, -0.2492, -0.2188),
    ),
    "zimage": (  # draws in the latents of FLUX.1
        (-0.0346, 0.0244, 0.0681),
        (0.0034, 0.0210, 0.0687),
        (0.0275, -0.0668, -0.0433),
        (-0.0174, 0.0160, 0.0617),
        (0.0859, 0.0721, 0.0329),
        (0.0004, 0.0383, 0.0115),
        (0.0405, 0.0861, 0.0915),
        (-0.0236, -0.0185, -0.0259),
        (-0.0245, 0.0250, 0.1180),
        (0.1008, 0.0755, -0.0421),
        (-0.0515, 0.0201, 0.0011),
        (0.0428, -0.0012, -0.0036),
        (0.0817, 0.0765, 0.0749),
        (-0.1264, -0.0522, -0.1103),
        (-0.0280, -0.0881, -0.0499),
        (-0.1262, -0.0982, -0.0778),
    ),
}


def kind(family: str, cell: int) -> str:
    """Of latents: the model's family, or "pixels" where a latent is one (``cell``, pixels along a latent, is 1)."""
    return "pixels" if cell == 1 else family


def glimpse(latents: torch.Tensor, kind: str) -> np.ndarray | None:
    """uint8 H×W×3 of the latents' size; None for those whose colours are not known (FLUX.2).

    Args:
        latents: 1×channels×H×W.
        kind: see there.
    """
    if kind not in _COLOURS:
        return None
    colours = torch.tensor(_COLOURS[kind])
    seen = torch.einsum("chw,cr->hwr", latents[0].float().cpu(), colours)
    return ((seen + 1) * 127.5).clamp(0, 255).nan_to_num(0).byte().numpy()
