"""What is under a mask, painted anew."""

from __future__ import annotations

from typing import Literal, Unpack, overload

import numpy as np

from ..core import preview
from ..flows import generating
from ..flows import picture as _picture
from ..flows.jobs import Job
from ..flows.masking import Mask
from ..flows.options import InpaintOptions
from ..flows.picture import Picture, PictureLike, Recipe
from ..protocol.messages import Priority
from .kinds import MaskLike
from .pictures import begin


@overload
def inpaint(
    picture: PictureLike,
    mask: MaskLike,
    prompt: str,
    *,
    wait: Literal[True] = True,
    **options: Unpack[InpaintOptions],
) -> list[Picture]: ...
@overload
def inpaint(
    picture: PictureLike, mask: MaskLike, prompt: str, *, wait: Literal[False], **options: Unpack[InpaintOptions]
) -> Job[list[Picture]]: ...
def inpaint(
    picture: PictureLike,
    mask: MaskLike,
    prompt: str,
    *,
    intent: str = "replace",
    strength: float = 1.0,
    count: int = 1,
    seed: int | None = None,
    model: str | None = None,
    priority: Priority | None = None,
    wait: bool = True,
) -> list[Picture] | Job[list[Picture]]:
    """Paint what is under the mask anew; every pixel outside stays identical.

    Args:
        mask: a ``Mask``, or bool H×W of the picture's size; True is painted.
        prompt: what should be there.
        intent: "replace", "change" (keeps the structure), "remove", or "extend" (what the maps say is there).
        strength, count, seed, model, priority, wait: as in ``generate``.

    Raises:
        InvalidInput: an empty mask, one of another size, an unknown intent.
    """
    source = _picture.as_picture(picture)
    recipe = Recipe(
        maps=source.maps,
        generator=model or preview.NAME,
        prompt=prompt,
        seed=generating.seed_or_any(seed),
        image=source.pixels,
        mask=mask.array if isinstance(mask, Mask) else np.asarray(mask),
        intent=intent,
        strength=strength,
    )
    job = begin(recipe, count, priority)
    return job.result() if wait else job


def remove(picture: PictureLike, mask: MaskLike, *, seed: int | None = None, model: str | None = None) -> Picture:
    """Take away what is under the mask and fill it from its surroundings. Raises as ``inpaint``."""
    return inpaint(picture, mask, "", intent="remove", seed=seed, model=model)[0]
