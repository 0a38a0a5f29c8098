"""Pictures of light (32 bits, scene-linear) under a tool that works on what the artist sees.

The display values of such a picture go to the model, as floats. What comes back is made light again only where it
changed: everywhere else the light stays as it was, bit for bit.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..texturing import colour

VISIBLE = 1 / 255
"""Display-referred; a smaller difference is none."""


def shown(light: np.ndarray, scene: bpy.types.Scene) -> np.ndarray:
    """float32 H×W×3 in 0..1: what float32 H×W×4 light (alpha premultiplied) looks like in the view of ``scene``.

    The colours are divided by alpha first, so that soft edges do not come out dark; where alpha is 0 they are taken
    as they are.
    """
    rgb, alpha = light[..., :3], light[..., 3:]
    straight = np.divide(rgb, alpha, out=rgb.copy(), where=alpha > 0)
    return colour.to_display(np.nan_to_num(straight, nan=0.0, posinf=65504.0, neginf=0.0), scene)


def relit(light: np.ndarray, before: np.ndarray, after: np.ndarray, scene: bpy.types.Scene) -> np.ndarray:
    """float32 H×W×4: the light that looks like ``after`` in the view of ``scene``.

    Where no channel differs by ``VISIBLE`` or more, the light stays as it was. A colour that the view cannot show
    gets the nearest light that was found (a stand-in; ``texturing.colour``).

    Args:
        light: float32 H×W×4, alpha premultiplied.
        before, after: float32 H×W×3 in 0..1: what it looked like, and shall look like.
    """
    changed = (np.abs(after - before) >= VISIBLE).any(axis=-1)
    result = light.copy()
    if changed.any():
        found = colour.to_scene_linear(after[changed][None], scene).pixels[0]
        alpha = light[changed][:, 3:]
        result[changed, :3] = found * np.where(alpha > 0, alpha, 1)
    return result
