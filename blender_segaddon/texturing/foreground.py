"""Real things before a backdrop: all else is hidden from the camera, and brought back when the backdrop goes."""

from __future__ import annotations

from collections.abc import Collection

import bpy

from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput

_HIDDEN = "seg_hidden"
"""On an object: a backdrop hid it from cameras; it was visible to them before."""
_MARK = "seg_foreground"
"""On a backdrop's group: it has a foreground."""


def check(maps: SceneMaps, foreground: Collection[str]) -> None:
    """Raises InvalidInput for a name that the maps do not show."""
    shown = {one.object for one in maps.instances} | {one.instancer for one in maps.instances}
    for name in foreground:
        if name not in shown:
            raise InvalidInput(f"The capture does not show '{name}'", "Choose objects that it shows")


def hide_the_rest(
    scene: bpy.types.Scene, maps: SceneMaps, foreground: Collection[str], group: bpy.types.NodeTree
) -> list[str]:
    """Hide from cameras all that the maps show but the named objects and the instances that they make.

    An instance is hidden with what made it. Everything goes on casting shadows and lighting.

    Returns:
        Names of linked objects, which cannot be hidden.
    """
    group[_MARK] = True
    real = [one for one in maps.instances if one.object in foreground or one.instancer in foreground]
    kept = {one.object for one in real} | {one.instancer for one in real}
    skipped = []
    for name in sorted({one.instancer or one.object for one in maps.instances} - kept):
        found = scene.objects.get(name)
        if found is None or found.library is not None:
            skipped.append(name)
        elif found.visible_camera:
            found.visible_camera = False
            found[_HIDDEN] = True
    return skipped


def show(group: bpy.types.NodeTree, shown: bool) -> None:
    """With a backdrop that is hidden, what it had hidden is seen again."""
    if _MARK in group:
        for one in [one for one in bpy.data.objects if _HIDDEN in one]:
            one.visible_camera = not shown


def tidy(remaining: Collection[bpy.types.NodeTree]) -> None:
    """Bring back what was hidden once no remaining group has a foreground."""
    if any(_MARK in group for group in remaining):
        return
    for one in bpy.data.objects:
        if _HIDDEN in one:
            del one[_HIDDEN]
            one.visible_camera = True
