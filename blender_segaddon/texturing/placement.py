"""What stands on a scene: every picture that was put there, and how each is taken away without a trace."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..protocol.errors import InvalidInput
from . import linked, surfaces, worlds

PLACEMENTS = "seg_placements"
"""On a scene: {name: {"kind", "group", …}}; the pointer to the node group survives save, reload and renaming."""


@dataclass(frozen=True)
class Placement:
    """A picture on a scene."""

    name: str
    kind: str
    """"projection" or "backdrop"."""
    scene: str
    skipped: tuple[str, ...] = ()
    """Names of objects that the picture could not be put on, with nothing changed on them."""


def record(scene: bpy.types.Scene, placement: Placement, group: bpy.types.NodeTree) -> None:
    """Write a placement down on its scene."""
    kept = _records(scene)
    kept[placement.name] = {"kind": placement.kind, "group": group, "skipped": "\n".join(placement.skipped)}
    scene[PLACEMENTS] = kept


def placements(scene: bpy.types.Scene) -> list[Placement]:
    """The pictures that stand on ``scene``, oldest first."""
    return [
        Placement(name, one["kind"], scene.name, tuple(filter(None, one["skipped"].split("\n"))))
        for name, one in _records(scene).items()
    ]


def remove(placement: Placement) -> None:
    """Take a picture away: materials, slots, world, images and groups are as they were before it came.

    Raises:
        InvalidInput: it does not stand on its scene (any more).
    """
    scene = bpy.data.scenes.get(placement.scene)
    kept = _records(scene) if scene else {}
    if placement.name not in kept:
        raise InvalidInput(f"'{placement.name}' does not stand on scene '{placement.scene}'", "Choose one that does")
    group = kept.pop(placement.name)["group"]
    if kept:
        scene[PLACEMENTS] = kept
    else:
        del scene[PLACEMENTS]
    if group is not None:
        take_out(group)


def take_out(group: bpy.types.NodeTree) -> None:
    """Take a placement's group out of everything, and with the last one what was prepared for them."""
    for owner in [*bpy.data.materials, *bpy.data.worlds]:
        if owner.library is None and owner.node_tree:
            surfaces.extract(owner.node_tree, group)
    _remove_group(group)
    remaining = {one for one in bpy.data.node_groups if surfaces.GROUP_MARK in one}
    surfaces.tidy(remaining)
    worlds.tidy(remaining)
    linked.tidy(remaining)


def free_name(wanted: str) -> str:
    """``wanted``, or with a number where a node group is already called that."""
    name, number = wanted, 1
    while name in bpy.data.node_groups:
        number += 1
        name = f"{wanted} {number}"
    return name


def _records(scene: bpy.types.Scene) -> dict:
    return scene[PLACEMENTS].to_dict() if PLACEMENTS in scene else {}


def _remove_group(group: bpy.types.NodeTree) -> None:
    """Remove a group with the groups and images inside it that nobody else uses."""
    inner = {one.node_tree for one in group.nodes if one.type == "GROUP" and one.node_tree}
    images = {one.image for one in group.nodes if one.type == "TEX_IMAGE" and one.image}
    bpy.data.node_groups.remove(group)
    for image in images:
        if image.users == 0:
            bpy.data.images.remove(image)
    for one in inner:
        if one.users == 0:
            _remove_group(one)
