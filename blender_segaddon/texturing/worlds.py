"""A scene's world made ready for a backdrop, and given back.

A local world with nodes that no other scene shows takes the group itself; any other, or none, is stood in for by a
local copy.
"""

from __future__ import annotations

import bpy

from . import surfaces

ORIGINAL = "seg_world"
"""On a scene whose world is a stand-in: {"world": the world before, absent where there was none}."""
STAND_IN = "seg_stand_in"
TRANSPARENT = "seg_film_transparent"
"""On a scene: film_transparent was on before a backdrop came."""


def writable(scene: bpy.types.Scene) -> bpy.types.World:
    """The scene's world, or a local stand-in for it, with nodes that a group can go into; the film shows it."""
    if scene.render.film_transparent:
        scene[TRANSPARENT] = True
        scene.render.film_transparent = False
    world = scene.world
    shared = any(one.world == world for one in bpy.data.scenes if one != scene)
    if world and not shared and world.library is None and world.override_library is None and _has_nodes(world):
        return world
    scene[ORIGINAL] = {"world": world} if world else {}
    scene.world = _stand_in(world)
    return scene.world


def tidy(groups: set[bpy.types.NodeTree]) -> None:
    """Give back the worlds and film settings that none of ``groups`` (those still in use) needs any more."""
    for scene in [one for one in bpy.data.scenes if one.library is None]:
        world = scene.world
        if world and surfaces.uses(world.node_tree, groups):
            continue
        if ORIGINAL in scene:
            stand_in = world if world and STAND_IN in world else None
            if stand_in:
                scene.world = scene[ORIGINAL].get("world")
                if stand_in.users == 0:
                    bpy.data.worlds.remove(stand_in)
            del scene[ORIGINAL]
        if TRANSPARENT in scene:
            scene.render.film_transparent = True
            del scene[TRANSPARENT]


def _has_nodes(world: bpy.types.World) -> bool:
    active = bpy.app.version >= (5, 0) or world.use_nodes
    tree = world.node_tree
    output = tree.get_output_node("CYCLES") if active and tree else None
    return bool(output and output.inputs["Surface"].is_linked)


def _stand_in(world: bpy.types.World | None) -> bpy.types.World:
    copy = world.copy() if world else bpy.data.worlds.new("Seg World")
    copy[STAND_IN] = True
    copy.use_fake_user = False
    if world is None:  # no world is black, and no light to sample
        copy.cycles.sampling_method = "NONE"
        _plain_nodes(copy, (0, 0, 0))
        return copy
    copy.name = f"Seg {world.name}"
    if not _has_nodes(copy):
        _plain_nodes(copy, tuple(world.color))
    return copy


def _plain_nodes(world: bpy.types.World, colour: tuple[float, ...]) -> None:
    """One even colour, whatever nodes a new world comes with."""
    if bpy.app.version < (5, 0):
        world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    plain, output = tree.nodes.new("ShaderNodeBackground"), tree.nodes.new("ShaderNodeOutputWorld")
    plain.inputs["Color"].default_value = (*colour, 1)
    output.location = (600, 0)
    tree.links.new(plain.outputs[0], output.inputs["Surface"])
