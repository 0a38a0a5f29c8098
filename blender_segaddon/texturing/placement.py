"""What stands on a scene: every picture that was put there, and how each is taken away without a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import bpy

from ..protocol.errors import InvalidInput
from . import foreground, linked, locking, planes, surfaces, worlds

PLACEMENTS = "seg_placements"
"""On a scene: {name: {"kind", "group", …}}; the pointer to the node group survives save, reload and renaming."""
_NAME_BYTES = 63
"""What Blender takes as the name of a data-block (5.0 takes more) and as the key of a custom property."""


@dataclass(frozen=True)
class Placement:
    """A picture on a scene."""

    name: str
    kind: str
    """"projection", "backdrop" or "plane"."""
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


def record(scene: bpy.types.Scene, placement: Placement, group: bpy.types.NodeTree) -> None:
    """Write a placement down on its scene."""
    kept = _records(scene)
    about = ("skipped", "objects", "blend", "lighting")
    names = json.dumps({one: getattr(placement, one) for one in about})
    kept[placement.name] = {"kind": placement.kind, "group": group, "names": names}
    scene[PLACEMENTS] = kept


def note_lighting(placement: Placement) -> Placement:
    """Write down that a placement is lit in another way; gives it back."""
    record(bpy.data.scenes[placement.scene], placement, group_of(placement))
    return placement


def placements(scene: bpy.types.Scene) -> list[Placement]:
    """The pictures that stand on ``scene``, oldest first."""
    return [_placement(scene, name, one) for name, one in _records(scene).items()]


def group_of(placement: Placement) -> bpy.types.NodeTree | None:
    """The node group that shows a placement, None where the placement or its group is gone."""
    scene = bpy.data.scenes.get(placement.scene)
    return _records(scene).get(placement.name, {}).get("group") if scene else None


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
    take_out(group)


def show(placement: Placement, shown: bool = True) -> Placement:
    """Show or hide a picture without taking it away; gives the placement as it is now.

    Raises:
        InvalidInput: it does not stand on its scene (any more).
    """
    scene = bpy.data.scenes.get(placement.scene)
    if scene is None or placement.name not in _records(scene):
        raise InvalidInput(f"'{placement.name}' does not stand on scene '{placement.scene}'", "Choose one that does")
    for node in _nodes_of(group_of(placement)):
        node.mute = not shown
    return replace(placement, shown=shown)


def take_out(group: bpy.types.NodeTree | None) -> None:
    """Take a placement's group out of everything, and with the last one what was prepared for them.

    None stands for groups that the user has deleted: the empty nodes that they left are taken out.
    """
    for owner in [*bpy.data.materials, *bpy.data.worlds]:
        if owner.library is None and owner.node_tree:
            surfaces.extract(owner.node_tree, group)
    if group is not None:
        locking.remove(group)
        planes.remove(group)
        _remove_group(group)
    remaining = {one for one in bpy.data.node_groups if surfaces.GROUP_MARK in one}
    surfaces.tidy(remaining)
    worlds.tidy(remaining)
    linked.tidy(remaining)
    foreground.tidy(remaining)


def free_name(scene: bpy.types.Scene, wanted: str) -> str:
    """``wanted``, as short as Blender's names are, with a number where a group or a placement is called that."""
    taken = {*bpy.data.node_groups.keys(), *_records(scene)}
    name, number = _cut(wanted, _NAME_BYTES), 1
    while name in taken:
        number += 1
        suffix = f" {number}"
        name = _cut(wanted, _NAME_BYTES - len(suffix)) + suffix
    return name


def _cut(text: str, limit: int) -> str:
    """The text up to ``limit`` bytes of UTF-8, no letter cut through."""
    return text.encode()[:limit].decode(errors="ignore").strip()


def _placement(scene: bpy.types.Scene, name: str, kept: dict) -> Placement:
    names = json.loads(kept["names"])
    objects = None if names["objects"] is None else tuple(names["objects"])
    shown = not any(node.mute for node in _nodes_of(kept.get("group")))
    blend = names.get("blend", False)  # not there in files of an earlier version
    lighting = names.get("lighting", "unlit")
    return Placement(name, kept["kind"], scene.name, tuple(names["skipped"]), objects, blend, shown, lighting)


def _nodes_of(group: bpy.types.NodeTree | None) -> Iterator[bpy.types.Node]:
    """The nodes of local materials and worlds that show a placement's group."""
    for owner in [*bpy.data.materials, *bpy.data.worlds]:
        if group is not None and owner.library is None and owner.node_tree:
            for node in owner.node_tree.nodes:
                if node.type == "GROUP" and node.node_tree == group:
                    yield node


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
