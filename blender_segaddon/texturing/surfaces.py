"""Node groups before the outputs of materials, and every way back.

A local material with nodes takes the group itself. Any other (linked from a library, without nodes, or none at all)
stays as it is: the object shows a local stand-in through its own slot, and gets its slot back when the last group has
left the stand-in.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..core.marks import PICTURE_MARK

ORIGINAL = "seg_original"
"""On a stand-in: the material that it stands for; absent where there was none."""
STAND_IN = "seg_stand_in"
SLOTS = "seg_slots"
"""On an object: what its slots were, {index: {"link", "material"}}."""
SLOT_ADDED = "seg_slot_added"
"""On data without materials: a slot was added."""
GROUP_MARK = PICTURE_MARK
"""On the node groups of placements and on the nodes that show them."""
KEY = "seg_key"
"""On a painted object: Object Info Random at its first capture. Random hangs on the name, this outlasts renaming."""
SAMPLING = "seg_emission_sampling"
"""On a material: its emission sampling before, "" where none was set."""


def writable(one: bpy.types.Object) -> list[bpy.types.Material]:
    """The materials of an object's slots, each ready to take a group; puts stand-ins where there must be some."""
    _ensure_slot(one)
    materials = []
    for index, slot in enumerate(one.material_slots):
        material = slot.material
        if material is None or not takes_groups(material):
            material = _stand_in(material)
            _show(one, index, material)
        materials.append(material)
    return materials


def takes_groups(material: bpy.types.Material) -> bool:
    """Whether a group can go into the material itself."""
    return material.library is None and material.override_library is None and _has_nodes(material)


def insert(tree: bpy.types.NodeTree, group: bpy.types.NodeTree) -> bool:
    """Put ``group`` between the surface and the outputs of a material's or world's tree; once is enough.

    Gives whether it stands there; not where there is only a volume.
    """
    if uses(tree, {group}):
        return True
    outputs = {out.name: out for out in (tree.get_output_node(target) for target in ("CYCLES", "EEVEE")) if out}
    for output in outputs.values():
        surface = output.inputs["Surface"]
        if not surface.is_linked and output.inputs["Volume"].is_linked:
            continue
        node = tree.nodes.new("ShaderNodeGroup")
        node.node_tree, node.label, node.name = group, group.name, group.name
        node[GROUP_MARK] = True
        node.location = (output.location.x, output.location.y + 160)
        if surface.is_linked:  # else the surface is black
            source = surface.links[0].from_socket
            _link_opacity(tree, source, node)
            tree.links.new(source, node.inputs["Surface"])
        tree.links.new(node.outputs["Surface"], surface)
    return uses(tree, {group})


def extract(tree: bpy.types.NodeTree, group: bpy.types.NodeTree | None) -> None:
    """Take ``group`` out again and close the gap; None: the nodes whose group the user has deleted.

    Blender takes the sockets of such nodes away some time after, and with them what the surface was linked to.
    """
    nodes = [one for one in tree.nodes if one.type == "GROUP" and GROUP_MARK in one and one.node_tree == group]
    ends = []
    for node in nodes:  # all links are read first: the first new one makes Blender look at the empty nodes
        outward = node.outputs["Surface"].links if node.outputs else ()
        ends += [(_before(node, nodes), link.to_socket) for link in outward if link.to_node not in nodes]
    for node in nodes:
        tree.nodes.remove(node)
    for source, target in ends:
        if source is not None:
            tree.links.new(source, target)


def _before(node: bpy.types.Node, passed: list[bpy.types.Node]) -> bpy.types.NodeSocket | None:
    """The output that feeds a group's node, beyond those of ``passed``; None where it is fed by nothing."""
    surface = node.inputs.get("Surface")
    if surface is None or not surface.is_linked:
        return None
    source = surface.links[0].from_socket
    return _before(source.node, passed) if source.node in passed else source


def lights_nothing(material: bpy.types.Material) -> None:
    """Keep Cycles from sampling a painted material as a lamp, unless it is one."""
    if SAMPLING not in material and not _glows(material.node_tree):
        cycles = material.cycles
        material[SAMPLING] = cycles.emission_sampling if cycles.is_property_set("emission_sampling") else ""
        cycles.emission_sampling = "NONE"


def _restore_sampling(material: bpy.types.Material) -> None:
    before = material.pop(SAMPLING)
    if before:
        material.cycles.emission_sampling = before
        return
    material.cycles.property_unset("emission_sampling")
    if (
        "cycles" in material and not material["cycles"].keys()
    ):  # where Cycles' settings are custom properties: below 5.0
        del material["cycles"]


def tidy(groups: set[bpy.types.NodeTree]) -> None:
    """Undo what was done to materials, slots and data that none of ``groups`` (those still in use) needs any more."""
    free = [one for one in bpy.data.materials if one.library is None and not uses(one.node_tree, groups)]
    for material in free:
        if SAMPLING in material:
            _restore_sampling(material)
    stand_ins = [one for one in free if STAND_IN in one]
    for one in [one for one in bpy.data.objects if SLOTS in one]:
        _restore_slots(one, stand_ins)
    for material in stand_ins:
        bpy.data.materials.remove(material)
    _remove_added_slots()
    if not painted(groups):
        for one in [one for one in bpy.data.objects if KEY in one]:
            del one[KEY]


def painted(groups: set[bpy.types.NodeTree]) -> bool:
    """Whether any local material shows one of ``groups``."""
    return any(uses(one.node_tree, groups) for one in bpy.data.materials if one.library is None)


def _has_nodes(material: bpy.types.Material) -> bool:
    tree = material.node_tree
    active = bpy.app.version >= (5, 0) or material.use_nodes
    return bool(active and tree and tree.get_output_node("CYCLES"))


def _stand_in(original: bpy.types.Material | None) -> bpy.types.Material:
    """A local material with nodes that looks like ``original``; one for all that use it."""
    for material in bpy.data.materials:
        if STAND_IN in material and material.get(ORIGINAL) == original:
            return material
    if original is None:
        material = bpy.data.materials.new("Seg Surface")
    else:
        material = original.copy()
        material.name = f"Seg {original.name}"
        material[ORIGINAL] = original
    material[STAND_IN] = True
    material.use_fake_user = False
    if original is None or not _has_nodes(material):
        _plain_nodes(material)
    return material


def _plain_nodes(material: bpy.types.Material) -> None:
    """What Cycles shows for a material without nodes: diffuse, in the viewport colour."""
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    diffuse, output = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeOutputMaterial")
    diffuse.inputs["Color"].default_value = material.diffuse_color
    output.location = (600, 0)
    tree.links.new(diffuse.outputs[0], output.inputs["Surface"])


def _ensure_slot(one: bpy.types.Object) -> None:
    data = one.data
    if not one.material_slots and data.library is None:
        data.materials.append(None)
        data[SLOT_ADDED] = True


def _show(one: bpy.types.Object, index: int, material: bpy.types.Material) -> None:
    """Let a slot of the object show ``material``; what it was is written down."""
    slot = one.material_slots[index]
    before = {"link": slot.link}
    slot.link = "OBJECT"
    if slot.material is not None:
        before["material"] = slot.material  # hidden until now when the slot belonged to the data
    kept = one[SLOTS].to_dict() if SLOTS in one else {}
    one[SLOTS] = {**kept, str(index): before}
    slot.material = material


def _restore_slots(one: bpy.types.Object, stand_ins: list[bpy.types.Material]) -> None:
    kept = one[SLOTS].to_dict()
    for index, before in list(kept.items()):
        slot = one.material_slots[int(index)] if int(index) < len(one.material_slots) else None
        shown = slot.material if slot is not None and slot.link == "OBJECT" else None
        if slot is not None and shown in stand_ins:
            slot.material = before.get("material")
            slot.link = before["link"]
        if shown is None or shown in stand_ins or STAND_IN not in shown:  # else it is needed still
            del kept[index]
    if kept:
        one[SLOTS] = kept
    else:
        del one[SLOTS]


def _remove_added_slots() -> None:
    busy = {one.data for one in bpy.data.objects if SLOTS in one}
    for kind in (bpy.data.meshes, bpy.data.curves, bpy.data.metaballs, bpy.data.hair_curves, bpy.data.pointclouds):
        for data in kind:
            if SLOT_ADDED in data and data not in busy:
                del data[SLOT_ADDED]
                if len(data.materials) == 1 and data.materials[0] is None:
                    data.materials.clear()  # pop would leave the slots of its objects behind


def uses(tree: bpy.types.NodeTree | None, groups: set[bpy.types.NodeTree]) -> bool:
    """Whether one of ``groups`` stands in the tree of a material or world."""
    return bool(tree and any(node.type == "GROUP" and node.node_tree in groups for node in tree.nodes))


def _link_opacity(tree: bpy.types.NodeTree, source: bpy.types.NodeSocket, group: bpy.types.Node) -> None:
    """Tell the group how opaque the surface is, where that can be read from one socket."""
    for title, socket in _opacity(source):
        if socket.is_linked:
            tree.links.new(socket.links[0].from_socket, group.inputs[title])
        else:
            group.inputs[title].default_value = socket.default_value


def _opacity(source: bpy.types.NodeSocket) -> Iterator[tuple[str, bpy.types.NodeSocket]]:
    """(Alpha or Hole, the input that holds it), for Principled and for a mix with Transparent."""
    node = source.node
    while node.type in ("GROUP", "REROUTE"):  # projections that are already there
        inner = node.inputs.get("Surface") if node.type == "GROUP" else node.inputs[0]
        if inner is None or not inner.is_linked:
            return
        node = inner.links[0].from_node
    if node.type == "BSDF_PRINCIPLED":
        yield "Alpha", node.inputs["Alpha"]
    elif node.type == "MIX_SHADER":
        first, second = (socket.links[0].from_node.type if socket.is_linked else "" for socket in node.inputs[1:3])
        if first == "BSDF_TRANSPARENT":
            yield "Alpha", node.inputs[0]
        elif second == "BSDF_TRANSPARENT":
            yield "Hole", node.inputs[0]


def _glows(tree: bpy.types.NodeTree) -> bool:
    """Whether a material emits light by itself (as far as can be seen without rendering)."""
    for node in tree.nodes:
        if node.type == "EMISSION":
            return True
        if node.type == "BSDF_PRINCIPLED":
            strength, colour = node.inputs["Emission Strength"], node.inputs["Emission Color"]
            if (strength.is_linked or strength.default_value > 0) and (
                colour.is_linked or max(colour.default_value[:3]) > 0
            ):
                return True
        inner = node.node_tree if node.type == "GROUP" else None
        if inner and GROUP_MARK not in inner and _glows(inner):
            return True
    return False
