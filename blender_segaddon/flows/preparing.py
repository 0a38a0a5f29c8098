"""What a projection needs beside the picture: found once for all pictures of the same maps, also before the first one
is there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from weakref import WeakKeyDictionary

import bpy

from .. import capture, texturing
from ..core.maps import SceneMaps
from ..protocol.errors import SegAddonError
from . import keeping

_outlined: WeakKeyDictionary[SceneMaps, SceneMaps] = WeakKeyDictionary()
"""Maps and the same with outlines, as far as they could be found."""


def outlined(maps: SceneMaps, scene: bpy.types.Scene) -> SceneMaps:
    """Maps with their outlines, which are looked for once for all pictures that were made from them."""
    if maps not in _outlined:
        _keep(maps, capture.add_outlines(maps, scene))
    return _outlined.get(maps, maps)


def _keep(maps: SceneMaps, found: SceneMaps) -> None:
    _outlined[maps] = replace(maps, outlines=found.outlines)


def prepare(maps: SceneMaps, until: Callable[[], bool]) -> None:
    """While somebody else works at a picture of ``maps``, do what its projection will need.

    What is not done when ``until`` says so, or cannot be, is left to the projection.
    """
    scene = bpy.data.scenes.get(maps.scene)
    if scene is None or maps in _outlined:
        return
    for step in (partial(texturing.know_view, scene), partial(_look, maps, scene, until), partial(_write, maps)):
        if until():
            return
        with suppress(SegAddonError):
            step()


def beside(job: capture.CaptureJob, scene: bpy.types.Scene) -> None:
    """Let a capture beside Blender's window prepare what projections of its maps need, if it is to look closer."""
    job.comes_first = texturing.ViewStudy(scene).step
    job.on_outlined = found


def found(maps: SceneMaps, outlined: SceneMaps) -> None:
    """Outlines were found beside Blender's window: what they are needed for is written in a thread."""
    _outlined[maps] = outlined
    threading.Thread(target=_write, args=(maps,), name="segaddon evidence", daemon=True).start()


def _look(maps: SceneMaps, scene: bpy.types.Scene, until: Callable[[], bool]) -> None:
    _keep(maps, capture.add_outlines(maps, scene, cancelled=until))


def _write(maps: SceneMaps) -> None:
    """The files that pictures of ``maps`` have in common. Never touches bpy; runs in any thread."""
    if maps in _outlined:
        texturing.prepare_evidence(_outlined[maps])
    keeping.packed_maps(maps)
