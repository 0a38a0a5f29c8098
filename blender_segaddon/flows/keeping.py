"""A picture and all that made it as bytes: a placement keeps them, so that another session can update it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np

from ..core import files
from ..protocol.codec import from_json, to_json
from ..protocol.errors import InvalidInput
from ..protocol.messages import ModelOptions
from .picture import Picture, Recipe

_ABOUT, _PIXELS = "picture.json", "pixels.npz"
_PLAIN = ("generator", "prompt", "negative_prompt", "seed", "intent", "strength", "softness", "after", "style")
"""Fields of a recipe that JSON holds."""
_LEVEL = 1
"""zlib; 6 takes five times as long for a tenth less."""


def pack(picture: Picture) -> bytes:
    """A zip archive of the pixels, the recipe with its maps, and the metadata."""
    about = {"recipe": plain(picture.recipe), "metadata": picture.metadata}
    return _archive(picture.recipe, about, {"pixels": picture.pixels}, zipfile.ZIP_DEFLATED)


def pack_recipe(recipe: Recipe) -> bytes:
    """A recipe alone, not compressed: quick, for a file that soon goes again."""
    return _archive(recipe, {"recipe": plain(recipe)}, {}, zipfile.ZIP_STORED)


def unpack(data: bytes, where: str) -> Picture:
    """What ``pack`` gave; ``where`` it was kept, for the error. Raises InvalidInput where it is damaged."""
    with _readable(where):
        about, arrays, recipe = _read(data, where)
        return Picture(arrays["pixels"], recipe, dict(about["metadata"]))


def unpack_recipe(data: bytes, where: str) -> Recipe:
    """What ``pack_recipe`` gave. Raises as ``unpack``."""
    with _readable(where):
        return _read(data, where)[2]


def plain(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe JSON holds: all but its arrays."""
    return {name: getattr(recipe, name) for name in _PLAIN} | {"options": to_json(recipe.options)}


def of_plain(values: dict[str, Any], **arrays: Any) -> Recipe:
    """The reverse of ``plain``, with the maps, image and mask that it lacks."""
    return Recipe(**arrays, **{**values, "options": from_json(ModelOptions, values.get("options", {}))})


def _archive(recipe: Recipe, about: dict[str, Any], more: dict[str, np.ndarray], method: int) -> bytes:
    arrays = {**more, "image": recipe.image, "mask": recipe.mask}
    pixels, archive = BytesIO(), BytesIO()
    np.savez(pixels, **{name: array for name, array in arrays.items() if array is not None})
    parts = {_ABOUT: json.dumps(about).encode(), _PIXELS: pixels.getvalue()}
    if recipe.maps is not None:
        parts |= files.encode_maps(recipe.maps)
    with zipfile.ZipFile(archive, "w", method, compresslevel=_LEVEL) as store:
        for name, data in parts.items():
            store.writestr(name, data)
    return archive.getvalue()


def _read(data: bytes, where: str) -> tuple[dict[str, Any], dict[str, np.ndarray], Recipe]:
    """What is said of it, its arrays, and the recipe."""
    with zipfile.ZipFile(BytesIO(data)) as store:
        parts = {name: store.read(name) for name in store.namelist()}
    about = json.loads(parts[_ABOUT])
    with np.load(BytesIO(parts[_PIXELS]), allow_pickle=False) as stored:
        arrays = dict(stored)
    maps = files.decode_maps(parts, where) if files.MAPS_FILE in parts else None
    recipe = of_plain(about["recipe"], maps=maps, image=arrays.get("image"), mask=arrays.get("mask"))
    return about, arrays, recipe


@contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"The picture in {where} is damaged ({error})", "Generate it again") from error
