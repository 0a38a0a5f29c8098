"""A request to paint under a mask → what a model draws of it → the picture again.

Whatever draws gets a crop at a size that it draws well, with the maps of just that crop; see ``core.inpainting.crop``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from blender_segaddon.core.inpainting import crop as cropping
from blender_segaddon.core.inpainting.classical import prefilled
from blender_segaddon.core.inpainting.crop import Crop
from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.errors import InvalidInput

from ..generators import Inputs

_FEW_LEVELS = 10
"""Steps of drawing under which a soft edge falls into bands: it has one grey level a step."""
_NEARLY = 0.99
"""Greatest strength of SDXL's 9-channel checkpoints: at 1 they leave the frame of the mask visible (their card)."""


@dataclass(frozen=True, eq=False)
class Job:
    """One crop to draw."""

    inputs: Inputs
    """request and maps of the crop, at the drawn size"""
    crop: Crop
    given: np.ndarray
    """float32 of the drawn size, 0..1: what the model starts from, pre-filled by intent"""
    mask: np.ndarray
    """bool of the drawn size: where it draws"""
    levels: np.ndarray | None
    """float32 of the drawn size, 0..1: how freely, for soft inpainting; None: as much everywhere"""
    strength: float
    _image: np.ndarray
    _before: np.ndarray
    """float32 of the drawn size: the crop as it was"""

    def full_maps(self, maps: SceneMaps) -> SceneMaps:
        """The maps of the box as they are, of the picture's maps."""
        return cropping.cut_maps(replace(self.crop, drawn=self.crop.size), maps)

    def full_mask(self) -> np.ndarray:
        """Float32 of the size of the box, 0..1: where it draws."""
        return cropping.cut_mask(replace(self.crop, drawn=self.crop.size), self.crop.denoise)

    def finished(self, drawn: np.ndarray) -> np.ndarray:
        """The request's image with float32 ``drawn`` (0..1) in it: same type, identical outside the composite mask.

        ``drawn`` may also have the size of the box.
        """
        return cropping.stitch(self._image, self.crop, drawn, self._before)


def prepare(inputs: Inputs, *, native: int, cell: int = 8, family: str = "sd15", nine: bool = False, seed: int) -> Job:
    """What a model that was trained on ``native``² pixels draws of a request with an image and a mask.

    Args:
        cell: the sides that the model draws are multiples of this.
        nine: it is an inpainting checkpoint, which sees the masked picture besides the latents (9 channels).

    Raises:
        InvalidInput: no image, or an empty mask.
    """
    request, image, crop = inputs.request, inputs.image, _planned(inputs, native, cell)
    if image is None:
        raise InvalidInput("There is no picture to paint on", "Give a picture and a mask")
    maps = None if inputs.maps is None else cropping.cut_maps(crop, inputs.maps)
    before = cropping.cut(crop, image)
    denoise = cropping.cut_mask(crop, crop.denoise)
    hidden = cropping.cut_mask(crop, crop.mask) > 0.5
    given = prefilled(before, hidden, request.intent, maps, seed, request.scene_after)
    strength = min(request.strength, _NEARLY) if nine and family == "sdxl" else request.strength
    return Job(
        inputs=replace(inputs, maps=maps, image=None, mask=None),
        crop=crop,
        given=given,
        mask=denoise > 0.5,
        levels=denoise if request.softness > 0 and not nine else None,
        strength=strength,
        _image=image,
        _before=before,
    )


def described(inputs: Inputs, *, native: int, cell: int = 8, steps: int, nine: bool) -> dict[str, str]:
    """What goes into the result's metadata. ``steps``: of drawing."""
    if inputs.mask is None:
        return {}
    crop = _planned(inputs, native, cell)
    told = {"crop": "{} {} {} {}".format(*crop.box), "drawn": f"{crop.drawn[0]}×{crop.drawn[1]}"}
    soft = inputs.request.softness > 0 and not nine
    if soft and steps < _FEW_LEVELS:
        told["notice"] = f"Soft inpainting has one grey level a step: with {steps} steps its edge bands"
    return told


def _planned(inputs: Inputs, native: int, cell: int) -> Crop:
    request, mask = inputs.request, inputs.mask
    if mask is None:
        raise InvalidInput("There is no picture to paint on", "Give a picture and a mask")
    strength = max(request.strength, 0.1)  # at 0 the crop would show nothing around
    return cropping.plan(mask, native=native, cell=cell, strength=strength, softness=request.softness)
