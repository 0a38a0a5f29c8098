"""Accepted pictures: where they are kept, and which came from which.

An image whose pixels only Blender's memory holds is black after save and reload, so an accepted picture is a file
beside the .blend, or packed into it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import bpy
import numpy as np

from ..core.exr import write_exr
from ..core.png import write_png
from ..protocol.errors import InvalidInput
from ..texturing.images import read_image
from .picture import PARENT, TOKEN

Policy = Literal["beside", "packed", "template"]
BESIDE = "//{blend}_seg/{title}_v{version}"
"""Template of the policy "beside"."""
_ID = "seg_id"
"""Custom property of an image that was not made here: by which pictures made from it know it."""


@dataclass(frozen=True)
class Storing:
    """Where accepted pictures are kept, from the preferences."""

    policy: Policy = "beside"
    """"beside" the .blend, "packed" into it, or by a "template" of one's own; packed while the file is not saved"""
    template: str = BESIDE
    """of the path without suffix, for "template": {blend} and {title} are names, {version} is 001, 002, …; // is the
    folder of the .blend"""


def store(image: bpy.types.Image, storing: Storing) -> None:
    """Keep a picture's image for good, with the pixels that it has now: it survives save and reload.

    Raises:
        InvalidInput: an unknown policy or placeholder. StorageError: the file cannot be written; nothing is lost.
    """
    if storing.policy not in get_args(Policy):
        text = f"Pictures cannot be kept by {storing.policy!r}"
        raise InvalidInput(text, f"Choose one of: {', '.join(get_args(Policy))}")
    if storing.policy == "packed" or not bpy.data.filepath:
        if image.is_dirty or not image.packed_file:
            image.pack()
        return
    path = _free_path(image, BESIDE if storing.policy == "beside" else storing.template)
    _write(image, Path(bpy.path.abspath(path)))
    _move(image, path)


def mark(image: bpy.types.Image) -> str:
    """By which pictures made from this image know it, also after save and reload."""
    known = image.get(TOKEN) or image.get(_ID)
    if not known and image.type != "RENDER_RESULT" and image.library is None:
        known = image[_ID] = secrets.token_hex(8)
    return known or ""


def history(image: bpy.types.Image) -> list[bpy.types.Image]:
    """The images from the first to this one, each made from the one before; those that were deleted are left out."""
    known = {one.get(key): one for key in (_ID, TOKEN) for one in bpy.data.images if one.get(key)}
    chain = [image]
    while (before := known.get(chain[0].get(PARENT))) is not None and before not in chain:
        chain.insert(0, before)
    return chain


def _free_path(image: bpy.types.Image, template: str) -> str:
    """The path with the first version that is not there yet, as Blender has it ("//" for its folder)."""
    suffix = ".exr" if image.is_float else ".png"
    blend = Path(bpy.data.filepath).stem
    title = re.sub(r"\.\d{3}$", "", image.name.removeprefix("Seg "))  # Blender's own number of the image
    title = re.sub(r"[^\w-]+", "_", title).strip("_") or "picture"
    for version in range(1, 10_000):
        try:
            path = template.format(blend=blend, title=title, version=f"{version:03}") + suffix
        except (KeyError, IndexError, ValueError) as error:
            hint = "Use {blend}, {title} and {version}"
            raise InvalidInput(f"The path template {template!r} cannot be read: {error}", hint) from error
        if not Path(bpy.path.abspath(path)).exists():
            return path
    raise InvalidInput(f"There is no free version of {title!r}", "Put {version} into the template, or clean up")


def _write(image: bpy.types.Image, path: Path) -> None:
    pixels = read_image(image)
    if image.is_float:
        write_exr(path, {name: pixels[..., k] for k, name in enumerate("RGBA")})
    else:
        channels = 3 if pixels[..., 3].min() >= 1 else 4
        write_png(path, np.rint(pixels[..., :channels] * 255).astype(np.uint8))


def _move(image: bpy.types.Image, path: str) -> None:
    """Let an image have its pixels from a file that holds the same: all who use it, or know it, go on to do so."""
    if image.packed_file:
        image.unpack(method="REMOVE")
    image.source, image.filepath_raw = "FILE", path
    image.reload()
