"""Real things before a backdrop: all else is hidden from the camera, and brought back when the backdrop goes."""

from __future__ import annotations

from collections.abc import Collection

import bpy

from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput

_HIDDEN = "seg_hidden"
"""On an object that cameras saw before backdrops hid it from them: {"0": the group of one that hides it, …}."""
_MARK = "seg_foreground"
"""On a backdrop's group that has a foreground: whether it hides the rest now; a backdrop that is hidden does not."""


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
        elif found.visible_camera or _HIDDEN in found:
            _hide(found, [*_hiders(found), group])
    return skipped


def show(group: bpy.types.NodeTree, shown: bool) -> None:
    """With a backdrop that is hidden, what no other one hides is seen again."""
    if _MARK in group:
        group[_MARK] = shown
        conceal()


def reveal(names: Collection[str]) -> None:
    """Let cameras see objects of these names, whatever backdrops hide, until ``conceal``.

    Sets nothing but a property of objects: that may happen while Blender renders.
    """
    for one in bpy.data.objects:
        if _HIDDEN in one and one.name in names:
            one.visible_camera = True


def conceal() -> None:
    """Hide what backdrops hide, and nothing else."""
    for one in bpy.data.objects:
        if _HIDDEN in one and one.library is None:
            seen = not any(group[_MARK] for group in _hiders(one))
            if one.visible_camera != seen:
                one.visible_camera = seen


def tidy(remaining: Collection[bpy.types.NodeTree]) -> None:
    """Bring back what none of the remaining groups hides."""
    for one in bpy.data.objects:
        if _HIDDEN not in one:
            continue
        hiders = [group for group in _hiders(one) if group in remaining]
        if hiders:
            _hide(one, hiders)
        else:
            del one[_HIDDEN]
            one.visible_camera = True


def _hide(one: bpy.types.Object, groups: list[bpy.types.NodeTree]) -> None:
    one[_HIDDEN] = {str(number): group for number, group in enumerate(groups)}
    one.visible_camera = not any(group[_MARK] for group in groups)


def _hiders(one: bpy.types.Object) -> list[bpy.types.NodeTree]:
    kept = one.get(_HIDDEN)
    groups = kept.to_dict().values() if hasattr(kept, "to_dict") else ()
    return [group for group in groups if group is not None and _MARK in group]
