"""Reference pictures: what people give → what a recipe holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy

from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput
from .picture import PictureLike, Shown, as_picture
from .placing import names_of


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that shows what something should look like."""

    picture: PictureLike
    """of any size"""
    weight: float = 1.0
    """0 .. 2"""
    objects: Iterable[bpy.types.Object | str] | bpy.types.Object | str | None = None
    """what it is for; None: the whole picture"""


ReferenceLike = Reference | PictureLike


def shown(references: Iterable[ReferenceLike], maps: SceneMaps) -> tuple[Shown, ...]:
    """As a recipe holds them. Raises InvalidInput for objects that the camera does not see."""
    return tuple(_shown(one if isinstance(one, Reference) else Reference(one), maps) for one in references)


def _shown(one: Reference, maps: SceneMaps) -> Shown:
    pixels = as_picture(one.picture).pixels
    if one.objects is None:
        return Shown(pixels, float(one.weight))
    names = names_of(one.objects)
    unseen = set(names) - {seen.object for seen in maps.instances}
    if unseen or not names:
        hint = "Name objects that are in the picture"
        raise InvalidInput(f"The camera sees no {', '.join(sorted(unseen)) or 'object of none'}", hint)
    return Shown(pixels, float(one.weight), tuple(seen.id for seen in maps.instances if seen.object in names))
