"""After a change of layout: what stayed keeps its pixels, what changed or came into view is painted again."""

from __future__ import annotations

import numpy as np

from ..core.maps import Instance, SceneMaps
from ..protocol.errors import InvalidInput

_DEPTH_TOLERANCE = 1e-3
"""Relative. A surface whose depth moved by less is the same surface; capture's own error is below 1e-4."""


def changed_pixels(old: SceneMaps, new: SceneMaps) -> np.ndarray:
    """bool H×W: where another thing is seen than before, or the same thing somewhere else.

    Things are told by what they are in Blender (object, instancer, persistent id, library), not by their number.

    Raises:
        InvalidInput: the two captures differ in size.
    """
    if (old.width, old.height) != (new.width, new.height):
        raise InvalidInput(
            f"The picture has {old.width}×{old.height} pixels, the new capture {new.width}×{new.height}",
            "Capture at the size of the picture",
        )
    numbers: dict[tuple[object, ...], int] = {}
    same_thing = _numbered(old, numbers) == _numbered(new, numbers)
    both_finite = np.isfinite(old.depth) & np.isfinite(new.depth)
    with np.errstate(invalid="ignore"):
        moved = np.abs(old.depth - new.depth) > _DEPTH_TOLERANCE * new.depth
    return ~same_thing | (both_finite & moved) | (old.class_map != new.class_map)


def _numbered(maps: SceneMaps, numbers: dict[tuple[object, ...], int]) -> np.ndarray:
    """The instance map in numbers that both captures share; 0 stays background."""
    table = np.zeros(len(maps.instances) + 1, np.int64)
    for one in maps.instances:
        table[one.id] = numbers.setdefault(_identity(one), len(numbers) + 1)
    return table[maps.instance_map]


def _identity(one: Instance) -> tuple[object, ...]:
    return (one.object, one.instancer, one.persistent_id, one.library)
