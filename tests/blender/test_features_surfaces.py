"""What modifiers, shapes and shaders make of a surface."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_segaddon.capture import capture

from . import exact, scenes

SIZE = (64, 36)


@pytest.fixture(autouse=True)
def scene():
    made = scenes.empty()
    scenes.add("Floor", scenes.mesh("plane", "Floor", 30), (0, 0, -1.5))
    scenes.camera(at=(1, -8, 3), towards=(0, 0, 0))
    return made


def array(one):
    modifier = one.modifiers.new("Array", "ARRAY")
    modifier.count, modifier.relative_offset_displace = 3, (1.2, 0, 0.1)


def mirror(one):
    one.data.transform(Matrix.Translation((1, 0, 0)))
    one.modifiers.new("Mirror", "MIRROR")


def boolean(one):
    cutter = scenes.add("Cutter", scenes.mesh("ball", "Cutter", 1.4), (0.5, -0.5, 0.5), hide_render=True)
    cutter.hide_viewport = False
    cutter.display_type = "WIRE"
    modifier = one.modifiers.new("Boolean", "BOOLEAN")
    modifier.object, modifier.operation = cutter, "DIFFERENCE"


def build(one):
    modifier = one.modifiers.new("Build", "BUILD")
    modifier.frame_start, modifier.frame_duration = 1, 10
    bpy.context.scene.frame_set(6)


def screw(one):
    one.data.clear_geometry()
    one.data.from_pydata([(0.4, 0, 0), (0.8, 0, 0.3)], [(0, 1)], [])
    one.modifiers.new("Screw", "SCREW").screw_offset = 1.0


def skin(one):
    one.data.clear_geometry()
    one.data.from_pydata([(0, 0, -1), (0, 0, 0), (1, 0, 1)], [(0, 1), (1, 2)], [])
    one.modifiers.new("Skin", "SKIN")
    subdivided(one, 1, "CATMULL_CLARK")


def remesh(one):
    modifier = one.modifiers.new("Remesh", "REMESH")
    modifier.mode, modifier.voxel_size = "VOXEL", 0.3


def wave(one):
    subdivided(one)
    one.modifiers.new("Wave", "WAVE").height = 0.2
    bpy.context.scene.frame_set(20)


def subdivided(one, levels=3, kind="SIMPLE"):
    modifier = one.modifiers.new("Subdivision", "SUBSURF")
    modifier.levels = modifier.render_levels = levels
    modifier.subdivision_type = kind


def smooth(one):
    for face in one.data.polygons:
        face.use_smooth = True
    subdivided(one, 2, "CATMULL_CLARK")


def displaced(one):
    subdivided(one)
    texture = bpy.data.textures.new("Clouds", "CLOUDS")
    modifier = one.modifiers.new("Displace", "DISPLACE")
    modifier.texture, modifier.strength = texture, 0.4


def solid_and_bevelled(one):
    one.modifiers.new("Bevel", "BEVEL").width = 0.1
    one.modifiers.new("Solidify", "SOLIDIFY").thickness = 0.2


def decimated_wire(one):
    subdivided(one, 2)
    one.modifiers.new("Wireframe", "WIREFRAME").thickness = 0.1
    one.modifiers.new("Triangulate", "TRIANGULATE")


def cloth(one):
    subdivided(one, 2)
    one.modifiers.new("Cloth", "CLOTH")
    for frame in range(1, 4):
        bpy.context.scene.frame_set(frame)


def shape_keys(one):
    one.shape_key_add(name="Basis")
    key = one.shape_key_add(name="Tall")
    for point in key.data:
        point.co.z *= 2
    key.value = 0.5


def lattice(one):
    data = bpy.data.lattices.new("Cage")
    cage = scenes.add("Cage", data, (0, 0, 0), scale=(2, 2, 2))
    for point in data.points[:4]:
        point.co_deform.x += 0.4
    one.modifiers.new("Lattice", "LATTICE").object = cage


def armature(one):
    bones = bpy.data.armatures.new("Bones")
    rig = scenes.add("Rig", bones)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones.edit_bones.new("Bone").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    one.vertex_groups.new(name="Bone").add(range(4), 1.0, "REPLACE")
    one.modifiers.new("Armature", "ARMATURE").object = rig
    rig.pose.bones["Bone"].rotation_mode = "XYZ"
    rig.pose.bones["Bone"].rotation_euler = (0.3, 0.2, 0.5)


def weighted_normals(one):
    smooth(one)
    one.modifiers.new("Weighted", "WEIGHTED_NORMAL")


MAKERS = [
    array,
    mirror,
    boolean,
    build,
    screw,
    skin,
    remesh,
    wave,
    subdivided,
    smooth,
    displaced,
    solid_and_bevelled,
    decimated_wire,
    cloth,
    shape_keys,
    lattice,
    armature,
    weighted_normals,
]


@pytest.mark.parametrize("make", MAKERS)
def test_modifiers(scene, make):
    one = scenes.add("Thing", scenes.mesh(name="Thing", size=1.5))
    make(one)
    bpy.context.view_layer.update()
    # Where flat faces meet smooth ones without a sharp edge, Cycles gives their shared corners one normal.
    maps = exact.check(scene, SIZE, prototypes={"Cutter"}, turn=180 if make is boolean else exact.NORMAL)
    assert {found.object for found in maps.instances} == {"Thing", "Floor"}


@pytest.mark.parametrize("primitive", ["cone", "cylinder", "ico_sphere", "torus", "monkey", "circle", "grid"])
def test_blender_s_own_primitives(scene, primitive):
    add = getattr(bpy.ops.mesh, f"primitive_{primitive}_add")
    add(**({"fill_type": "NGON"} if primitive == "circle" else {}), location=(0, 0, 0), rotation=(0.5, 0.2, 0.3))
    maps = exact.check(scene, SIZE)
    assert len(maps.instances) == 2


@pytest.mark.parametrize("primitive", ["curve", "sphere", "torus", "cylinder", "surface"])
def test_nurbs_surfaces(scene, primitive):
    getattr(bpy.ops.surface, f"primitive_nurbs_surface_{primitive}_add")(rotation=(0.5, 0.2, 0))
    maps = exact.check(scene, SIZE)
    assert len(maps.instances) == (1 if primitive == "curve" else 2)


def test_custom_normals_and_sharp_edges(scene):
    ball = scenes.mesh("ball", "Ball", 2.5)
    for edge in list(ball.edges)[::3]:
        edge.use_edge_sharp = True
    scenes.add("Ball", ball, (-1.3, 0, 0))
    custom = scenes.mesh("ball", "Custom", 2.5)
    rng = np.random.default_rng(1)
    given = (
        np.array([vertex.co.normalized() for vertex in custom.vertices])
        + rng.normal(size=(len(custom.vertices), 3)) / 9
    )
    custom.normals_split_custom_set_from_vertices(given.tolist())
    scenes.add("Custom", custom, (1.3, 0, 0))
    exact.check(scene, SIZE)


def displacing(method, height, alpha=False):
    """A material that moves the surface along its normal by ``height(tree)``."""
    made = scenes.material("Displacing")
    made.displacement_method = method
    tree = made.node_tree
    node = tree.nodes.new("ShaderNodeDisplacement")
    node.inputs["Midlevel"].default_value, node.inputs["Scale"].default_value = 0.0, 1.0
    value = height(tree)
    if isinstance(value, float):
        node.inputs["Height"].default_value = value
    else:
        tree.links.new(value, node.inputs["Height"])
    tree.links.new(node.outputs[0], tree.get_output_node("CYCLES").inputs["Displacement"])
    return made


def along_x(tree):
    """A fifth of object x."""
    where, split = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeSeparateXYZ")
    scale = tree.nodes.new("ShaderNodeMath")
    scale.operation, scale.inputs[1].default_value = "MULTIPLY", 0.2
    tree.links.new(where.outputs["Object"], split.inputs[0])
    tree.links.new(split.outputs[0], scale.inputs[0])
    return scale.outputs[0]


@pytest.mark.parametrize("method", ["DISPLACEMENT", "BOTH", "BUMP"])
@pytest.mark.parametrize("adaptive", [False, True])
def test_shader_displacement(scene, method, adaptive):
    """A plane is lifted by 0.5 + x / 5: a plane again, worked out by hand. A bump lifts nothing."""

    def height(tree):
        add = tree.nodes.new("ShaderNodeMath")
        add.inputs[1].default_value = 0.5
        tree.links.new(along_x(tree), add.inputs[0])
        return add.outputs[0]

    bpy.data.objects.remove(bpy.data.objects["Floor"])
    one = scenes.add("Sheet", scenes.mesh("plane", "Sheet", 40))
    one.data.materials.append(displacing(method, height))
    subdivided(one, 4)
    if adaptive:
        if hasattr(one.modifiers[0], "use_adaptive_subdivision"):
            one.modifiers[0].use_adaptive_subdivision = True
        else:
            scene.cycles.feature_set = "EXPERIMENTAL"
            one.cycles.use_adaptive_subdivision = True
    maps = capture(scene, size=SIZE)
    points = maps.camera.world_points(maps.depth)[maps.instance_map > 0]
    inside = (np.abs(points[:, :2]) < 18).all(axis=1)
    slope = 0.0 if method == "BUMP" else 0.2
    expected = points[:, 0] * slope + (0.0 if method == "BUMP" else 0.5)
    assert inside.sum() > 500
    assert np.abs(points[:, 2] - expected)[inside].max() < 1e-3
    normal = np.array((-slope, 0, 1)) / math.hypot(slope, 1)
    world = (maps.normal @ maps.camera.matrix_world[:3, :3].T)[maps.instance_map > 0][inside]
    assert np.degrees(np.arccos(np.clip(world @ normal, -1, 1))).max() < 0.5


@pytest.mark.parametrize("case", ["no material", "empty slot", "slot of the object", "no output"])
def test_subdivided_things_without_a_material(scene, case):
    one = scenes.add("Thing", scenes.mesh(name="Thing", size=1.5))
    if case != "no material":
        one.data.materials.append(None)
    if case == "slot of the object":
        one.material_slots[0].link = "OBJECT"
    if case == "no output":
        one.material_slots[0].material = scenes.material("Nothing")
        one.material_slots[0].material.node_tree.nodes.clear()
    subdivided(one)
    inside = bpy.data.collections.new("Inside")
    scenes.add("Part", one.data, (0, 0, 0), inside).modifiers.new("Subdivision", "SUBSURF").render_levels = 1
    scenes.add("Instance", None, (2.5, 0, 0), instance_type="COLLECTION", instance_collection=inside)
    maps = exact.check(scene, SIZE)
    assert sorted(found.object for found in maps.instances) == ["Floor", "Part", "Thing"]
    assert exact.check(scene, SIZE).instances == maps.instances
    assert len(one.material_slots) == (case != "no material")


def test_displacement_and_cutout_in_one_material(scene):
    made = displacing("DISPLACEMENT", lambda tree: 0.3)
    tree = made.node_tree
    where, split = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeSeparateXYZ")
    less = tree.nodes.new("ShaderNodeMath")
    less.operation, less.inputs[1].default_value = "LESS_THAN", 0.0
    tree.links.new(where.outputs["Object"], split.inputs[0])
    tree.links.new(split.outputs[0], less.inputs[0])
    tree.links.new(less.outputs[0], tree.nodes["Principled BSDF"].inputs["Alpha"])
    one = scenes.add("Sheet", scenes.mesh("plane", "Sheet", 4))
    one.data.materials.append(made)
    maps = capture(scene, size=SIZE)
    sheet = next(found.id for found in maps.instances if found.object == "Sheet")
    points = maps.camera.world_points(maps.depth)[maps.instance_map == sheet]
    assert np.allclose(points[:, 2], 0.3, atol=1e-4)
    assert (points[:, 0] < 0).all() and len(points) > 100


def test_material_override_of_the_view_layer(scene):
    """A render with an override shows whole leaves, and so do its maps."""
    leaf = scenes.add("Leaf", scenes.mesh("plane", "Leaf", 3), (0, 0, 0), rotation_euler=(1.2, 0, 0))
    leaf.data.materials.append(scenes.cutout_material())
    exact.check(scene, SIZE, lambda name, point: name == "Leaf" and point.x >= scenes.CUTOUT_EDGE)
    scene.view_layers[0].material_override = scenes.material("Clay")
    exact.check(scene, SIZE)
    assert scene.view_layers[0].material_override.name == "Clay"
