"""Looks: what a picture is asked with besides what it shows (model, style, options, words, references), kept as
an asset of Blender's.

A look is a node group without nodes that carries the values as JSON. Of the data-blocks that the Asset Browser shows,
that is the one that does nothing to a scene when it is dropped there, and textures are the kind whose menus it disturbs
least.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.resampling import resized
from ..protocol.errors import InvalidInput, SceneError

log = logging.getLogger(__name__)

TAG = "SegAddon Look"
"""Tag of the asset: the Asset Browser knows a look by it, unloaded."""
FIELDS = (
    "style",
    "words",
    "negative",
    "quality",
    "region_strength",
    "own_sampling",
    "steps",
    "guidance",
    "own_guides",
    "segmentation",
    "depth",
    "normal",
    "lineart",
    "class_words",
    "loras",
)
"""Of the generation's settings, in the order in which they are set: a switch goes before what it fills in. Reference
pictures belong to a look too."""

_VALUES, _IMAGES = "seg_look", "seg_look_images"
"""Custom properties: JSON; {number: image}, which Blender carries along with the look."""
_SIDE = 256
"""pixels of the thumbnail's longer side"""
_OWN = {"rna_type"}


def save(
    name: str, settings: bpy.types.PropertyGroup, thumbnail: np.ndarray | None = None, description: str = ""
) -> bpy.types.NodeTree:
    """Keep the settings of a scene as a look of this file, in the place of one of that name.

    Args:
        settings: ``scene.segaddon``.
        thumbnail: uint8 H×W×3, row 0 at the top.

    Raises:
        InvalidInput: no name.
    """
    if not name.strip():
        raise InvalidInput("A look needs a name", "Give it one")
    group = next((one for one in looks() if one.name == name.strip() and one.library is None), None)
    group = group or bpy.data.node_groups.new(name.strip(), "TextureNodeTree")
    references = [one for one in settings.generation.references if one.image is not None]
    values = {field: _plain(settings.generation, field) for field in FIELDS}
    values["references"] = [{"use": one.use, "weight": one.weight} for one in references]
    group[_VALUES] = json.dumps({"model": settings.model, "generation": values}, ensure_ascii=False)
    group[_IMAGES] = {str(number): one.image for number, one in enumerate(references)}
    if group.asset_data is None:
        group.asset_mark()
    group.asset_data.description = description
    group.asset_data.tags.new(TAG, skip_if_exists=True)
    if thumbnail is not None:
        _show(group, thumbnail)
    return group


def apply(group: bpy.types.NodeTree, settings: bpy.types.PropertyGroup) -> None:
    """Set what a look says; what is no part of it (prompt, seed, candidates) stays.

    Values that this version does not know are passed over.

    Raises:
        InvalidInput: no look, or one that cannot be read.
    """
    try:
        told = json.loads(group[_VALUES])
        values, model = dict(told["generation"]), str(told["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"'{group.name}' is no look", "Choose one that was saved with Save as Look") from error
    settings.model = model
    for field in FIELDS:
        if field in values:
            _set(settings.generation, field, values[field])
    _set(settings.generation, "references", values.get("references", []))
    images = group.get(_IMAGES, {})
    for number, one in enumerate(settings.generation.references):
        one.image = images.get(str(number))


def looks() -> list[bpy.types.NodeTree]:
    """Those in the open file, linked ones too, by name."""
    return sorted((one for one in bpy.data.node_groups if _VALUES in one), key=lambda one: one.name)


def find(name: str) -> bpy.types.NodeTree:
    """The look of this name. Raises InvalidInput that names those there are."""
    known = {one.name: one for one in looks()}
    if name not in known:
        there = f"Choose one of: {', '.join(known)}" if known else "Save one first"
        raise InvalidInput(f"There is no look '{name}' in this file", there)
    return known[name]


def apply_from(path: str | Path, name: str, settings: bpy.types.PropertyGroup) -> None:
    """As ``apply``, of another file, which leaves nothing in this one but its reference pictures.

    Raises:
        InvalidInput: the file cannot be read, or has no such look.
    """
    try:
        with bpy.data.libraries.load(str(path), link=False) as (there, here):  # pyright: ignore[reportGeneralTypeIssues]
            here.node_groups = [one for one in there.node_groups if one == name]
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read", "Choose a .blend file that is there") from error
    if not here.node_groups:
        raise InvalidInput(f"There is no look '{name}' in {path}", "Choose one that is in the file")
    (group,) = here.node_groups
    try:
        apply(group, settings)
    finally:
        bpy.data.node_groups.remove(group)


def settings_of(scene: bpy.types.Scene) -> bpy.types.PropertyGroup:
    """``scene.segaddon``. Raises SceneError where the add-on is not enabled."""
    settings = getattr(scene, "segaddon", None)
    if settings is None:
        raise SceneError("Looks need the add-on, which is not enabled", "Enable it in the preferences")
    return settings


def _plain(owner: bpy.types.PropertyGroup, field: str) -> Any:
    """A setting as JSON has it."""
    rna, value = owner.bl_rna.properties[field], getattr(owner, field)
    if rna.type == "POINTER":
        return _record(value)
    return [_record(one) for one in value] if rna.type == "COLLECTION" else value


def _record(group: bpy.types.PropertyGroup) -> dict[str, Any]:
    return {name: getattr(group, name) for name in _plain_fields(group)}


def _plain_fields(group: bpy.types.PropertyGroup) -> Iterator[str]:
    """Names of its numbers and words."""
    for rna in group.bl_rna.properties:
        if rna.type not in ("POINTER", "COLLECTION") and rna.identifier not in _OWN:
            yield rna.identifier


def _set(owner: bpy.types.PropertyGroup, field: str, value: Any) -> None:
    rna = owner.bl_rna.properties[field]
    if rna.type == "POINTER":
        _fill(getattr(owner, field), value)
    elif rna.type == "COLLECTION":
        _refill(getattr(owner, field), value)
    else:
        _assign(owner, field, value)


def _refill(collection: bpy.types.bpy_prop_collection, records: Sequence[dict[str, Any]]) -> None:
    collection.clear()
    for record in records:
        _fill(collection.add(), record)


def _fill(group: bpy.types.PropertyGroup, record: dict[str, Any]) -> None:
    for name in _plain_fields(group):
        if name in record:
            _assign(group, name, record[name])


def _assign(group: bpy.types.PropertyGroup, name: str, value: Any) -> None:
    try:
        setattr(group, name, value)
    except TypeError:  # of another version: a choice that is no more, a number that became a word
        log.warning("A look says %s = %r, which this version does not know", name, value)


def _show(group: bpy.types.NodeTree, picture: np.ndarray) -> None:
    """Make it the thumbnail that the Asset Browser shows."""
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = np.ones((size[1], size[0], 4), np.float32)
    pixels[..., :3] = np.clip(resized(picture[..., :3], size)[::-1] / 255, 0, 1)
    preview = group.preview_ensure()
    preview.image_size = size
    preview.image_pixels_float.foreach_set(pixels.ravel())
