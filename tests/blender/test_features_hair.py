"""Hair and particles, old and new, against numbers worked out by hand."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import capture

from . import exact, scenes

SIZE = (64, 36)


@pytest.fixture(autouse=True)
def scene():
    made = scenes.empty()
    scenes.add("Floor", scenes.mesh("plane", "Floor", 30), (0, 0, -1.5))
    return made


def names(maps):
    return [one.object for one in maps.instances]


def hair_object(collection=None, at=(0, 0, 0)):
    """One straight hair of radius 0.1 and length 3 along x."""
    data = bpy.data.hair_curves.new("Hair")
    data.add_curves([4])
    data.position_data.foreach_set("vector", [v for x in (-1.5, -0.5, 0.5, 1.5) for v in (x, 0, 0)])
    radius = data.attributes.get("radius") or data.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", [0.1] * 4)
    return scenes.add("Hair", data, at, collection)


@pytest.mark.parametrize("source", ["object", "nodes", "instance"])
def test_hair_has_its_own_id_and_depth(scene, source):
    """A thick hair along x before a wall, seen from the front: a cylinder."""
    bpy.data.objects.remove(bpy.data.objects["Floor"])
    scenes.add("Wall", scenes.mesh("plane", "Wall", 30), (0, 3, 0), rotation_euler=(math.pi / 2, 0, 0))
    scene.cycles_curves.shape = "THICK"
    if source == "instance":
        inside = bpy.data.collections.new("Inside")
        hair_object(inside)
        scenes.add("Wig", None, (0, 0, 0), instance_type="COLLECTION", instance_collection=inside)
    elif source == "object":
        hair_object()
    else:
        made = scenes.nodes("Made", lambda tree, new: new("SetCurveRadius", Curve=given(tree), Radius=0.1))
        hair_object().modifiers.new("Nodes", "NODES").node_group = made.modifiers[0].node_group
        bpy.data.objects.remove(made)
    scenes.camera(at=(0, -8, 0), towards=(0, 0, 0), type="ORTHO", ortho_scale=4)
    maps = capture(scene, size=(40, 81))
    assert sorted(names(maps)) == ["Hair", "Wall"]
    hair = next(one.id for one in maps.instances if one.object == "Hair")
    x, y, _ = np.moveaxis(np.abs(maps.camera.view_points(maps.depth)), -1, 0)
    clear = (np.abs(y - 0.1) > 0.005) & (x < 1.3)
    assert np.array_equal((maps.instance_map == hair)[clear], (y < 0.1)[clear])
    on = (maps.instance_map == hair) & clear
    depth = 8 - np.sqrt(np.maximum(0.01 - y**2, 0))
    assert np.abs(maps.depth[on] / depth[on] - 1).max() < 1e-4
    assert np.abs(maps.normal[on][:, 2] - np.sqrt(1 - (y[on] / 0.1) ** 2)).max() < 0.01


def given(tree):
    return next(one for one in tree.nodes if one.bl_idname == "NodeGroupInput").outputs[0]


def test_particles(scene):
    hidden = bpy.data.collections.new("Hidden")
    seed = scenes.add("Seed", scenes.mesh("ball", "Seed", 1.0), (0, 0, 0), hidden)
    bed = scenes.add("Bed", scenes.mesh("plane", "Bed", 3), (0, 0, 0))
    scenes.particles(bed, seed, 25)
    other = scenes.add("Emitter", scenes.mesh("plane", "Emitter", 3), (0, 2, 0))
    other.modifiers.new("Particles", "PARTICLE_SYSTEM")
    settings = other.particle_systems[0].settings
    settings.count, settings.frame_start, settings.frame_end, settings.lifetime = 15, 1, 1, 100
    settings.normal_factor, settings.particle_size = 2.0, 0.2
    settings.render_type, settings.instance_object = "OBJECT", seed
    for frame in range(1, 8):
        scene.frame_set(frame)
    scenes.camera(at=(0, -7, 4), towards=(0, 0.7, 0))
    maps = exact.check(scene, SIZE)
    assert sum(one.instancer == "Bed" for one in maps.instances) >= 20
    assert sum(one.instancer == "Emitter" for one in maps.instances) >= 5


def test_particle_hair(scene):
    """Hair stands on a plane that is not shown: its pixels are the plane's, at the height where hair is."""
    bpy.data.objects.remove(bpy.data.objects["Floor"])
    bed = scenes.add("Bed", scenes.mesh("plane", "Bed", 4), (0, 0, 0))
    bed.show_instancer_for_render = False
    bed.modifiers.new("Hair", "PARTICLE_SYSTEM")
    settings = bed.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length = "HAIR", 60, 1.0
    settings.root_radius = settings.tip_radius = 8.0
    settings.use_close_tip = False
    scenes.camera(at=(0, -8, 0.5), towards=(0, 0, 0.5), type="ORTHO", ortho_scale=5)
    maps = capture(scene, size=(60, 60))
    assert set(names(maps)) == {"Bed"}
    z = maps.camera.world_points(maps.depth)[..., 2]
    seen = maps.instance_map > 0
    assert seen.sum() > 300
    assert -0.1 < z[seen].min() < 0.1 and 0.8 < z[seen].max() < 1.1
    depth = maps.depth[seen]
    assert (depth > 5.8).all() and (depth < 10.2).all()
