"""What of a scene the maps cannot show as the render does: said, never silently wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import bpy

from ..core.maps import Inexact
from .instances import Row
from .transparency import Transparency

_SKETCHES = {"GPENCIL", "GREASEPENCIL"}
_TOP_DOWN = "The shutter rolls: the maps show all lines at the middle of its time"


def inexact_objects(depsgraph: bpy.types.Depsgraph) -> tuple[Inexact, ...]:
    """The visible objects that the maps leave out although a render shows them."""
    return tuple(dict.fromkeys(_objects(depsgraph)))


def inexact_materials(transparency: Transparency) -> tuple[Inexact, ...]:
    """The materials and node groups whose transparency is not known."""
    return tuple(Inexact(name, reason) for name, reason in transparency.unknown.items())


def inexact_rows(rows: list[Row]) -> tuple[Inexact, ...]:
    """The instances that a render cannot tell apart: the first of them stands for all."""
    keys = Counter((*row.key, row.index) for row in rows)
    if len(keys) == len(rows):
        return ()
    names = dict.fromkeys(row.object.name for row in rows if keys[(*row.key, row.index)] > 1)
    return tuple(Inexact(name, "Some instances of one name at one place share an id") for name in names)


def inexact_pixels(count: int) -> tuple[Inexact, ...]:
    """``count``: pixels that show a surface of which nothing is known."""
    return (Inexact("", f"{count} pixels show a surface of no known instance; they count as background"),) * bool(count)


def _objects(depsgraph: bpy.types.Depsgraph) -> Iterator[Inexact]:
    for instance in depsgraph.object_instances:
        if instance.show_self and instance.object.type in _SKETCHES:
            yield Inexact(instance.object.original.name, "Grease pencil is drawn over the render and not in the maps")


def inexact_scene(scene: bpy.types.Scene) -> tuple[Inexact, ...]:
    """What holds for the whole picture."""
    cycles = getattr(scene, "cycles", None)
    rolls = scene.render.use_motion_blur and getattr(cycles, "rolling_shutter_type", "NONE") != "NONE"
    return (Inexact("", _TOP_DOWN),) if rolls else ()
