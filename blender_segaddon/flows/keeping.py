"""A picture and all that made it as bytes: a placement keeps them, so that another session can update it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..core import files
from ..core.maps import SceneMaps
from ..protocol.codec import from_json, to_json
from ..protocol.errors import InvalidInput
from ..protocol.messages import ModelOptions
from .picture import Picture, Recipe, Shown

_ABOUT, _PIXELS = "picture.json", "pixels.npz"
_PLAIN = ("generator", "prompt", "negative_prompt", "seed", "intent", "strength", "softness", "after", "style")
"""Fields of a recipe that JSON holds."""
_REFERENCE = "reference"
_MAPS = "maps.zip"
"""In archives of earlier versions: that of the maps."""
_LEVEL = 1
"""zlib; 6 takes five times as long for a tenth less."""
_SPLIT = 1 << 20
"""bytes that are written at once: Python runs nothing else meanwhile, and the window would wait"""
_packed: WeakKeyDictionary[SceneMaps, bytes] = WeakKeyDictionary()
"""What ``packed_maps`` gave."""


def pack(picture: Picture) -> bytes:
    """A zip archive of the pixels, the recipe but for its maps, and the metadata.

    Nothing is compressed: that would take many times as long, to save a tenth of what a placement adds to the .blend.
    """
    about = {"recipe": plain(picture.recipe), "metadata": picture.metadata}
    return _zipped(_parts(picture.recipe, about, {"pixels": picture.pixels}), zipfile.ZIP_STORED)


def pack_recipe(recipe: Recipe) -> bytes:
    """A recipe alone, not compressed: quick, for a file that soon goes again."""
    parts = _parts(recipe, {"recipe": plain(recipe)}, {})
    if recipe.maps is not None:
        parts |= files.encode_maps(recipe.maps, readable=False)
    return _zipped(parts, zipfile.ZIP_STORED)


def packed_maps(maps: SceneMaps) -> bytes:
    """A zip archive of maps, made once for all their pictures: it takes long. Runs in any thread."""
    if maps not in _packed:
        _packed[maps] = _zipped(files.encode_maps(maps, readable=False), zipfile.ZIP_DEFLATED)
    return _packed[maps]


def unpack(data: bytes, where: str, maps: bytes = b"") -> Picture:
    """What ``pack`` and ``packed_maps`` gave; ``where`` it was kept, for the error. Raises InvalidInput where it is
    damaged."""
    with _readable(where):
        about, arrays, recipe = _read(data, where, maps)
        return Picture(arrays["pixels"], recipe, dict(about["metadata"]))


def unpack_recipe(data: bytes, where: str) -> Recipe:
    """What ``pack_recipe`` gave. Raises as ``unpack``."""
    with _readable(where):
        return _read(data, where)[2]


def plain(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe JSON holds: all but its arrays."""
    shown = [(one.weight, list(one.instances)) for one in recipe.references]
    return {name: getattr(recipe, name) for name in _PLAIN} | {"options": to_json(recipe.options), "references": shown}


def of_plain(values: dict[str, Any], **arrays: Any) -> Recipe:
    """The reverse of ``plain``, with the maps, image, mask and references' pixels that it lacks."""
    options = from_json(ModelOptions, values.get("options", {}))
    pixels, shown = arrays.pop("references", ()), values.get("references", ())
    references = tuple(Shown(one, weight, tuple(ids)) for one, (weight, ids) in zip(pixels, shown, strict=False))
    return Recipe(**arrays, **{**values, "options": options, "references": references})


def _parts(recipe: Recipe, about: dict[str, Any], more: dict[str, np.ndarray]) -> dict[str, bytes]:
    """The files of an archive, by name."""
    arrays = {**more, "image": recipe.image, "mask": recipe.mask}
    arrays |= {f"{_REFERENCE}{index}": one.pixels for index, one in enumerate(recipe.references)}
    pixels = BytesIO()
    np.savez(pixels, **{name: array for name, array in arrays.items() if array is not None})
    return {_ABOUT: json.dumps(about).encode(), _PIXELS: pixels.getvalue()}


def _zipped(parts: Mapping[str, bytes], method: int) -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", method, compresslevel=_LEVEL) as store:
        for name, data in parts.items():
            large = len(data) * 1.05 > zipfile.ZIP64_LIMIT  # packed data may be longer; as writestr has it
            with store.open(name, "w", force_zip64=large) as file:
                for start in range(0, len(data), _SPLIT):
                    file.write(memoryview(data)[start : start + _SPLIT])
    return archive.getvalue()


def _unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as store:
        return {name: store.read(name) for name in store.namelist()}


def _read(data: bytes, where: str, maps: bytes = b"") -> tuple[dict[str, Any], dict[str, np.ndarray], Recipe]:
    """What is said of it, its arrays, and the recipe."""
    parts = _unzipped(data)
    if maps or _MAPS in parts:
        parts |= _unzipped(maps or parts[_MAPS])
    about = json.loads(parts[_ABOUT])
    with np.load(BytesIO(parts[_PIXELS]), allow_pickle=False) as stored:
        arrays = dict(stored)
    decoded = files.decode_maps(parts, where) if files.MAPS_FILE in parts else None
    references = [arrays[name] for name in sorted(arrays) if name.startswith(_REFERENCE)]
    image, mask = arrays.get("image"), arrays.get("mask")
    recipe = of_plain(about["recipe"], maps=decoded, image=image, mask=mask, references=references)
    return about, arrays, recipe


@contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"The picture in {where} is damaged ({error})", "Generate it again") from error
