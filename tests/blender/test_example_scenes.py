"""The example scenes hold what the demo promises, on every Blender version, and no pixel of them is ambiguous."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import bpy
import numpy as np
import pytest

from scripts.lib.example_scenes import build_room, build_street
from scripts.lib.scene_files import fresh_file

ROOT = Path(__file__).parents[2]
BUILDERS = [build_street, build_room]


@pytest.fixture(params=BUILDERS, ids=lambda build: build.__name__)
def scene(request):
    fresh_file()
    return request.param()


def evaluated(scene):
    """(name of the object, instancer or "", world matrix 4×4, vertices N×3, triangles M×3) of all that renders."""
    found = []
    for item in bpy.context.evaluated_depsgraph_get().object_instances:
        source = item.object
        if source.type != "MESH" or not item.show_self:  # curves and letters come a second time, as their mesh
            continue
        mesh = source.to_mesh()
        mesh.calc_loop_triangles()
        vertices = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", vertices)
        triangles = np.empty(len(mesh.loop_triangles) * 3, np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
        parent = item.parent.name if item.is_instance else ""
        found.append(
            (source.name, parent, np.array(item.matrix_world), vertices.reshape(-1, 3), triangles.reshape(-1, 3))
        )
        source.to_mesh_clear()
    return found


def planes(scene):
    """Per triangle: owner, plane (unit normal with a fixed sign, distance), corners; slivers left out."""
    owners, corners = [], []
    for index, (_, _, matrix, vertices, triangles) in enumerate(evaluated(scene)):
        world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
        owners.append(np.full(len(triangles), index))
        corners.append(world[triangles])
    owner, corner = np.concatenate(owners), np.concatenate(corners)
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    area = np.linalg.norm(normal, axis=1)
    keep = area > 1e-5
    owner, corner, normal = owner[keep], corner[keep], normal[keep] / area[keep, None]
    lead = np.take_along_axis(normal, np.abs(normal).argmax(axis=1)[:, None], axis=1)
    normal = normal * np.sign(lead)
    return owner, normal, (normal * corner[:, 0]).sum(axis=1), corner


def overlap(a, b, normal):
    """Whether two coplanar triangles overlap by more than a millimetre: separating axes in their plane."""
    for triangle in (a, b):
        for k in range(3):
            axis = np.cross(triangle[(k + 1) % 3] - triangle[k], normal)
            axis /= np.linalg.norm(axis)
            if min((a @ axis).max(), (b @ axis).max()) - max((a @ axis).min(), (b @ axis).min()) < 1e-3:
                return False
    return True


def candidates(owner, normal, distance, corner):
    """Pairs of triangles of two owners in one plane, give or take 2 mm and a milliradian, boxes overlapping."""
    turned = np.round(normal * 1000) @ (1.0, 4099.0, 16785407.0)
    low, high = corner.min(axis=1), corner.max(axis=1)
    for shift in (0.0, 0.5):  # what one grid of distances cuts apart the other keeps together
        key = turned + 0.618034 * np.floor(distance * 500 + shift)
        order = np.lexsort((owner, key))
        mixed = (np.diff(key[order]) == 0) & (np.diff(owner[order]) != 0)
        shared = order[np.isin(key[order], key[order[1:]][mixed])]
        for group in np.split(shared, np.flatnonzero(np.diff(key[shared])) + 1):
            i, j = (group[side] for side in np.triu_indices(len(group), 1))
            meet = (
                (low[i] <= high[j] + 1e-3).all(axis=1) & (low[j] <= high[i] + 1e-3).all(axis=1) & (owner[i] != owner[j])
            )
            yield from zip(i[meet], j[meet], strict=True)


def shared_planes(scene):
    """Names of the pairs of instances that overlap in one plane."""
    owner, normal, distance, corner = planes(scene)
    names = [name for name, *_ in evaluated(scene)]
    return {
        tuple(sorted((names[owner[i]], names[owner[j]])))
        for i, j in candidates(owner, normal, distance, corner)
        if overlap(corner[i], corner[j], normal[i])
    }


def test_no_two_instances_share_a_plane(scene):
    assert shared_planes(scene) == set()


def test_a_shared_plane_is_found(scene):
    first = next(item for item in scene.objects if item.name.startswith("Chair"))
    double = bpy.data.objects.new("Double", first.data)
    double.matrix_world = first.matrix_basis
    scene.collection.objects.link(double)
    assert any("Double" in pair for pair in shared_planes(scene))


def test_scene_is_ready_to_render(scene):
    assert scene.camera is not None
    assert scene.world is not None
    assert any(item.type == "LIGHT" for item in scene.objects)
    bare = [item.name for item in scene.objects if item.type in {"MESH", "CURVE", "FONT"} and not item.data.materials]
    assert set(bare) <= {"Trees_Scatter"}, "only the carrier of the forest has no faces of its own"


def test_linked_duplicates_and_collection_instances(scene):
    shared = Counter(item.data.name for item in scene.objects if item.type == "MESH")
    assert max(shared.values()) >= 5
    sources = Counter(item.instance_collection.name for item in scene.objects if item.instance_collection)
    assert max(sources.values()) >= 5


@pytest.mark.parametrize("build", BUILDERS)
def test_same_every_time(build):
    def snapshot():
        fresh_file()
        found = evaluated(build())
        return [(name, parent, matrix.tolist(), vertices.sum()) for name, parent, matrix, vertices, _ in found]

    assert snapshot() == snapshot()


def test_street_has_what_it_promises():
    fresh_file()
    scene = build_street()
    assert len(scene.objects) >= 40
    assert {item.type for item in scene.objects} >= {"MESH", "CURVE", "FONT", "EMPTY", "CAMERA", "LIGHT"}
    forest = [name for name, parent, *_ in evaluated(scene) if parent == "Trees_Scatter"]
    assert set(forest) == {"Tree_Oak", "Tree_Pine"}
    assert len(forest) > 100
    names = [item.name for item in scene.objects]
    words = {name.split(".")[0].split("_")[0].lower() for name in names}
    promised = "house building tree road sidewalk car boat bench fence person water grass door window mountain awning"
    assert words >= set(promised.split())
    assert scene.view_settings.view_transform == "AgX"


def test_forest_stands_on_the_hill():
    fresh_file()
    scene = build_street()
    hill = scene.objects["Hill_Grass"].evaluated_get(bpy.context.evaluated_depsgraph_get())
    feet = [matrix[:3, 3] for _, parent, matrix, *_ in evaluated(scene) if parent == "Trees_Scatter"]
    for foot in feet:
        hit, at, normal, _ = hill.ray_cast((foot[0], foot[1], 90), (0, 0, -1))
        assert hit
        assert abs(at.z - foot[2]) < 0.01
        assert normal.z > 0.5


def test_room_is_closed():
    """No ray from the camera leaves the room."""
    fresh_file()
    scene = build_room()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    eye = scene.camera.location
    turns = np.random.default_rng(1).normal(size=(2000, 3))
    for way in turns / np.linalg.norm(turns, axis=1, keepdims=True):
        assert scene.ray_cast(depsgraph, eye, tuple(way))[0]


def test_view_that_the_colour_configuration_lacks():
    """Under a configuration without "Standard" the room is built all the same."""
    command = [sys.executable, "-c", "from scripts.lib.example_scenes import build_room; build_room()"]
    env = {**os.environ, "OCIO": "ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1"}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
