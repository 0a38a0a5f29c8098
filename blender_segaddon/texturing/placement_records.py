"""What is written down on a scene of the pictures that were put there."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

import bpy

PLACEMENTS = "seg_placements"
"""On a scene: {name: {"kind", "group", …}}; the pointer to the node group survives save, reload and renaming."""
_NAME_BYTES = 63
"""What Blender takes as the name of a data-block (5.0 takes more) and as the key of a custom property."""


@dataclass(frozen=True)
class Placement:
    """A picture on a scene."""

    name: str
    kind: str
    """"projection", "backdrop", "plane", "reference" or "compositor"."""
    scene: str
    skipped: tuple[str, ...] = ()
    """Names of objects that the picture could not be put on (a backdrop: hidden), with nothing changed on them."""
    objects: tuple[str, ...] | None = None
    """Names of the objects that the picture was asked to be put on (a backdrop: before), None for all."""
    blend: bool = False
    """It shares surfaces with the pictures before it, by how well each view sees them; else it covers them."""
    shown: bool = True
    """False while it is hidden."""
    lighting: str = "unlit"
    """As in ``shading.LIGHTINGS``; of a backdrop "lit": it lights the scene."""
    lock: bool = False
    """A projection goes with objects that move."""
    soft: float = 0.0
    """Pixels over which a projection's border fades."""
    depth: float | None = None
    """Scene units from the camera to a plane; None: just behind all that was seen."""
    opacity: float = 1.0
    """Of a reference, 0..1."""


_KEPT_ELSEWHERE = {"name", "kind", "scene", "shown"}
_TUPLES = ("skipped", "objects")


def record(scene: bpy.types.Scene, placement: Placement, group: bpy.types.NodeTree) -> None:
    """Write a placement down on its scene."""
    kept = records(scene)
    about = {one.name: getattr(placement, one.name) for one in fields(Placement) if one.name not in _KEPT_ELSEWHERE}
    kept[placement.name] = {"kind": placement.kind, "group": group, "names": json.dumps(about)}
    scene[PLACEMENTS] = kept


def records(scene: bpy.types.Scene) -> dict:
    """{name: what is written down of a placement}, oldest first."""
    return scene[PLACEMENTS].to_dict() if PLACEMENTS in scene else {}


def read(scene: bpy.types.Scene, name: str, kept: dict, shown: bool) -> Placement:
    """A placement out of what is written down of it; what an earlier version did not write is as by default."""
    known = {one.name for one in fields(Placement)} - _KEPT_ELSEWHERE
    about = {key: value for key, value in json.loads(kept["names"]).items() if key in known}
    about |= {key: tuple(about[key]) for key in _TUPLES if about.get(key) is not None}
    return Placement(name, kept["kind"], scene.name, shown=shown, **about)


def forget(scene: bpy.types.Scene, name: str) -> None:
    """Strike a placement out."""
    kept = records(scene)
    del kept[name]
    if kept:
        scene[PLACEMENTS] = kept
    else:
        del scene[PLACEMENTS]


def free_name(scene: bpy.types.Scene, wanted: str) -> str:
    """``wanted``, as short as Blender's names are, with a number where a group or a placement is called that."""
    taken = {*bpy.data.node_groups.keys(), *records(scene)}
    name, number = _cut(wanted, _NAME_BYTES), 1
    while name in taken:
        number += 1
        suffix = f" {number}"
        name = _cut(wanted, _NAME_BYTES - len(suffix)) + suffix
    return name


def _cut(text: str, limit: int) -> str:
    """The text up to ``limit`` bytes of UTF-8, no letter cut through."""
    return text.encode()[:limit].decode(errors="ignore").strip()
