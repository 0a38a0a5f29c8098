"""Makes evaluated materials write ids. Only copies that Blender threw together for one render are changed.

Each material becomes: an emission where it is opaque, transparent where its alpha is below one half, and in both
cases without bump, volume or light.
"""

from __future__ import annotations

import bpy

from .transparency import Transparency, Value, has_output, source_of
from .writer import use_writer


def write_ids(
    material: bpy.types.Material, number: int, transparency: Transparency, writer: bpy.types.NodeTree
) -> None:
    """Rebuild the output of an evaluated material; one without an output is left to ``use_stand_in``.

    Args:
        number: what the material's pass shall say, 1..65535.
        writer: see ``writer``; evaluated.
    """
    if not has_output(material):
        return
    tree = material.node_tree
    output = tree.get_output_node("CYCLES")
    transparency.material = material.name
    transparency.look_for_scripts(tree)
    through = _output_transparency(tree, output, transparency)
    for socket in output.inputs:
        keep = socket.identifier == "Displacement" and material.displacement_method != "BUMP"
        if not keep:
            for link in list(socket.links):
                tree.links.remove(link)
    if material.displacement_method == "BOTH":
        material.displacement_method = "DISPLACEMENT"
    if isinstance(through, float) and through > 0.5:
        tree.links.new(tree.nodes.new("ShaderNodeBsdfTransparent").outputs[0], output.inputs["Surface"])
    else:
        use_writer(material, output, writer, through, float(number))


def _output_transparency(tree: bpy.types.NodeTree, output: bpy.types.Node, transparency: Transparency) -> Value:
    if source_of(output.inputs["Surface"]) is None and source_of(output.inputs["Volume"]) is not None:
        return 1.0  # smoke and fog are seen through
    return transparency.of(tree, output.inputs["Surface"])


def use_stand_in(depsgraph: bpy.types.Depsgraph, stand_in: bpy.types.Material) -> bool:
    """Put ``stand_in`` (evaluated) wherever evaluated geometry has no material, or one that could write nothing.

    Returns whether that was so anywhere: Blender then evaluates objects (not their geometry) again before it renders
    again.
    """
    done: set[int] = set()
    used = False
    for one in depsgraph.ids:
        if isinstance(one, bpy.types.Object) and any(modifier.type == "SUBSURF" for modifier in one.modifiers):
            used |= _cover_subdivided(one, stand_in)
    for instance in depsgraph.object_instances:
        used |= _fill_slots(instance.object, stand_in)
        data = instance.object.data
        materials = getattr(data, "materials", None)
        if materials is None or data.as_pointer() in done:
            continue
        done.add(data.as_pointer())
        if len(materials) == 0:
            materials.append(stand_in)
            used = True
        for index, material in enumerate(materials):
            if _needs_stand_in(material):
                _release(material, stand_in)
                materials[index] = stand_in
                used = True
    return used


def _cover_subdivided(one: bpy.types.Object, stand_in: bpy.types.Material) -> bool:
    """Since Blender 4.5 a subdivided mesh is another than ``data``, and out of reach: its object gets the materials."""
    used = not one.material_slots
    if used:
        one.active_material = stand_in
    for slot in one.material_slots:
        if _needs_stand_in(slot.material):
            slot.link, used = "OBJECT", True
            slot.material = stand_in
    return used


def _fill_slots(one: bpy.types.Object, stand_in: bpy.types.Material) -> bool:
    """Slots whose material belongs to the object, not to its data."""
    used = False
    for slot in one.material_slots:
        if slot.link == "OBJECT" and _needs_stand_in(slot.material):
            _release(slot.material, stand_in)
            slot.material = stand_in
            used = True
    return used


def _needs_stand_in(material: bpy.types.Material | None) -> bool:
    return material is None or not has_output(material)


def _release(material: bpy.types.Material | None, stand_in: bpy.types.Material) -> None:
    """Blender complains aloud when an evaluated material, which counts no users, loses one: give it one first."""
    if material is not None:
        stand_in[f"held {len(stand_in.keys())}"] = material
