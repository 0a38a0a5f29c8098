"""Looks: model, style, options, words for classes and reference pictures of a scene, kept as an asset."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..flows import looks as _looks
from ..flows.looks import FIELDS as LOOK_FIELDS
from ..flows.looks import TAG as LOOK_TAG
from ..flows.picture import PictureLike, as_picture

__all__ = ["LOOK_FIELDS", "LOOK_TAG", "apply_look", "looks", "save_look"]


def save_look(
    name: str, *, thumbnail: PictureLike | None = None, scene: bpy.types.Scene | None = None
) -> bpy.types.NodeTree:
    """Keep what the scene's panel asks a model with as a look: model, style, words, options, guides, words for classes,
    LoRAs and reference pictures; not the prompt, the seed or how many.

    It is an asset of the file, which the Asset Browser shows: it gets a catalogue, tags, another library there as any
    asset does. One of the same name is replaced.

    Args:
        thumbnail: the scene's last picture when None, where there is one.
        scene: the active one when None.

    Raises:
        InvalidInput: no name. SceneError: the add-on is not enabled.
    """
    scene = scene or bpy.context.scene
    settings = _looks.settings_of(scene)
    shown = settings.picture if thumbnail is None else thumbnail
    pixels = None if shown is None else as_picture(shown).pixels
    said = filter(None, (settings.model or "preview", settings.generation.style, settings.generation.words))
    return _looks.save(name, settings, pixels, ", ".join(said))


def apply_look(
    look: str | bpy.types.NodeTree, *, file: str | Path | None = None, scene: bpy.types.Scene | None = None
) -> None:
    """Ask for pictures of a scene as a look says; its prompt, seed and number of candidates stay.

    Args:
        look: one of ``looks()``, or its name.
        file: a .blend that it is in; the open file when None. Nothing of it stays here but its reference pictures.
        scene: the active one when None.

    Raises:
        InvalidInput: there is no such look or file. SceneError: the add-on is not enabled.
    """
    settings = _looks.settings_of(scene or bpy.context.scene)
    if file is None:
        _looks.apply(_looks.find(look) if isinstance(look, str) else look, settings)
    else:
        name = look if isinstance(look, str) else look.name
        _looks.apply_from(bpy.path.abspath(str(file)), name, settings)


def looks() -> list[bpy.types.NodeTree]:
    """The looks in the open file, linked ones too, by name."""
    return _looks.looks()
