"""A picture and all that made it; what people hold in scripts, and what the buttons work on."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import bpy
import numpy as np

from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput
from ..texturing import colour, images

_KEY = "seg_picture"
"""Custom property of a Blender image: ``Picture.key``. Names will not do: undo and renaming give them to others."""
_META = "seg_picture_meta"
"""Custom property of a Blender image: ``Picture.meta`` as JSON, for people."""

_REMEMBERED = 32
"""Pictures; each holds its maps, 13 MB at 1024×576."""
_session: dict[str, Picture] = {}
"""The last pictures of this Blender session by their keys, oldest first: how an image finds its maps again."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """Everything a picture was asked with; the same recipe gives the same pixels."""

    maps: SceneMaps | None
    generator: str = "preview"
    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 0
    """0 .. 2**32-1"""
    image: np.ndarray | None = None
    """uint8 H×W×3: what the picture starts from"""
    mask: np.ndarray | None = None
    """bool H×W: what of ``image`` is painted anew"""
    intent: str = "replace"
    strength: float = 1.0
    """0 .. 1"""


@dataclass(eq=False)
class Picture:
    """A finished picture, display-referred sRGB, row 0 at the top."""

    pixels: np.ndarray
    """uint8 H×W×3"""
    recipe: Recipe
    metadata: dict[str, str] = field(default_factory=dict)
    """what the generator said of it: versions, words understood, whether it was a model"""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    """how its Blender image is found, and what an image finds its picture by"""

    @property
    def array(self) -> np.ndarray:
        """uint8 H×W×4, row 0 at the top, alpha 255; a copy."""
        alpha = np.full((*self.pixels.shape[:2], 1), 255, np.uint8)
        return np.concatenate([self.pixels, alpha], axis=-1)

    @property
    def maps(self) -> SceneMaps | None:
        """The maps that the picture was made from, None for a picture from elsewhere."""
        return self.recipe.maps

    @property
    def meta(self) -> dict[str, Any]:
        """Plain values: prompt, seed, generator, size and what the generator reported."""
        recipe = self.recipe
        return {
            "generator": recipe.generator,
            "prompt": recipe.prompt,
            "negative_prompt": recipe.negative_prompt,
            "seed": recipe.seed,
            "strength": recipe.strength,
            "width": self.pixels.shape[1],
            "height": self.pixels.shape[0],
            **self.metadata,
        }

    @property
    def image(self) -> bpy.types.Image:
        """The Blender image with these pixels, made at the first call; packed, so that it survives save and reload."""
        for one in bpy.data.images:
            if one.get(_KEY) == self.key:
                return one
        made = images.display_image(self._title(), self.pixels)
        made[_KEY], made[_META] = self.key, json.dumps(self.meta)
        _remember(self)
        return made

    def _title(self) -> str:
        return f"Seg {self.recipe.prompt or self.recipe.generator}"[:55].strip()


def as_picture(source: Picture | bpy.types.Image | np.ndarray) -> Picture:
    """What a function was given, as a Picture.

    Args:
        source: a Picture; a Blender image (one that this session made finds its maps again); or an array H×W×3 or
            H×W×4, uint8 or float 0..1, display-referred sRGB, row 0 at the top.

    Raises:
        InvalidInput: another type or shape, or an image without pixels (the Render Result has none in Python).
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, bpy.types.Image):
        known = find(source)
        if known is not None and source.is_dirty:  # somebody painted on it, and that counts
            known = replace(known, pixels=_read(source))
            _remember(known)
        if known is not None:
            return known
        if 0 in source.size:
            raise InvalidInput(
                f"Image '{source.name}' has no pixels that Python can read",
                "Save the render to a file and open that, or use a generated picture",
            )
        return Picture(_read(source), Recipe(maps=None, generator="import"))
    if isinstance(source, np.ndarray):
        return Picture(_display_bytes(source), Recipe(maps=None, generator="import"))
    raise InvalidInput(
        f"A picture cannot be made from {type(source).__name__}", "Give a Picture, a Blender image or an array"
    )


def find(image: bpy.types.Image | None) -> Picture | None:
    """The picture that this session made for the image, None where it knows none (any more)."""
    return None if image is None else recall(image.get(_KEY, ""))


def recall(key: str) -> Picture | None:
    """The picture with this key, None where this session knows none (any more)."""
    return _session.get(key)


def is_ours(image: bpy.types.Image) -> bool:
    """Whether some session made the image."""
    return _KEY in image


def forget_all() -> None:
    """Drop what the session remembers (the add-on is being disabled, or another file was loaded)."""
    _session.clear()


def _remember(picture: Picture) -> None:
    _session[picture.key] = picture
    for key in list(_session)[:-_REMEMBERED]:
        del _session[key]


def _read(image: bpy.types.Image) -> np.ndarray:
    """uint8 H×W×3 as the artist sees it: float images hold light, which goes through the view of the active scene."""
    values = images.read_image(image)[..., :3]
    light = image.is_float and not image.colorspace_settings.is_data
    return _display_bytes(colour.to_display(values, bpy.context.scene) if light else values)


def _display_bytes(array: np.ndarray) -> np.ndarray:
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        raise InvalidInput(f"A picture array has shape H×W×3 or H×W×4, not {array.shape}", "Check the array")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array[..., :3])
    if not np.issubdtype(array.dtype, np.floating):
        raise InvalidInput(f"A picture array holds uint8 or floats in 0..1, not {array.dtype}", "Convert it first")
    if not np.isfinite(array).all():
        raise InvalidInput("The picture array holds values that are not numbers", "Check the array")
    return (np.clip(array[..., :3], 0, 1) * 255 + 0.5).astype(np.uint8)
