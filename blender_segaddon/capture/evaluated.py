"""Numbers and flags of evaluated objects, written from the thread of a render."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bpy


def write_objects(depsgraph: bpy.types.Depsgraph, name: str, value_of: Callable[[bpy.types.Object], Any]) -> bool:
    """Set the property ``name`` of every evaluated object to what ``value_of`` says of it.

    In bulk: a value that is set alone makes Blender tell its window of it, and sort all view layers anew where objects
    are hidden or held out. The main thread may be using both at that moment, which Blender does not survive.

    Returns:
        Whether any object could not be reached in bulk (it is in no collection that is evaluated, such as one that only
        Geometry Nodes show): those Blender evaluates again before it renders again.
    """
    for objects in _lists(depsgraph):
        objects.foreach_set(name, [value_of(one) for one in objects])
    alone = False
    for one in evaluated_objects(depsgraph):
        value = value_of(one)
        if getattr(one, name) != value:
            setattr(one, name, value)
            alone = True
    return alone


def evaluated_objects(depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.Object]:
    """Each once, in Blender's order."""
    return (one for one in depsgraph.ids if isinstance(one, bpy.types.Object))


def _lists(depsgraph: bpy.types.Depsgraph) -> Iterator[Any]:
    """The collections of Blender's interface that have evaluated objects in them."""
    yield depsgraph.view_layer_eval.objects
    for one in depsgraph.ids:
        if isinstance(one, bpy.types.Collection):
            yield one.objects
