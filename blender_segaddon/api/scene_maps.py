"""Scene → maps, and maps → files and images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from .. import capture as _capture
from ..capture import CaptureJob
from ..core import files
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
) -> SceneMaps:
    """Render the exact maps of a scene; the scene is left as it was.

    Args:
        scene: the active scene when None.
        camera: the scene's camera when None.
        size: (width, height) in pixels; the scene's render size when None.
        engine: "cycles" (exact), "passes" (slower, one id for all instances of an object) or "auto": the first, or the
            second with a warning where this Blender does not allow the first.
        vocabulary: "ade20k" or "coco_panoptic".
        background: class of what lies behind all objects, "" for none; the scene's setting, else "sky", when None.

    Raises:
        SceneError: no camera, or nothing visible.
        InvalidInput: an unusable size, an unknown engine, vocabulary or class.
    """
    scene = scene or bpy.context.scene
    return _capture.capture(
        scene,
        camera=camera,
        size=size,
        engine=engine,
        vocabulary=vocabulary,
        background=_background(scene, background),
    )


def capture_views(
    cameras: Sequence[bpy.types.Object | Sequence[Sequence[float]]],
    scene: bpy.types.Scene | None = None,
    size: tuple[int, int] | None = None,
    *,
    vocabulary: str = "ade20k",
    background: str | None = None,
) -> list[SceneMaps]:
    """The maps from several places, in much less time than one capture each: the scene is built only once.

    Args:
        cameras: camera objects, or 4×4 matrices (camera to world space) where the scene's camera shall stand.

    Other arguments and errors as of ``capture``.
    """
    scene = scene or bpy.context.scene
    return _capture.capture_views(
        scene, cameras, size=size, vocabulary=vocabulary, background=_background(scene, background)
    )


def start_capture(
    scene: bpy.types.Scene | None = None,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    *,
    vocabulary: str = "ade20k",
    background: str | None = None,
) -> CaptureJob:
    """Begin a capture beside the work in Blender's window, and return at once.

    Ask its ``done()`` from a timer or a modal operator, then ``result()``; ``cancel()`` ends it. An undo or the
    deletion of an object lets it start again, the load of another file ends it. While its ``holds_scene()`` is true,
    Blender reads the scene in another thread: as during any render, a script that then deletes objects may crash it.

    Arguments and errors as of ``capture``; also CaptureError where there is no window, or something is being rendered.
    """
    scene = scene or bpy.context.scene
    return _capture.start_capture(
        scene, camera=camera, size=size, vocabulary=vocabulary, background=_background(scene, background)
    )


def _background(scene: bpy.types.Scene, background: str | None) -> str:
    if background is not None:
        return background
    settings = getattr(scene, "segaddon", None)  # not there where the module is used without the add-on
    return settings.background if settings else "sky"


def class_of(one: bpy.types.Object, *, vocabulary: str = "ade20k") -> ClassMatch:
    """What a capture would take an object for, and why. Raises InvalidInput for an unknown vocabulary."""
    return _capture.class_of(one, vocabulary)


def add_camera(scene: bpy.types.Scene | None = None) -> bpy.types.Object:
    """Add a camera that frames all that renders, and make it the scene's. Raises SceneError where nothing does."""
    return _capture.add_framing_camera(scene or bpy.context.scene)


def map_images(maps: SceneMaps) -> dict[str, bpy.types.Image]:
    """The maps for the eye as Blender images "Seg semantic_map" …, replaced at each call; by their short names."""
    return {name: images.swapped_image(f"Seg {name}", pixels) for name, pixels in files.maps_images(maps).items()}


def export_maps(maps: SceneMaps, folder: str | Path) -> list[Path]:
    """Write maps.npz, legend.json, camera.json and the pictures of the four maps; returns what was written.

    Raises:
        StorageError: the folder cannot be written.
    """
    return [*files.save_maps(maps, folder), *files.save_maps_images(maps, folder)]
