"""Where exactly every surface ends: a second, finer look at what was captured, from the camera of the maps."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import bpy
import numpy as np

from ..core.maps import SceneMaps
from ..core.outlines import outlines
from . import cycles, gpu
from .moment import moment
from .scene_maps import layer_name
from .shot import View
from .stored_camera import remove_camera, stored_camera
from .writer import FACE_PASS, INDEX_PASS, KEY_PASS, MATERIAL_PASS, NORMAL_PASS

log = logging.getLogger(__name__)

_PARTS = 9_437_184
"""4096×2304: parts of the whole picture that outlines are looked for in; as fine as a 4K picture"""
_FINEST = 15
"""parts of a pixel along each side, at most"""
_BAND = 1 << 20
"""parts that are rendered at once: Cycles takes as long to begin as to trace a tenth of them"""


def add_outlines(
    maps: SceneMaps,
    scene: bpy.types.Scene,
    *,
    view_layer: bpy.types.ViewLayer | str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SceneMaps:
    """The maps with ``outlines``; as they are where the scene has changed since they were captured.

    The camera need not be there any more: the one that the maps remember is looked through. Takes as long as a
    capture of 4096×2304 without normals and classes, whatever the size of the maps; where Blender can draw, and the
    scene is opaque, it is drawn, which is quicker.

    Raises: as ``capture``.
    """
    if maps.outlines is not None or not maps.instances or maps.frame != moment(scene, True):
        return maps
    factor = finer(maps.width, maps.height)
    with _looking(scene, maps) as camera:
        size = (maps.width * factor, maps.height * factor)
        keys, depth = _look(View(scene, layer_name(scene, view_layer), camera, size, cancelled))
    found = outlines(maps, factor, keys, depth)
    if found is None:
        log.warning("The scene has changed since the capture: edges are as sharp as the picture's pixels")
        return maps
    return replace(maps, outlines=found)


def finer(width: int, height: int) -> int:
    """Into how many parts a pixel is cut along each side: 3..15, odd, so that one part has the pixel's own centre."""
    return min(max(2 * round((math.sqrt(_PARTS / (width * height)) - 1) / 2) + 1, 3), _FINEST)


@contextmanager
def _looking(scene: bpy.types.Scene, maps: SceneMaps) -> Iterator[bpy.types.Object]:
    camera = stored_camera(maps.camera)
    try:
        scene.collection.objects.link(camera)
        yield camera
    finally:
        remove_camera(camera)


def _look(view: View) -> tuple[np.ndarray, np.ndarray]:
    """(Object Info Random, depth: inf for background), float32 H×W each."""
    return _drawn(view) or _rendered(view)


def _drawn(view: View) -> tuple[np.ndarray, np.ndarray] | None:
    """As ``_look``; None where that cannot be drawn exactly."""
    if view.camera.data.type == "PANO" or not gpu.has_context():
        return None
    shot = gpu.look(view, normals=False)
    known = np.array([*(row.key[0] for row in shot.rows), 0.0], np.float32)
    return None if shot.notes else (known[shot.shown], shot.depth)


def _rendered(view: View) -> tuple[np.ndarray, np.ndarray]:
    """As ``_look``, by Cycles."""
    found = _Parts(view.size)
    with cycles.session(view) as opened:
        opened.begin(view)
        _simplify(opened)
        for top, lines in _bands(view.size, _BAND):
            view.check_cancelled()
            found.take(top, opened.render(top, lines))
    return found.keys, found.depth


class _Parts:
    """What is seen in the parts of the pixels, as it is rendered band by band."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.keys, self.depth = np.empty(size[::-1], np.float32), np.empty(size[::-1], np.float32)

    def take(self, top: int, passes: Mapping[str, np.ndarray]) -> None:
        """Passes of the lines from ``top`` down."""
        depth = passes["Depth"][..., 0]
        band = slice(top, top + len(depth))
        self.keys[band] = passes[KEY_PASS][..., 0]
        self.depth[band] = np.where(depth < cycles.FAR, depth, np.float32(np.inf))


class FineLook:
    """The finer look for whoever takes it beside something else: ``draw``, or ``simplify`` the session and ``take`` all
    ``bands``; then ``compare``."""

    def __init__(self, maps: SceneMaps) -> None:
        self._maps, self._factor = maps, finer(maps.width, maps.height)
        self.size = maps.width * self._factor, maps.height * self._factor
        """(width, height) to be rendered"""
        self._parts = _Parts(self.size)
        self.take, self.simplify = self._parts.take, _simplify
        self.outlined: SceneMaps | None = None
        """the maps with outlines, after ``compare``; None where the scene has changed since they were captured"""

    def bands(self, parts: int) -> Iterator[tuple[int, int]]:
        """(top, lines) of bands of about so many parts of pixels, from the top down."""
        return _bands(self.size, parts)

    def draw(self, scene: bpy.types.Scene, view_layer: str | None = None) -> Generator[None, None, bool]:
        """Draw it, piece by piece: for a window that must not wait. Gives whether that could be done exactly."""
        if self._maps.camera.type == "PANO" or not gpu.has_context():
            return False
        with _looking(scene, self._maps) as camera:
            view = View(scene, layer_name(scene, view_layer), camera, self.size, None)
            steps = gpu.keys_in_pieces(view, self._parts.keys, self._parts.depth)
            next(steps)
        return (yield from steps)

    def compare(self) -> None:
        """Find the outlines. Needs no Blender; may run in any thread."""
        found = outlines(self._maps, self._factor, self._parts.keys, self._parts.depth)
        self.outlined = None if found is None else replace(self._maps, outlines=found)


def _simplify(session: cycles.Session) -> None:
    """Leave out what outlines do not need."""
    aovs = session.copy.scene.view_layers[session.copy.view_layer].aovs
    for name in (INDEX_PASS, NORMAL_PASS, MATERIAL_PASS, FACE_PASS):
        aovs.remove(aovs[name])


def _bands(size: tuple[int, int], parts: int) -> Iterator[tuple[int, int]]:
    width, height = size
    step = max(parts // width, 1)
    return ((top, min(step, height - top)) for top in range(0, height, step))
