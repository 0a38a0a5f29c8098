"""What stands on a scene: every picture that was put there, and how each is taken away without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import bpy

from ..protocol.errors import InvalidInput
from . import compositing, foreground, linked, locking, placement_records, planes, references, surfaces, worlds
from .placement_records import Placement, free_name, record

__all__ = ["Placement", "free_name", "group_of", "note_lighting", "placements", "record", "remove", "show", "take_out"]


def note_lighting(placement: Placement) -> Placement:
    """Write down that a placement is lit in another way; gives it back."""
    record(bpy.data.scenes[placement.scene], placement, group_of(placement))
    return placement


def placements(scene: bpy.types.Scene) -> list[Placement]:
    """The pictures that stand on ``scene``, oldest first."""
    known = placement_records.records(scene).items()
    return [placement_records.read(scene, name, one, _is_shown(one["kind"], one.get("group"))) for name, one in known]


def group_of(placement: Placement) -> bpy.types.NodeTree | None:
    """The node group that shows a placement, None where the placement or its group is gone."""
    scene = bpy.data.scenes.get(placement.scene)
    return placement_records.records(scene).get(placement.name, {}).get("group") if scene else None


def remove(placement: Placement) -> None:
    """Take a picture away: materials, slots, world, images and groups are as they were before it came.

    Raises:
        InvalidInput: it does not stand on its scene (any more).
    """
    scene = _scene_with(placement)
    group = group_of(placement)
    placement_records.forget(scene, placement.name)
    take_out(group)


def show(placement: Placement, shown: bool = True) -> Placement:
    """Show or hide a picture without taking it away; gives the placement as it is now.

    Raises:
        InvalidInput: it does not stand on its scene (any more).
    """
    _scene_with(placement)
    group = group_of(placement)
    for owner, name, value in _switches(placement.kind, group):
        setattr(owner, name, value if shown else not value)
    if group is not None:
        foreground.show(group, shown)
    return replace(placement, shown=shown)


def _scene_with(placement: Placement) -> bpy.types.Scene:
    scene = bpy.data.scenes.get(placement.scene)
    if scene is None or placement.name not in placement_records.records(scene):
        raise InvalidInput(f"'{placement.name}' does not stand on scene '{placement.scene}'", "Choose one that does")
    return scene


def take_out(group: bpy.types.NodeTree | None) -> None:
    """Take a placement's group out of everything, and with the last one what was prepared for them.

    None stands for groups that the user has deleted: the empty nodes that they left are taken out.
    """
    for owner in [*bpy.data.materials, *bpy.data.worlds]:
        if owner.library is None and owner.node_tree:
            surfaces.extract(owner.node_tree, group)
    compositing.remove(group)
    if group is not None:
        locking.remove(group)
        planes.remove(group)
        references.remove(group)
        _remove_group(group)
    remaining = {one for one in bpy.data.node_groups if surfaces.GROUP_MARK in one}
    surfaces.tidy(remaining)
    worlds.tidy(remaining)
    linked.tidy(remaining)
    foreground.tidy(remaining)


def _is_shown(kind: str, group: bpy.types.NodeTree | None) -> bool:
    return all(getattr(owner, name) == value for owner, name, value in _switches(kind, group))


def _switches(kind: str, group: bpy.types.NodeTree | None) -> Iterator[tuple[Any, str, bool]]:
    """(owner, property, its value while the picture is shown) of all that shows a placement's group."""
    if group is None:
        return
    if kind == "plane":
        for one in planes.of(group):
            yield one, "hide_render", False
            yield one, "hide_viewport", False
    elif kind == "reference":
        yield from ((one, "show_background_image", True) for one in references.entries(group))
    else:
        nodes = compositing.nodes_of(group) if kind == "compositor" else _nodes_of(group)
        yield from ((node, "mute", False) for node in nodes)


def _nodes_of(group: bpy.types.NodeTree) -> Iterator[bpy.types.Node]:
    """The nodes of local materials and worlds that show a placement's group."""
    for owner in [*bpy.data.materials, *bpy.data.worlds]:
        if owner.library is None and owner.node_tree:
            for node in owner.node_tree.nodes:
                if node.type == "GROUP" and node.node_tree == group:
                    yield node


def _remove_group(group: bpy.types.NodeTree) -> None:
    """Remove a group with the groups and images inside it that nobody else uses."""
    inner = {one.node_tree for one in group.nodes if one.type == "GROUP" and one.node_tree}
    images = {one.image for one in group.nodes if one.type in ("TEX_IMAGE", "IMAGE") and one.image}
    bpy.data.node_groups.remove(group)
    for image in images:
        if image.users == 0:
            bpy.data.images.remove(image)
    for one in inner:
        if one.users == 0:
            _remove_group(one)
