"""Blender's own renders, with maps of the same frame, camera and size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from ..core.maps import SceneMaps
from ..flows import rendering
from ..flows.rendering import Rendered
from .scene_maps import capture

render_status = rendering.status
forget_renders = rendering.forget_renders


def render_with_maps(
    scene: bpy.types.Scene | None = None,
    *,
    animation: bool = False,
    write_still: bool = True,
    formats: Sequence[str] = ("npz",),
    coverage: int = 0,
    folder: str = "",
) -> list[Rendered]:
    """Render as Blender does, with the scene's own engine and output settings, and make the maps of each picture.

    What to call in background (``blender -b``); in a window the option "Scene Maps with Renders" does it by itself.

    Args:
        animation: all frames of the scene; else the current one.
        write_still: False writes neither picture nor maps; ``[0].maps`` and ``maps_of()`` have them.
        formats: of the maps' files, as in ``export_maps``; "npz" is always there.
        coverage: as in ``capture``.
        folder: template of the maps' folder with {folder}, {name} and {stem} of the picture; "{folder}/{name}.maps"
            when "".

    Raises:
        MapsStale: a script changed the scene during the render.
        SceneError, InvalidInput, StorageError: as ``capture`` and ``export_maps``; no cropped renders, no movie files.
    """
    return rendering.render_with_maps(
        scene or bpy.context.scene,
        lambda one: capture(one, coverage=coverage),
        animation=animation,
        write_still=write_still,
        formats=formats,
        folder=folder,
    )


def maps_of(picture: str | Path | bpy.types.Image | None = None, *, folder: str = "") -> SceneMaps:
    """The maps that were made with a render.

    Args:
        picture: the file of a render, a Blender image of that file, or the image "Render Result"; None: the last
            render of this session.
        folder: as in ``render_with_maps``.

    Raises:
        MapsStale: there are maps, but of another version of the picture; or the last render has none, and why.
        InvalidInput: there are none.
    """
    return rendering.maps_of(picture, folder)


def watch_renders(watch: bool = True) -> None:
    """Begin to look for renders that ended (the option was turned on), or stop to (the add-on goes)."""
    watched = bpy.app.timers.is_registered(_tick)
    if watch and not watched:
        bpy.app.timers.register(_tick, persistent=True)
    elif watched and not watch:
        bpy.app.timers.unregister(_tick)


def _tick() -> float | None:
    """Stops where no scene of the file wants it: who does not use it pays nothing."""
    if not any(one.segaddon.maps_with_renders for one in bpy.data.scenes):
        return None
    before, pause = rendering.status(), rendering.tick(capture)
    if rendering.status() != before:
        _redraw_sidebars()
    return pause


def _redraw_sidebars() -> None:
    """They show ``render_status``."""
    for area in [area for window in bpy.context.window_manager.windows for area in window.screen.areas]:
        if area.type == "VIEW_3D":
            for region in [one for one in area.regions if one.type == "UI"]:
                region.tag_redraw()
