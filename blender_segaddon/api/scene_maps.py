"""Scene → maps, and maps → files and images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import bpy

from .. import capture as _capture
from ..core import coco, export, files
from ..core.maps import SceneMaps
from ..core.naming import ClassMatch
from ..texturing import images


def capture(
    scene: bpy.types.Scene | None = None,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    engine: str = "auto",
    *,
    vocabulary: str = "ade20k",
    background: str | None = None,
    coverage: int = 0,
) -> SceneMaps:
    """Render the exact maps of a scene; the scene is left as it was.

    Args:
        scene: the active scene when None.
        camera: the scene's camera when None.
        size: (width, height) in pixels; the scene's render size when None.
        engine: "auto" or "cycles".
        vocabulary: "ade20k" or "coco_panoptic".
        background: class of what lies behind all objects, "" for none; the scene's setting, else "sky", when None.
        coverage: rays a pixel (4..1024; 16 is a start) for soft mattes with the render's depth of field, motion blur
            and pixel filter, in ``maps.coverage``; 0 for none. Takes about as long as a picture of so many more pixels.

    Raises:
        SceneError: no camera, or nothing visible.
        InvalidInput: an unusable size or number of rays, an unknown engine, vocabulary or class.
    """
    scene = scene or bpy.context.scene
    if background is None:
        settings = getattr(scene, "segaddon", None)  # not there where the module is used without the add-on
        background = settings.background if settings else "sky"
    if coverage:
        _capture.check_samples(coverage)
    maps = _capture.capture(
        scene, camera=camera, size=size, engine=engine, vocabulary=vocabulary, background=background
    )
    return _capture.add_coverage(maps, scene, camera or scene.camera, samples=coverage) if coverage else maps


def class_of(one: bpy.types.Object, *, vocabulary: str = "ade20k") -> ClassMatch:
    """What a capture would take an object for, and why. Raises InvalidInput for an unknown vocabulary."""
    return _capture.class_of(one, vocabulary)


def add_camera(scene: bpy.types.Scene | None = None) -> bpy.types.Object:
    """Add a camera that frames all that renders, and make it the scene's. Raises SceneError where nothing does."""
    return _capture.add_framing_camera(scene or bpy.context.scene)


def map_images(maps: SceneMaps) -> dict[str, bpy.types.Image]:
    """The maps for the eye as Blender images "Seg semantic_map" …, replaced at each call; by their short names."""
    return {name: images.swapped_image(f"Seg {name}", pixels) for name, pixels in files.maps_images(maps).items()}


def export_maps(maps: SceneMaps, folder: str | Path, formats: Sequence[str] = export.DEFAULT_FORMATS) -> list[Path]:
    """Write maps to a folder, each file whole or not at all; returns what was written.

    Args:
        formats: of "npz" (exact arrays, legend and camera), "png" (pictures for the eye; the semantic map in the exact
            colours of its vocabulary), "id_png" (16-bit ids), "coco" (panoptic and instances), "exr" (all maps,
            multilayer), "cryptomatte" (mattes by name, with the maps' coverage). docs/formats.md describes the files.

    Raises:
        InvalidInput: an unknown format, or maps that one cannot hold.
        StorageError: the folder cannot be written.
    """
    return export.export_maps(maps, folder, formats)


def export_dataset(
    frames: Iterable[SceneMaps | tuple[str, SceneMaps]], folder: str | Path, *, append: bool = False
) -> list[Path]:
    """Write many frames as one COCO data set (panoptic and instances); returns what was written.

    Args:
        frames: maps, or (file name of the picture that they belong to, maps); taken one at a time, so a generator that
            captures as it goes needs the memory of one.
        append: go on with the data set that is in the folder; its ids stay, new ones follow.

    Raises:
        InvalidInput: no frames, or another vocabulary than the data set's.
        StorageError: the folder cannot be written.
    """
    return coco.write_coco((("", one) if isinstance(one, SceneMaps) else one for one in frames), folder, append)
