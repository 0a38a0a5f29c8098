"""Scene → maps, and maps → files and images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import bpy
import numpy as np

from .. import capture as _capture
from ..capture import CaptureJob
from ..core import coco, export, files
from ..core.maps import SceneMaps
from ..core.quality import Report
from ..core.quality import report as _report
from ..core.vocabulary import load
from ..flows import preparing
from ..flows.errands import Look
from ..protocol.errors import SceneError
from ..texturing import images
from . import handlers
from .meaning import scene_vocabulary


def capture(
    scene: bpy.types.Scene | None = None,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    engine: str = "auto",
    *,
    vocabulary: str | None = None,
    background: str | None = None,
    split: str = "object",
    coverage: int = 0,
) -> SceneMaps:
    """Render the exact maps of a scene; the scene is left as it was.

    Args:
        scene: the active scene when None.
        camera: the scene's camera when None.
        size: (width, height) in pixels; the scene's render size when None.
        engine: "cycles" (exact), "passes" (slower, one id for all instances of an object) or "auto": the first, or the
            second with a warning where this Blender does not allow the first.
        vocabulary: "ade20k", "coco_panoptic", or a .csv or .json file of the user's own (docs/classes.md); the
            scene's setting when None.
        background: class of what lies behind all objects, "" for none; the scene's setting, else "sky", when None.
        split: what has an id of its own: each "object" (each instance of it), or each "material" of it.
        coverage: rays a pixel (4..1024; 16 is a start) for soft mattes with the render's depth of field, motion blur
            and pixel filter, in ``maps.coverage``; 0 for none. Takes about as long as a picture of so many more pixels.

    Raises:
        SceneError: no camera, or nothing visible.
        InvalidInput: an unusable size or number of rays, an unknown engine, vocabulary, class or split; coverage of
            maps that are split by material.
    """
    scene = scene or bpy.context.scene
    if coverage:
        _capture.check_samples(coverage, split)
    maps = _capture.capture(
        scene,
        camera=camera,
        size=size,
        engine=engine,
        vocabulary=_vocabulary(scene, vocabulary),
        background=_background(scene, background, _vocabulary(scene, vocabulary)),
        split=split,
    )
    if coverage:
        maps = _capture.add_coverage(maps, scene, camera or scene.camera, samples=coverage)
    handlers.tell(handlers.captured, maps)
    return maps


def capture_views(
    cameras: Sequence[bpy.types.Object | Sequence[Sequence[float]]],
    scene: bpy.types.Scene | None = None,
    size: tuple[int, int] | None = None,
    *,
    vocabulary: str | None = None,
    background: str | None = None,
) -> list[SceneMaps]:
    """The maps from several places, in much less time than one capture each: the scene is built only once.

    Args:
        cameras: camera objects, or 4×4 matrices (camera to world space) where the scene's camera shall stand.

    Other arguments and errors as of ``capture``.
    """
    scene = scene or bpy.context.scene
    classes = _vocabulary(scene, vocabulary)
    return _capture.capture_views(
        scene, cameras, size=size, vocabulary=classes, background=_background(scene, background, classes)
    )


def start_capture(
    scene: bpy.types.Scene | None = None,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    *,
    vocabulary: str | None = None,
    background: str | None = None,
) -> CaptureJob:
    """Begin a capture beside the work in Blender's window, and return at once.

    Ask its ``done()`` from a timer or a modal operator, then ``result()``; ``cancel()`` ends it. An undo or the
    deletion of an object lets it start again, the load of another file ends it. While its ``holds_scene()`` is true,
    Blender reads the scene in another thread: as during any render, a script that then deletes objects may crash it.

    Arguments and errors as of ``capture``; also CaptureError where there is no window, or something is being rendered.
    """
    scene = scene or bpy.context.scene
    vocabulary = _vocabulary(scene, vocabulary)
    background = _background(scene, background, vocabulary)
    job = _capture.start_capture(scene, camera=camera, size=size, vocabulary=vocabulary, background=background)
    job.on_made = lambda maps: handlers.tell(handlers.captured, maps)
    preparing.beside(job, scene)
    return job


def look_at(scene: bpy.types.Scene, camera: bpy.types.Object | None, size: tuple[int, int] | None) -> Look:
    """What ``capture`` would show with its defaults, to be taken later. Raises SceneError without a camera."""
    camera = camera or scene.camera
    if camera is None:
        raise SceneError(f"Scene '{scene.name}' has no camera", "Add one or name another camera")
    vocabulary = scene_vocabulary(scene)
    options = {"size": size, "vocabulary": vocabulary, "background": _background(scene, None, vocabulary)}
    return Look(scene.name, camera.name, options)


def _vocabulary(scene: bpy.types.Scene, vocabulary: str | None) -> str:
    return vocabulary if vocabulary is not None else scene_vocabulary(scene)


def _background(scene: bpy.types.Scene, background: str | None, vocabulary: str) -> str:
    """The asked class; else the scene's; where that is only the default and the user's vocabulary has no sky, none."""
    if background is not None:
        return background
    settings = getattr(scene, "segaddon", None)  # not there where the module is used without the add-on
    found = settings.background if settings else "sky"
    return "" if found == "sky" and load(vocabulary).find(found) is None else found


def quality(maps: SceneMaps, *, model_palette: np.ndarray | None = None, latent_factor: int = 8) -> Report:
    """What a generator will have trouble with, before any time is spent on it.

    Args:
        model_palette: uint8 N×3, the colours that the model was trained on, by class; the vocabulary's own when None.
        latent_factor: pixels of the picture per cell of the model's latent image, each way; 8 for SD 1.5 and SDXL.

    Raises:
        InvalidInput: a palette of another shape, or a factor below 1.
    """
    return _report(maps, model_palette=model_palette, latent_factor=latent_factor)


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
