"""Pictures for the compositor: a node group that gives scene-linear light, for whatever people link it to."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from .images import data_image
from .placement_records import Placement, free_name, record

MARK = "seg_compositor"
"""On our nodes; on a scene or tree: the compositor was not in use before the first of them came."""
_PASSING_ON = (
    "CompositorNodeRLayers",
    "CompositorNodeComposite",
    "CompositorNodeViewer",
    "NodeGroupOutput",
    "NodeReroute",
)
"""What a compositor comes with: nothing that changes the render."""


def compositor_input(scene: bpy.types.Scene, linear: np.ndarray, *, name: str = "Picture") -> Placement:
    """Put a picture into the compositor of a scene, which gets one if it has none.

    Args:
        linear: float32 H×W×3, scene-linear.
    """
    title = free_name(scene, f"Seg Compositor {name}")
    group = bpy.data.node_groups.new(title, "CompositorNodeTree")
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    picture, output = group.nodes.new("CompositorNodeImage"), group.nodes.new("NodeGroupOutput")
    picture.image = data_image(f"{title} light", linear)
    output.location = (300, 0)
    group.links.new(picture.outputs["Image"], output.inputs["Image"])
    node = begun(scene).nodes.new("CompositorNodeGroup")
    node.node_tree, node.name, node.label = group, title, title
    node[MARK] = True
    node.location = (-400, 300)
    placement = Placement(title, "compositor", scene.name)
    record(scene, placement, group)
    return placement


def swap(group: bpy.types.NodeTree, linear: np.ndarray) -> None:
    """Give other light in the place of a group's; what it is linked to stays."""
    for node in [one for one in group.nodes if one.type == "IMAGE"]:
        old, node.image = node.image, data_image(f"{group.name} light", linear)
        if old is not None and old.users == 0:
            bpy.data.images.remove(old)


def nodes_of(group: bpy.types.NodeTree | None) -> Iterator[bpy.types.Node]:
    """Our nodes in compositors that show a group; None: those whose group the user has deleted."""
    for scene in bpy.data.scenes:
        tree = compositor_of(scene) if scene.library is None else None
        if tree is not None and tree.library is None:
            yield from (node for node in tree.nodes if MARK in node and node.node_tree == group)


def remove(group: bpy.types.NodeTree | None) -> None:
    """Take a group's nodes away, and with the last one the compositor if there was none before."""
    for node in list(nodes_of(group)):
        node.id_data.nodes.remove(node)
    for scene in [one for one in bpy.data.scenes if one.library is None]:
        end_unused(scene)


def end_unused(scene: bpy.types.Scene) -> None:
    """Take the compositor away if ``begun`` gave it to the scene and nothing stands in it but what it came with.

    With nodes of people's own it is theirs.
    """
    tree = compositor_of(scene)
    if tree is not None and _is_ours(scene, tree) and all(node.bl_idname in _PASSING_ON for node in tree.nodes):
        _end(scene, tree)


def begun(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """The scene's compositor, in use; nodes that are put there carry ``MARK``."""
    if bpy.app.version < (5, 0):
        if not scene.use_nodes:
            scene[MARK] = True
            scene.use_nodes = True  # comes with nodes that pass the render on
        return scene.node_tree
    if scene.compositing_node_group is None:
        scene.compositing_node_group = _passing_on()
    return scene.compositing_node_group


def _passing_on() -> bpy.types.NodeTree:
    tree = bpy.data.node_groups.new("Seg Compositor", "CompositorNodeTree")
    tree[MARK] = True
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    render, output = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
    output.location = (400, 0)
    tree.links.new(render.outputs["Image"], output.inputs["Image"])
    return tree


def compositor_of(scene: bpy.types.Scene) -> bpy.types.NodeTree | None:
    """Its nodes, also where they are not in use; None where there are none."""
    return scene.node_tree if bpy.app.version < (5, 0) else scene.compositing_node_group


def _is_ours(scene: bpy.types.Scene, tree: bpy.types.NodeTree) -> bool:
    return MARK in (scene if bpy.app.version < (5, 0) else tree)


def _end(scene: bpy.types.Scene, tree: bpy.types.NodeTree) -> None:
    if bpy.app.version < (5, 0):
        del scene[MARK]
        scene.use_nodes = False  # its nodes stay: Blender has no way to take an embedded tree away
    else:
        scene.compositing_node_group = None
        bpy.data.node_groups.remove(tree)
