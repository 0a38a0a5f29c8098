"""What a picture in the making looks like: its latents brought to colours by a linear map, without the autoencoder."""

from __future__ import annotations

import numpy as np
import torch

# Red, green and blue of each of the four latent channels around mid grey, by regression on decoded pictures: the
# numbers that the field uses (ComfyUI's latent formats).
_COLOURS = {
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
}


def glimpse(latents: torch.Tensor, family: str) -> np.ndarray:
    """uint8 H×W×3, an eighth of the picture's size.

    Args:
        latents: 1×4×H×W.
        family: of the model.
    """
    colours = torch.tensor(_COLOURS[family])
    seen = torch.einsum("chw,cr->hwr", latents[0].float().cpu(), colours)
    return ((seen + 1) * 127.5).clamp(0, 255).nan_to_num(0).byte().numpy()
