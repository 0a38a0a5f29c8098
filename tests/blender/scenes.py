"""Small scenes, made by hand."""

from __future__ import annotations

import math

import bpy
from mathutils import Vector

# isort: split
import bmesh  # only there once bpy is imported

CUTOUT_EDGE = 0.3
"""The cutout is there where its world x is below this."""


def empty() -> bpy.types.Scene:
    """A new file with nothing in it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def mesh(kind: str = "cube", name: str = "Cube", size: float = 1.0) -> bpy.types.Mesh:
    """A mesh data-block: "cube", "ball" (smooth), "plane"."""
    data = bpy.data.meshes.new(name)
    form = bmesh.new()
    if kind == "cube":
        bmesh.ops.create_cube(form, size=size)
    elif kind == "ball":
        bmesh.ops.create_uvsphere(form, u_segments=24, v_segments=12, radius=size / 2)
        for face in form.faces:
            face.smooth = True
    else:
        bmesh.ops.create_grid(form, x_segments=1, y_segments=1, size=size / 2)
    form.to_mesh(data)
    form.free()
    return data


def add(name: str, data: bpy.types.ID | None, at=(0, 0, 0), collection=None, **settings) -> bpy.types.Object:
    """An object with ``data``, in a collection (None: the scene's)."""
    one = bpy.data.objects.new(name, data)
    one.location = at
    for key, value in settings.items():
        setattr(one, key, value)
    (collection or bpy.context.scene.collection).objects.link(one)
    return one


def camera(at=(0, -12, 6), towards=(0, 0, 0.5), **settings) -> bpy.types.Object:
    """The scene's new camera, aimed at a point."""
    data = bpy.data.cameras.new("Camera")
    for key, value in settings.items():
        setattr(data, key, value)
    direction = Vector(towards) - Vector(at)
    one = add("Camera", data, at, rotation_euler=direction.to_track_quat("-Z", "Y").to_euler())
    bpy.context.scene.camera = one
    return one


def material(name: str) -> bpy.types.Material:
    """A plain material with nodes."""
    made = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        made.use_nodes = True
    return made


def cutout_material(style: str = "alpha") -> bpy.types.Material:
    """Opaque where world x is below ``CUTOUT_EDGE``: by Principled's alpha, or "mix" with a Transparent BSDF."""
    made = material(f"Cutout {style}")
    tree = made.node_tree
    geometry, split = tree.nodes.new("ShaderNodeNewGeometry"), tree.nodes.new("ShaderNodeSeparateXYZ")
    less = tree.nodes.new("ShaderNodeMath")
    less.operation = "LESS_THAN"
    less.inputs[1].default_value = CUTOUT_EDGE
    tree.links.new(geometry.outputs["Position"], split.inputs[0])
    tree.links.new(split.outputs[0], less.inputs[0])
    principled = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    if style == "alpha":
        tree.links.new(less.outputs[0], principled.inputs["Alpha"])
        return made
    mix, clear = tree.nodes.new("ShaderNodeMixShader"), tree.nodes.new("ShaderNodeBsdfTransparent")
    tree.links.new(less.outputs[0], mix.inputs[0])
    tree.links.new(clear.outputs[0], mix.inputs[1])
    tree.links.new(principled.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.get_output_node("CYCLES").inputs["Surface"])
    return made


def scatter(name: str, prototype: bpy.types.Object, at, points: int = 5) -> bpy.types.Object:
    """Geometry nodes: ``prototype`` on a grid of ``points``²."""
    tree = bpy.data.node_groups.new("Scatter", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    grid, put = tree.nodes.new("GeometryNodeMeshGrid"), tree.nodes.new("GeometryNodeInstanceOnPoints")
    info, out = tree.nodes.new("GeometryNodeObjectInfo"), tree.nodes.new("NodeGroupOutput")
    for socket, value in zip(grid.inputs, (3.0, 3.0, points, points), strict=True):
        socket.default_value = value
    info.inputs["Object"].default_value = prototype
    info.inputs["As Instance"].default_value = True
    tree.links.new(grid.outputs[0], put.inputs["Points"])
    tree.links.new(info.outputs["Geometry"], put.inputs["Instance"])
    tree.links.new(put.outputs[0], out.inputs[0])
    one = add(name, mesh("plane", name), at)
    one.modifiers.new("Scatter", "NODES").node_group = tree
    return one


def nodes(name, build, at=(0, 0, 0)) -> bpy.types.Object:
    """An object with a geometry node tree; ``build(tree, new)`` gives the geometry's socket."""
    tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    tree.nodes.new("NodeGroupInput")

    def new(kind, **inputs):
        node = tree.nodes.new(f"GeometryNode{kind}")
        for key, value in inputs.items():
            socket = node.inputs[key.replace("_", " ")]
            if isinstance(value, bpy.types.NodeSocket):
                tree.links.new(value, socket)
            else:
                socket.default_value = value
        return node.outputs[0]

    tree.links.new(build(tree, new), tree.nodes.new("NodeGroupOutput").inputs[0])
    one = add(name, mesh("plane", name), at)
    one.modifiers.new("Nodes", "NODES").node_group = tree
    return one


def particles(emitter: bpy.types.Object, prototype: bpy.types.Object, count: int = 20) -> None:
    """``prototype`` as hair-like particles on the faces of ``emitter``."""
    emitter.modifiers.new("Particles", "PARTICLE_SYSTEM")
    settings = emitter.particle_systems[0].settings
    settings.type, settings.count = "HAIR", count
    settings.render_type, settings.instance_object = "OBJECT", prototype
    settings.particle_size, settings.size_random = 0.25, 0.0
    settings.use_advanced_hair = True


def everything() -> bpy.types.Scene:
    """One of each kind of thing that can be instanced or lack a material."""
    scene = empty()
    hidden = bpy.data.collections.new("Prototypes")
    add("Floor", mesh("plane", "Floor", 14.0), (0, 0, 0)).data.materials.append(material("Floor"))
    block = mesh("cube", "Block")
    block.materials.append(material("Block"))
    for x in (-3, -2, -1):
        add(f"Duplicate {x}", block, (x * 1.3, -2.5, 0.5))
    inner, outer = bpy.data.collections.new("Inner"), bpy.data.collections.new("Outer")
    add("Part A", mesh("ball", "Ball", 0.8), (0, 0, 0.4), inner)
    add("Part B", mesh("cube", "Top", 0.4), (0, 0, 1.0), inner)
    for x in (-0.7, 0.7):
        add(f"Inner at {x}", None, (x, 0, 0), outer, instance_type="COLLECTION", instance_collection=inner)
    for x in (0.8, 3.4):
        add(f"Nested {x}", None, (x, -2.5, 0), instance_type="COLLECTION", instance_collection=outer)
    scatter("Field", add("Tuft", mesh("ball", "Tuft", 0.3), (0, 0, 0), hidden), (-3.5, 1.5, 0.3))
    bed = add("Bed", mesh("plane", "Bed", 2.5), (3.5, 1.5, 0.2))
    particles(bed, add("Seed", mesh("ball", "Seed", 1.0), (0, 0, 0), hidden))
    text = bpy.data.curves.new("Text", "FONT")
    text.body, text.extrude = "SEG", 0.1
    add("Text", text, (-1.0, 3.0, 1.5), rotation_euler=(math.pi / 2, 0, 0))
    path = bpy.data.curves.new("Pipe", "CURVE")
    path.dimensions, path.bevel_depth = "3D", 0.15
    spline = path.splines.new("POLY")
    spline.points.add(2)
    for point, at in zip(spline.points, ((-5, 3, 0.3, 1), (-3, 4, 2, 1), (0, 4, 0.5, 1)), strict=True):
        point.co = at
    add("Pipe", path)
    for style, y in (("alpha", 0.2), ("mix", -0.6)):
        leaf = add(f"Leaf {style}", mesh("plane", f"Leaf {style}", 1.4), (0.3, y, 1.6), rotation_euler=(1.2, 0, 0))
        leaf.data.materials.append(cutout_material(style))
    add("No material", mesh("ball", "Bare", 1.2), (-2.2, -0.7, 0.6))
    add("Empty slot", mesh("cube", "Slot", 0.8), (2.2, -0.6, 0.4)).data.materials.append(None)
    camera()
    bpy.context.view_layer.update()
    return scene


def curves_of(one: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The animation curves of an object; since 4.4 they lie in an action's layers."""
    action = one.animation_data.action
    if hasattr(action, "layers") and action.layers:
        return [curve for bag in action.layers[0].strips[0].channelbags for curve in bag.fcurves]
    return list(action.fcurves)


def see_through(name: str, point: Vector) -> bool:
    """For the ray caster: where the leaves of ``everything`` are not there."""
    return name.startswith("Leaf") and point.x >= CUTOUT_EDGE
