"""A look at the scene from a camera, in the colours that the artist sees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import bpy
import numpy as np

from ..core.console import without_progress
from ..protocol.errors import CaptureError, SceneError
from .images import load_raw


def render_view(
    scene: bpy.types.Scene,
    *,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    samples: int = 1,
    transparent: bool = False,
) -> np.ndarray:
    """uint8 H×W×4, display-referred under the scene's own view settings, row 0 at the top.

    Rendered by Cycles on the CPU. Every sample goes through the pixel centre (within 1/200 of a pixel): more of
    them mean less noise, not softer edges, so that pixels can be compared one by one. Compositor, sequencer,
    border, dither, motion blur and depth of field are left out; the scene itself is not touched.

    Args:
        camera: another camera than the scene's.
        size: (width, height) in pixels; the scene's own size by default.
        transparent: background with alpha 0 instead of the world.
    Raises:
        SceneError: there is no camera.
        CaptureError: the render failed.
    """
    camera = camera or scene.camera
    if camera is None:
        raise SceneError(f"Scene '{scene.name}' has no camera", "Add one or name another camera")
    with tempfile.TemporaryDirectory(prefix="seg-") as folder, _stand_in(scene, camera) as view:
        _set_up(view, size, samples, transparent)
        path = Path(folder) / "view.png"
        view.render.filepath = str(path)
        try:
            with without_progress(bpy.app.background):
                bpy.ops.render.render(write_still=True, scene=view.name)
            pixels = load_raw(str(path))
        except RuntimeError as error:
            raise CaptureError(f"Blender could not render scene '{scene.name}': {error}".strip()) from error
    return np.rint(pixels * 255).astype(np.uint8)


@contextmanager
def _stand_in(scene: bpy.types.Scene, camera: bpy.types.Object) -> Iterator[bpy.types.Scene]:
    """A copy of the scene (it shares the objects) with a camera that sees sharp."""
    view = scene.copy()
    sharp = None
    try:
        if camera.data.dof.use_dof:
            sharp = camera.copy()
            sharp.data = camera.data.copy()
            sharp.data.dof.use_dof = False
            view.collection.objects.link(sharp)
        view.camera = sharp or camera
        yield view
    finally:
        bpy.data.scenes.remove(view)
        if sharp:
            bpy.data.cameras.remove(sharp.data)  # takes the object with it


def _set_up(view: bpy.types.Scene, size: tuple[int, int] | None, samples: int, transparent: bool) -> None:
    render = view.render
    render.engine = "CYCLES"
    render.use_compositing = render.use_sequencer = render.use_border = render.use_motion_blur = False
    render.use_multiview = render.use_stamp = False
    render.dither_intensity = 0
    render.film_transparent = transparent
    if size:
        render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
    file = render.image_settings
    if hasattr(file, "media_type"):
        file.media_type = "IMAGE"
    file.color_management = "FOLLOW_SCENE"
    file.file_format, file.color_mode, file.color_depth, file.compression = "PNG", "RGBA", "8", 0
    cycles = view.cycles
    cycles.device, cycles.samples = "CPU", samples
    cycles.use_adaptive_sampling = cycles.use_denoising = cycles.use_animated_seed = False
    cycles.sample_clamp_direct = 0
    cycles.pixel_filter_type, cycles.filter_width = "GAUSSIAN", 0.01  # the least that Cycles takes
    cycles.transparent_max_bounces = 1024  # a tree is many cutout leaves behind each other


def render_light(
    scene: bpy.types.Scene, camera: bpy.types.Object, size: tuple[int, int], samples: int, *, denoised: bool = False
) -> np.ndarray:
    """float32 H×W×3, scene-linear, row 0 at the top: what arrives at the pixel centres. Otherwise as ``render_view``.

    Args:
        denoised: without noise where Blender has a denoiser; it blurs what is a pixel wide.

    Raises:
        CaptureError: the render failed.
    """
    with tempfile.TemporaryDirectory(prefix="seg-") as folder, _stand_in(scene, camera) as view:
        _set_up(view, size, samples, transparent=False)
        file = view.render.image_settings
        file.file_format, file.color_mode, file.color_depth, file.exr_codec = "OPEN_EXR", "RGB", "32", "NONE"
        with suppress(TypeError):  # built without a denoiser
            view.cycles.denoiser = "OPENIMAGEDENOISE"
            view.cycles.use_denoising = denoised
        path = Path(folder) / "light.exr"
        view.render.filepath = str(path)
        try:
            with without_progress(bpy.app.background):
                bpy.ops.render.render(write_still=True, scene=view.name)
            return load_raw(str(path))[..., :3].copy()
        except RuntimeError as error:
            raise CaptureError(f"Blender could not render scene '{scene.name}': {error}".strip()) from error
