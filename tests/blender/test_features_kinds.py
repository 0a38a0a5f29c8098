"""Every kind of object, and every way to make many of one, against rays or numbers worked out by hand."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import capture
from blender_segaddon.protocol.errors import SceneError

from . import exact, scenes

SIZE = (64, 36)


@pytest.fixture(autouse=True)
def scene():
    made = scenes.empty()
    scenes.add("Floor", scenes.mesh("plane", "Floor", 30), (0, 0, -1.5))
    return made


def line(new, count=3, step=1.6):
    return new("MeshLine", Count=count, Offset=(step, 0, 0), Start_Location=(-step * (count - 1) / 2, 0, 0))


def names(maps):
    return [one.object for one in maps.instances]


def test_shared_data_and_linked_duplicates(scene):
    data = scenes.mesh("ball", "Shared")
    for x in (-2, 0, 2):
        scenes.add(f"Ball {x}", data, (x, 0, 0), scale=(1, 1, 1 + x / 4), rotation_euler=(x, 0, 1))
    scenes.camera(at=(0, -7, 2), towards=(0, 0, 0))
    assert len(exact.check(scene, SIZE).instances) == 4


def test_mirrored_things_have_their_normals_outside(scene):
    data = scenes.mesh("ball", "Shared")
    scenes.add("Mirrored", data, (-1, 0, 0), scale=(-1, 1, 1.5))
    inside = bpy.data.collections.new("Inside")
    scenes.add("Part", data, (0, 0, 0), inside, scale=(1, -1, 1))
    scenes.add("Instance", None, (1, 0, 0), instance_type="COLLECTION", instance_collection=inside, scale=(-1, 1, 1))
    scenes.add("All three", data, (0, 0, 1.4), scale=(-1, -1, -0.5))
    scenes.camera(at=(0, -7, 2), towards=(0, 0, 0))
    assert len(exact.check(scene, SIZE).instances) == 4


def test_faces_that_look_away_and_inside_out(scene):
    """Imported meshes often face inwards: what is seen is the side towards the camera."""
    ball = scenes.mesh("ball", "Ball")
    ball.flip_normals()
    scenes.add("Inside out", ball, (-1, 0, 0))
    scenes.add("Card", scenes.mesh("plane", "Card"), (1, 0, 0), rotation_euler=(-1.2, 0, 0.4))
    scenes.camera(at=(0, -7, 2), towards=(0, 0, 0))
    maps = exact.check(scene, SIZE)
    assert (maps.normal[maps.instance_map > 0][:, 2] > -0.05).all()


def test_collections_in_collections(scene):
    inner, middle, outer = (bpy.data.collections.new(name) for name in ("Inner", "Middle", "Outer"))
    inner.instance_offset = (0.3, 0, 0)
    scenes.add("Bead", scenes.mesh("ball", "Bead", 0.6), (0.3, 0, 0), inner)
    for x in (-0.5, 0.5):
        scenes.add(f"Pair {x}", None, (x, 0, 0), middle, instance_type="COLLECTION", instance_collection=inner)
    for z in (-0.6, 0.6):
        scenes.add(f"Row {z}", None, (0, 0, z), outer, instance_type="COLLECTION", instance_collection=middle)
    for x in (-1.5, 1.5):
        scenes.add(f"Top {x}", None, (x, 0, 0), instance_type="COLLECTION", instance_collection=outer)
    scenes.camera(at=(0, -7, 1), towards=(0, 0, 0))
    assert names(exact.check(scene, SIZE)).count("Bead") == 8


@pytest.mark.parametrize("kind", ["VERTS", "FACES"])
def test_parents_that_copy_their_children(scene, kind):
    parent = scenes.add("Parent", scenes.mesh("cube", "Parent", 3), (0, 0, 0), instance_type=kind)
    parent.show_instancer_for_render = parent.show_instancer_for_viewport = False
    child = scenes.add("Child", scenes.mesh("ball", "Child", 0.7))
    child.parent = parent
    scenes.camera(at=(1, -8, 2), towards=(0, 0, 0))
    assert names(exact.check(scene, SIZE, prototypes={"Child"})).count("Child") >= 4


def test_nodes_that_scatter_objects_collections_and_raw_geometry(scene):
    hidden = bpy.data.collections.new("Hidden")
    scenes.scatter("Field", scenes.add("Tuft", scenes.mesh("ball", "Tuft", 0.4), (0, 0, 0), hidden), (0, 1, 0), 4)

    def raw(tree, new):
        box = new("MeshCube", Size=(0.7, 0.7, 0.7))
        return new("InstanceOnPoints", Points=line(new), Instance=box, Rotation=(0.3, 0.2, 0.5))

    scenes.nodes("Boxes", raw, (0, -1.5, 0))

    def group(tree, new):
        info = new("CollectionInfo", Collection=hidden, Separate_Children=True)
        return new("InstanceOnPoints", Points=line(new), Instance=info)

    scenes.nodes("Group", group, (0, -0.4, 1))

    def nested(tree, new):
        once = new("InstanceOnPoints", Points=line(new, 2, 0.5), Instance=new("MeshCube", Size=(0.3, 0.3, 0.3)))
        return new("InstanceOnPoints", Points=line(new, 3, 1.5), Instance=once)

    scenes.nodes("Nested", nested, (0, -0.5, 1.7))
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0.4))
    maps = exact.check(scene, SIZE)
    for name, count in (("Tuft", 15), ("Boxes", 3), ("Nested", 6)):
        assert names(maps).count(name) >= count, name


def test_nodes_that_join_and_realise(scene):
    def joined(tree, new):
        boxes = new("InstanceOnPoints", Points=line(new), Instance=new("MeshCube", Size=(0.7, 0.7, 0.7)))
        real = new("RealizeInstances", Geometry=new("InstanceOnPoints", Points=line(new, 2), Instance=new("MeshCube")))
        join = tree.nodes.new("GeometryNodeJoinGeometry")
        moved = new("Transform", Geometry=boxes, Translation=(0, 0, 1.4))
        for one in (moved, real):
            tree.links.new(one, join.inputs[0])
        return join.outputs[0]

    scenes.nodes("Joined", joined)
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0.4))
    assert names(exact.check(scene, SIZE)).count("Joined") == 4


def ball_seen(maps, name, centre, radius):
    """Ids and depths of a ball seen along +y by a camera at (0, -d, 0), worked out by hand."""
    rays = maps.camera.rays() @ maps.camera.matrix_world[:3, :3].T
    offset = maps.camera.matrix_world[:3, 3] - np.array(centre)
    a, b, c = (rays**2).sum(-1), (rays * offset).sum(-1), (offset**2).sum() - radius**2
    under = b * b - a * c
    hit = under > 0
    depth = np.where(hit, (-b - np.sqrt(np.maximum(under, 0))) / a, np.inf)
    mine = np.isin(maps.instance_map, [one.id for one in maps.instances if one.object == name])
    clear = np.abs(under) > 0.01 * a * radius**2
    return mine, hit, depth, clear


@pytest.mark.parametrize("scattered", [False, True])
def test_points_are_balls(scene, scattered):
    """A point cloud is one thing; scattered ones are as many as there are."""
    bpy.data.objects.remove(bpy.data.objects["Floor"])

    def cloud(tree, new):
        if not scattered:
            return new("MeshToPoints", Mesh=line(new, 2), Radius=0.5)
        point = new("MeshToPoints", Mesh=line(new, 1), Radius=0.5)
        return new("InstanceOnPoints", Points=line(new, 2), Instance=point)

    scenes.nodes("Cloud", cloud)
    scenes.camera(at=(0, -8, 0), towards=(0, 0, 0))
    maps = capture(scene, size=(80, 40))
    assert names(maps) == ["Cloud"] * (2 if scattered else 1)
    for x in (-0.8, 0.8):
        mine, hit, depth, clear = ball_seen(maps, "Cloud", (x, 0, 0), 0.5)
        half = (np.arange(80) < 40) == (x < 0)
        assert np.array_equal((mine & half)[clear], hit[clear])
        assert np.abs(maps.depth[hit & clear] / depth[hit & clear] - 1).max() < 1e-4


def curve(name, kind="CURVE", **settings):
    data = bpy.data.curves.new(name, kind)
    for key, value in settings.items():
        setattr(data, key, value)
    return data


def test_text_curves_surfaces_and_metaballs(scene):
    up = (math.pi / 2, 0, 0)
    scenes.add("Text", curve("Text", "FONT", body="Ag", extrude=0.1, bevel_depth=0.02), (-3, 0, 0), rotation_euler=up)
    ring = curve("Ring", dimensions="3D", bevel_depth=0.2)
    spline = ring.splines.new("BEZIER")
    spline.bezier_points.add(1)
    for point, x in zip(spline.bezier_points, (-0.8, 0.8), strict=True):
        point.co, point.handle_left_type, point.handle_right_type = (x, 0, 0), "AUTO", "AUTO"
    spline.use_cyclic_u = True
    scenes.add("Ring", ring, (0, 0, 0.2), rotation_euler=up)
    scenes.add("Text in instance", None)
    flat = curve("Flat", dimensions="2D", fill_mode="BOTH", extrude=0.2)
    square = flat.splines.new("POLY")
    square.points.add(3)
    square.use_cyclic_u = True
    for point, at in zip(square.points, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        point.co = (*at, 0, 1)
    scenes.add("Flat", flat, (1.5, 0, -0.5), rotation_euler=(1, 0, 0.3))
    meta = bpy.data.metaballs.new("Meta")
    meta.render_resolution = meta.resolution = 0.2
    for x in (0, 0.8):
        meta.elements.new().co = (x, 0, 0)
    scenes.add("Meta", meta, (3.2, 0, 0.2))
    scenes.camera(at=(0, -9, 2), towards=(0, 0, 0))
    maps = exact.check(scene, SIZE)
    assert sorted(names(maps)) == ["Flat", "Floor", "Meta", "Ring", "Text"]


def test_instanced_text_and_curves(scene):
    inside = bpy.data.collections.new("Inside")
    up = (math.pi / 2, 0, 0)
    scenes.add("Text", curve("Text", "FONT", body="A", extrude=0.1), (0, 0, 0), inside, rotation_euler=up)
    pipe = curve("Pipe", dimensions="3D", bevel_depth=0.1)
    spline = pipe.splines.new("POLY")
    spline.points.add(1)
    spline.points[1].co = (0.8, 0.3, 0, 1)
    scenes.add("Pipe", pipe, (0, 0, -0.3), inside)
    for x in (-2, 0, 2):
        scenes.add(f"Sign {x}", None, (x, 0, 0), instance_type="COLLECTION", instance_collection=inside)
    scenes.camera(at=(0, -7, 2), towards=(0, 0, 0))
    maps = exact.check(scene, SIZE)
    assert names(maps).count("Text") == names(maps).count("Pipe") == 3


def test_volumes_are_seen_through(scene):
    def fog(tree, new):
        cube = new("VolumeCube", Density=1.0, Min=(-1, -1, -1), Max=(1, 1, 1))
        return new("SetMaterial", Geometry=cube, Material=scenes.material("Anything"))

    scenes.nodes("Fog", fog, (0, -2, 0))
    scenes.nodes("Bare fog", lambda tree, new: new("VolumeCube", Density=1.0), (1, -2, 0))
    scenes.add("Volume", bpy.data.volumes.new("Volume"), (0, -2, 0))
    smoke = scenes.material("Smoke")
    tree = smoke.node_tree
    output = tree.get_output_node("CYCLES")
    tree.links.remove(output.inputs["Surface"].links[0])
    tree.links.new(tree.nodes.new("ShaderNodeVolumePrincipled").outputs[0], output.inputs["Volume"])
    scenes.add("Smoke", scenes.mesh("cube", "Smoke"), (-1, -2, 0)).data.materials.append(smoke)
    scene.world = bpy.data.worlds.new("World")
    if bpy.app.version < (5, 0):
        scene.world.use_nodes = True
    world = scene.world.node_tree
    target = next((n for n in world.nodes if n.type == "OUTPUT_WORLD"), None) or world.nodes.new(
        "ShaderNodeOutputWorld"
    )
    world.links.new(world.nodes.new("ShaderNodeVolumeScatter").outputs[0], target.inputs["Volume"])
    scenes.add("Behind", scenes.mesh("cube", "Behind"), (0, 0, 0))
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    maps = capture(scene, size=SIZE)
    assert sorted(names(maps)) == ["Behind", "Floor"]
    for name in ("Fog", "Bare fog", "Volume", "Smoke"):
        bpy.data.objects.remove(bpy.data.objects[name])
    assert np.array_equal(exact.check(scene, SIZE).instance_map, maps.instance_map)


def test_things_without_a_surface_do_no_harm(scene):
    for name, data in (
        ("Lamp", bpy.data.lights.new("Lamp", "AREA")),
        ("Speaker", bpy.data.speakers.new("Speaker")),
        ("Bones", bpy.data.armatures.new("Bones")),
        ("Cage", bpy.data.lattices.new("Cage")),
        ("Probe", bpy.data.lightprobes.new("Probe", "SPHERE")),
        ("Empty", None),
        ("Other camera", bpy.data.cameras.new("Other")),
        ("No faces", bpy.data.meshes.new("No faces")),
    ):
        scenes.add(name, data, (0, -1, 0.3))
    edges = bpy.data.meshes.new("Edges")
    edges.from_pydata([(0, 0, 0), (1, 0, 0)], [(0, 1)], [])
    scenes.add("Edges", edges, (0, -1, 0))
    scenes.add("Cube", scenes.mesh(), (0, 0, 0))
    scenes.camera(at=(0, -7, 2), towards=(0, 0, 0))
    assert names(exact.check(scene, SIZE)) == ["Cube", "Floor"]


def test_grease_pencil_is_not_rendered_by_cycles(scene):
    scenes.add("Cube", scenes.mesh(), (0, 0, 0))
    add = bpy.ops.object.gpencil_add if bpy.app.version < (4, 3) else bpy.ops.object.grease_pencil_add
    add(type="MONKEY", location=(0, -1, 0))
    scenes.camera(at=(0, -7, 2), towards=(0, 0, 0))
    assert names(exact.check(scene, SIZE)) == ["Cube", "Floor"]


def test_no_material_empty_slots_and_materials_on_the_object(scene):
    scenes.add("Bare", scenes.mesh(name="Bare"), (-3, 0, 0))
    slot = scenes.add("Empty slot", scenes.mesh(name="Slot"), (-1.5, 0, 0))
    slot.data.materials.append(None)
    mixed = scenes.add("Some slots", scenes.mesh(name="Some"), (0, 0, 0))
    for one in (None, scenes.material("Plain"), None):
        mixed.data.materials.append(one)
    for index, face in enumerate(mixed.data.polygons):
        face.material_index = index
    own = scenes.add("On the object", scenes.mesh(name="Own"), (1.5, 0, 0))
    own.data.materials.append(None)
    own.material_slots[0].link = "OBJECT"
    own.material_slots[0].material = scenes.material("Its own")
    empty = scenes.material("No output")
    empty.node_tree.nodes.clear()
    scenes.add("No output", scenes.mesh(name="Nothing"), (3, 0, 0)).data.materials.append(empty)
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    assert len(exact.check(scene, SIZE).instances) == 6


def test_only_volumes_is_no_object(scene):
    bpy.data.objects.remove(bpy.data.objects["Floor"])
    scenes.nodes("Bare fog", lambda tree, new: new("VolumeCube", Density=1.0))
    scenes.camera(at=(0, -8, 2), towards=(0, 0, 0))
    with pytest.raises(SceneError, match="sees no object"):
        capture(scene, size=(8, 8))
