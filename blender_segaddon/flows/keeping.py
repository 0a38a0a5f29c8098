"""A picture and all that made it as bytes: a placement keeps them, so that another session can update it."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np

from ..core import files
from ..protocol.errors import InvalidInput
from .picture import Picture, Recipe

_ABOUT, _PIXELS = "picture.json", "pixels.npz"
_PLAIN = ("generator", "prompt", "negative_prompt", "seed", "intent", "strength")
"""Fields of a recipe that JSON holds."""
_LEVEL = 1
"""zlib; 6 takes five times as long for a tenth less."""


def pack(picture: Picture) -> bytes:
    """A zip archive of the pixels, the recipe with its maps, and the metadata."""
    recipe = picture.recipe
    about = {"recipe": {name: getattr(recipe, name) for name in _PLAIN}, "metadata": picture.metadata}
    arrays = {"pixels": picture.pixels, "image": recipe.image, "mask": recipe.mask}
    pixels, archive = BytesIO(), BytesIO()
    np.savez(pixels, **{name: array for name, array in arrays.items() if array is not None})
    parts = {_ABOUT: json.dumps(about).encode(), _PIXELS: pixels.getvalue()}
    if recipe.maps is not None:
        parts |= files.encode_maps(recipe.maps)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as store:
        for name, data in parts.items():
            store.writestr(name, data)
    return archive.getvalue()


def unpack(data: bytes, where: str) -> Picture:
    """What ``pack`` gave; ``where`` it was kept, for the error. Raises InvalidInput where it is damaged."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as store:
            parts = {name: store.read(name) for name in store.namelist()}
        about = json.loads(parts[_ABOUT])
        with np.load(BytesIO(parts[_PIXELS]), allow_pickle=False) as stored:
            arrays = dict(stored)
        pixels = arrays.pop("pixels")
        recipe = Recipe(maps=None, **about["recipe"], **arrays)
        metadata = dict(about["metadata"])
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"The picture in {where} is damaged ({error})", "Generate it again") from error
    maps = files.decode_maps(parts, where) if files.MAPS_FILE in parts else None
    return Picture(pixels, replace(recipe, maps=maps), metadata)
