"""A scene as USD by Blender's own exporter, and baked textures as files."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import bpy

from ..protocol.errors import SceneError, StorageError
from . import baked


def write_scene(scene: bpy.types.Scene, path: Path, baked_objects: Iterable[bpy.types.Object]) -> None:
    """Write a scene into a .usda file, without its bakes: with the materials that the objects had before them.

    Raises:
        SceneError: this Blender cannot write USD. StorageError: the file cannot be written.
    """
    if not bpy.app.build_options.usd:
        raise SceneError("This Blender was built without USD", "Export to glTF, or take Blender from blender.org")
    options = {"export_custom_properties": True, "author_blender_name": True, "allow_unicode": False}
    with baked.set_aside(baked_objects), bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        try:
            done = bpy.ops.wm.usd_export(filepath=str(path), root_prim_path="/root", rename_uvmaps=True, **options)
        except RuntimeError as error:
            raise StorageError(f"{path} cannot be written: {error}".strip(), "Choose another folder") from error
    if "FINISHED" not in done or not path.is_file():
        raise StorageError(f"{path} cannot be written", "Choose a folder that you may write to")


def write_image(image: bpy.types.Image, folder: Path) -> Path:
    """Write an image as it is, EXR for light and else PNG, and give its path; the image keeps what it knows of files.

    Raises StorageError.
    """
    path = folder / file_name(image)
    before = image.file_format
    copied = {"save_copy": True} if "save_copy" in bpy.types.Image.bl_rna.functions["save"].parameters else {}
    try:
        image.file_format = "OPEN_EXR" if image.is_float else "PNG"
        image.save(filepath=str(path), **copied)  # Blender 4.2 always saves a copy where it is told a path
    except RuntimeError as error:
        raise StorageError(f"{path} cannot be written", "Choose a folder that you may write to") from error
    finally:
        image.file_format = before
    return path


def file_name(image: bpy.types.Image) -> str:
    """A name for an image's file that every file system and exporter takes, and that no other image here has."""
    letters = "".join(one if one.isalnum() or one in " ._-" else "_" for one in image.name)
    alike = [one for one in bpy.data.images if one.name.casefold() == image.name.casefold()]
    if letters != image.name or len(alike) > 1:
        letters = f"{letters}-{zlib.crc32(image.name.encode()):08x}"
    return f"{letters}{'.exr' if image.is_float else '.png'}"
