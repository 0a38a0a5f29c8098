"""What was retouched of a render, as a patch in the compositor: applied again to every render, taken out in one go.

The patch is an image of scene-linear light with its matte as alpha (premultiplied), of the render's size. It stands in
a node group right before the compositor's output. Alpha of the render stays as it is.
"""

from __future__ import annotations

import bpy

from . import compositing

_MARK = "seg_patch"
"""Custom property of the node group that holds the patch."""
_TITLE = "Seg Retouch"


def patch_of(scene: bpy.types.Scene) -> bpy.types.Image | None:
    """The patch that the compositor of a scene applies, None where it applies none."""
    node = _group_node(scene)
    image = None if node is None else _image_node(node.node_tree)
    return None if image is None else image.image


def set_patch(scene: bpy.types.Scene, patch: bpy.types.Image | None) -> None:
    """Have the compositor of a scene (which gets one if it has none) apply this patch, or none: then without a trace.

    Args:
        patch: light with a matte as alpha, premultiplied, of the render's size.
    """
    node = _group_node(scene)
    if patch is None:
        if node is not None:
            _take_out(scene, node)
        return
    image = None if node is None else _image_node(node.node_tree)
    if image is not None:
        image.image = patch
        return
    if node is not None:
        _take_out(scene, node)
    _put_in(scene, patch)


def _put_in(scene: bpy.types.Scene, patch: bpy.types.Image) -> None:
    tree = compositing.begun(scene)
    output = _output(tree)
    source = _source(tree, output)
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = _group(patch)
    node.name = node.label = _TITLE
    node[compositing.MARK] = True
    node.location = (output.location.x - 200, output.location.y)
    tree.links.new(source, node.inputs[0])
    tree.links.new(node.outputs[0], output.inputs[0])
    scene.render.use_compositing = True


def _take_out(scene: bpy.types.Scene, node: bpy.types.Node) -> None:
    tree, group = _tree(scene), node.node_tree
    source = node.inputs[0].links[0].from_socket if node.inputs[0].is_linked else None
    for link in list(node.outputs[0].links):
        target = link.to_socket
        tree.links.remove(link)
        if source is not None:
            tree.links.new(source, target)
    tree.nodes.remove(node)
    if not group.users:
        bpy.data.node_groups.remove(group)
    compositing.end_unused(scene)


def _tree(scene: bpy.types.Scene) -> bpy.types.NodeTree | None:
    """The compositor, None where the scene uses none."""
    return compositing.compositor_of(scene) if bpy.app.version >= (5, 0) or scene.use_nodes else None


def _group_node(scene: bpy.types.Scene) -> bpy.types.Node | None:
    tree = _tree(scene)
    groups = [] if tree is None else [one for one in tree.nodes if one.bl_idname == "CompositorNodeGroup"]
    return next((one for one in groups if one.node_tree is not None and _MARK in one.node_tree), None)


def _output(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """What the render is taken from; made where there is none."""
    kind = "NodeGroupOutput" if bpy.app.version >= (5, 0) else "CompositorNodeComposite"
    found = next((one for one in tree.nodes if one.bl_idname == kind), None)
    if kind == "NodeGroupOutput" and not _gives(tree):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return found or tree.nodes.new(kind)


def _gives(tree: bpy.types.NodeTree) -> bool:
    """Whether a tree has an output at all; panels of its interface are none."""
    return any(one.item_type == "SOCKET" and one.in_out == "OUTPUT" for one in tree.interface.items_tree)


def _source(tree: bpy.types.NodeTree, output: bpy.types.Node) -> bpy.types.NodeSocket:
    """What goes into the output now: the render where nothing does."""
    if output.inputs[0].is_linked:
        return output.inputs[0].links[0].from_socket
    layers = next((one for one in tree.nodes if one.bl_idname == "CompositorNodeRLayers"), None)
    if layers is None:
        layers = tree.nodes.new("CompositorNodeRLayers")
        layers.location = (output.location.x - 600, output.location.y)
    return layers.outputs["Image"]


def _group(patch: bpy.types.Image) -> bpy.types.NodeTree:
    """Image → patch over it, with the image's own alpha."""
    group = bpy.data.node_groups.new(_TITLE, "CompositorNodeTree")
    group[_MARK] = True
    for side in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Image", in_out=side, socket_type="NodeSocketColor")
    kinds = ("NodeGroupInput", "CompositorNodeImage", "CompositorNodeAlphaOver", "CompositorNodeSeparateColor")
    kinds += ("CompositorNodeSetAlpha", "NodeGroupOutput")
    start, image, over, parts, alpha, end = nodes = [group.nodes.new(kind) for kind in kinds]
    for number, node in enumerate(nodes):
        node.location = (200 * number, -150 * (number % 2))
    image.image = patch
    below, above = (over.inputs["Background"], over.inputs["Foreground"]) if _by_names(over) else over.inputs[1:3]
    _replace_alpha(alpha)
    for source, target in (
        (start.outputs[0], below),
        (image.outputs["Image"], above),
        (start.outputs[0], parts.inputs[0]),
        (over.outputs[0], alpha.inputs["Image"]),
        (parts.outputs["Alpha"], alpha.inputs["Alpha"]),
        (alpha.outputs[0], end.inputs[0]),
    ):
        group.links.new(source, target)
    return group


def _by_names(over: bpy.types.Node) -> bool:
    """Since 5.0 the inputs of Alpha Over have names of their own."""
    return "Foreground" in over.inputs


def _replace_alpha(node: bpy.types.Node) -> None:
    """Set Alpha without multiplying: a property before 5.0, an input since."""
    if hasattr(node, "mode"):
        node.mode = "REPLACE_ALPHA"
    else:
        node.inputs["Type"].default_value = "Replace Alpha"


def _image_node(group: bpy.types.NodeTree) -> bpy.types.Node | None:
    """None where somebody deleted it."""
    return next((one for one in group.nodes if one.bl_idname == "CompositorNodeImage"), None)
