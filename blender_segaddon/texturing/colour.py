"""Pictures to scene-linear light and back, through the scene's own view.

A generated picture is display-referred: what the artist sees. To show it in a render, the surface has to emit the
light that the scene's view (curves, exposure, look, view transform, gamma, display) turns into that picture.
Blender has no inverse of a view, so the forward way is asked for (``Image.save_render``) and inverted by Newton's
method: this holds for every view, look and configuration without naming one.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import bpy
import numpy as np

from ..core.marks import PASSING_MARK
from ..protocol.errors import InvalidInput
from .images import load_raw
from .inverse import Forward, Inverse

TOLERANCE = 1.0 / 255.0
"""Largest error of a channel, display-referred 0..1, up to which a colour counts as reachable."""

_inverses: dict[tuple[Any, ...], Inverse] = {}
_MAX_INVERSES = 8
_keeping = threading.Lock()
_PIECE = 1 << 15
"""Colours that the main thread is asked for at once: 5 ms"""
_SLICE = 0.015
"""seconds that the main thread answers questions at a time"""
_PATIENCE = 10.0
"""seconds that the thread waits for an answer"""


@dataclass(frozen=True, eq=False)
class LinearPicture:
    """A picture as light."""

    pixels: np.ndarray
    """float32 H×W×3, scene-linear, >= 0, row 0 at the top."""
    reachable: np.ndarray
    """bool H×W; False where the view cannot show the colour (the nearest that was found stands there)."""

    @property
    def unreachable(self) -> float:
        """Share of unreachable pixels, 0..1."""
        return float(1.0 - self.reachable.mean())


def to_scene_linear(picture: np.ndarray, scene: bpy.types.Scene) -> LinearPicture:
    """The light that looks like ``picture`` under the view settings of ``scene``.

    Args:
        picture: uint8 or float (0..1) H×W×3 or H×W×4 (alpha is ignored), display-referred, row 0 at the top.
    Raises:
        InvalidInput: another shape or type, or values that are not finite.
    """
    display = _as_display(picture)
    with _view_of(scene) as forward:
        linear, error = _inverse_of(scene, forward).solve(display.reshape(-1, 3), forward)
    reachable = error <= TOLERANCE
    return LinearPicture(linear.reshape(display.shape), reachable.reshape(display.shape[:2]))


def know_view(scene: bpy.types.Scene) -> None:
    """Measure the view of a scene now, which its next picture as light needs: 0.3 s, once for the same settings."""
    with _view_of(scene) as forward:
        _inverse_of(scene, forward)


class ViewStudy:
    """``know_view`` in a thread, which asks the main thread for what only that may do, in small pieces."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self._scene, self._key = scene.name, view_key(scene)
        self._stack = ExitStack()
        self._forward: Forward | None = None
        self._questions: SimpleQueue[np.ndarray] = SimpleQueue()
        self._answers: SimpleQueue[np.ndarray] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="segaddon view", daemon=True)

    def step(self) -> bool:
        """Begin, or answer what was asked for some milliseconds. False when there is no more to do.

        For the main thread, but not while Blender renders in another one, which does not survive that scenes come and
        go.
        """
        try:
            going = self._go_on()
        except ReferenceError:  # an undo took the writer away
            going = False
        if not going:
            self._stack.close()
        return going

    def _go_on(self) -> bool:
        scene = bpy.data.scenes.get(self._scene)
        if scene is None or view_key(scene) != self._key:
            return False
        if self._forward is None:
            if self._key not in _inverses:
                self._forward = self._stack.enter_context(_view_of(scene))
                self._thread.start()
            return self._forward is not None
        end = time.perf_counter() + _SLICE
        while self._thread.is_alive() and time.perf_counter() < end:
            with suppress(Empty):
                self._answers.put(self._forward(self._questions.get(timeout=_SLICE / 10)))
        return self._thread.is_alive()

    def _run(self) -> None:
        with suppress(Empty):  # nobody answers any more
            _remembered(self._key, Inverse.build(self._ask))

    def _ask(self, pixels: np.ndarray) -> np.ndarray:
        answers = []
        for start in range(0, len(pixels), _PIECE):
            self._questions.put(pixels[start : start + _PIECE])
            answers.append(self._answers.get(timeout=_PATIENCE))
        return np.concatenate(answers) if answers else pixels


def to_display(pixels: np.ndarray, scene: bpy.types.Scene) -> np.ndarray:
    """float32 H×W×3 in 0..1: what scene-linear ``pixels`` (float H×W×3) look like in the view of ``scene``."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise InvalidInput(f"Pixels of shape {pixels.shape} are no picture", "Give H×W×3 values")
    with _view_of(scene) as forward:
        return forward(pixels.reshape(-1, 3).astype(np.float32)).reshape(pixels.shape)


def emitted(linear: np.ndarray, scene: bpy.types.Scene) -> np.ndarray:
    """What a surface must emit to arrive in the picture as ``linear``: Cycles' film exposure taken out."""
    cycles = getattr(scene, "cycles", None)
    exposure = float(cycles.film_exposure) if cycles else 1.0
    return linear if exposure in (0.0, 1.0) else (linear / exposure).astype(np.float32)


def unexposed(light: np.ndarray, scene: bpy.types.Scene) -> np.ndarray:
    """The reverse of ``emitted``: what arrives in the picture."""
    cycles = getattr(scene, "cycles", None)
    exposure = float(cycles.film_exposure) if cycles else 1.0
    return light if exposure in (0.0, 1.0) else (light * exposure).astype(np.float32)


def view_key(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """Everything that the look of a scene-linear colour depends on, as a hashable value."""
    view = scene.view_settings
    curves: tuple[Any, ...] = ()
    if view.use_curve_mapping:
        mapping = view.curve_mapping
        points = tuple((tuple(p.location), p.handle_type) for curve in mapping.curves for p in curve.points)
        clip = (mapping.use_clip, mapping.clip_min_x, mapping.clip_min_y, mapping.clip_max_x, mapping.clip_max_y)
        curves = (points, clip, tuple(mapping.black_level), tuple(mapping.white_level), mapping.extend, mapping.tone)
    balance = ("use_white_balance", "white_balance_temperature", "white_balance_tint")  # since 4.3
    return (
        scene.display_settings.display_device,
        *(view.view_transform, view.look, view.exposure, view.gamma),
        getattr(scene.display_settings, "emulation", ""),
        tuple(getattr(view, name, None) for name in balance),
        curves,
    )


def _inverse_of(scene: bpy.types.Scene, forward: Forward) -> Inverse:
    key = view_key(scene)
    return _inverses.get(key) or _remembered(key, Inverse.build(forward))


def _remembered(key: tuple[Any, ...], inverse: Inverse) -> Inverse:
    """The inverse itself; kept for later, the oldest forgotten. Any thread."""
    with _keeping:
        while len(_inverses) >= _MAX_INVERSES:
            _inverses.pop(next(iter(_inverses)))
        _inverses[key] = inverse
    return inverse


def _as_display(picture: np.ndarray) -> np.ndarray:
    """float32 H×W×3 in 0..1."""
    if picture.ndim != 3 or picture.shape[2] not in (3, 4) or not picture.size:
        raise InvalidInput(f"An array of shape {picture.shape} is no picture", "Give H×W×3 values")
    if picture.dtype == np.uint8:
        return picture[..., :3] * np.float32(1 / 255)
    if not np.issubdtype(picture.dtype, np.floating):
        raise InvalidInput(f"A picture of {picture.dtype} values cannot be read", "Give uint8 or float values in 0..1")
    if not np.isfinite(picture).all():
        raise InvalidInput("The picture holds values that are not finite", "Give values in 0..1")
    return np.clip(picture[..., :3], 0, 1).astype(np.float32)


@contextmanager
def _view_of(scene: bpy.types.Scene) -> Iterator[Forward]:
    """float32 N×3 scene-linear to float32 N×3 display-referred, in steps of 1/65535, as the scene is set now.

    By way of a 16-bit TIFF: the fastest lossless file for it (0.1 s for 600,000 colours; PNG takes twice as long).
    """
    writer = scene.copy()  # the file settings are its own, the view settings the user's
    writer[PASSING_MARK] = True
    try:
        file = writer.render.image_settings
        if hasattr(file, "media_type"):
            file.media_type = "IMAGE"
        file.color_management = "FOLLOW_SCENE"
        file.file_format, file.color_mode, file.color_depth, file.tiff_codec = "TIFF", "RGB", "16", "NONE"
        writer.render.dither_intensity = 0
        with tempfile.TemporaryDirectory(prefix="seg-") as folder:
            yield lambda pixels: _through_view(pixels, writer, Path(folder) / "view.tif")
    finally:
        with suppress(ReferenceError):  # an undo took it away
            bpy.data.scenes.remove(writer)


def _through_view(pixels: np.ndarray, writer: bpy.types.Scene, path: Path) -> np.ndarray:
    count = len(pixels)
    if not count:
        return np.empty((0, 3), np.float32)
    width = min(count, 1024)
    height = -(-count // width)
    buffer = np.ones((height * width, 4), np.float32)
    buffer[:count, :3] = pixels
    image = bpy.data.images.new("seg view", width, height, alpha=False, float_buffer=True)
    try:
        image.pixels.foreach_set(buffer.ravel())
        image.save_render(str(path), scene=writer)
    finally:
        bpy.data.images.remove(image)
    # the rows come back turned over: so they went in
    return load_raw(str(path))[::-1].reshape(-1, 4)[:count, :3]
