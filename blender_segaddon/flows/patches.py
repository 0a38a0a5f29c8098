"""What was retouched of the Render Result, back in the render: a patch in the compositor."""

from __future__ import annotations

import bpy
import numpy as np

from ..protocol.errors import InvalidInput
from ..texturing import images, patching


def make(scene: bpy.types.Scene, result: bpy.types.Image, matte: np.ndarray) -> bpy.types.Image:
    """Have the compositor put what was painted over the scene's renders, with what it puts there already.

    Args:
        result: a 32-bit picture that was made of the Render Result.
        matte: bool H×W, row 0 at the top: what of it was painted.

    Returns:
        The patch: scene-linear light with the matte as alpha, premultiplied, the rest transparent.

    Raises:
        InvalidInput: a picture of bytes, or a matte of another size.
    """
    if not result.is_float or matte.shape != tuple(result.size)[::-1]:
        raise InvalidInput(f"'{result.name}' is no retouched render", "Retouch the Render Result")
    old = patching.patch_of(scene)
    values = images.read_image(result)
    if old is not None and tuple(old.size) == tuple(result.size):
        matte = matte | (images.read_image(old)[..., 3] > 0)
    values[..., 3] = 1
    patch = images.light_image(f"Seg Patch {result.name.removeprefix('Seg ')}", values * matte[..., None])
    patching.set_patch(scene, patch)
    return patch
