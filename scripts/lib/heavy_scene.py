"""A heavy scene, made by a script: 1.4 million triangles as rendered, 2,000 instances and a ground."""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Vector

_SIDE = 60.0
"""metres"""
_ROCKS, _ROCK = 300, (25, 40)
"""objects with a mesh of their own, each (rows, columns) of quads: 600,000 triangles that nothing shares"""
_TUFTS, _TUFT = 1700, (11, 16)
"""geometry-nodes instances of four prototypes: 598,400 triangles"""
_GROUND = (316, 316)
"""199,712 triangles"""
_GOLDEN = math.pi * (3 - math.sqrt(5))


def build_heavy() -> bpy.types.Scene:
    """Build it in the current file, which must be empty; the same on every machine. One camera, looking over it."""
    scene = bpy.context.scene
    random = np.random.default_rng(7)
    materials = [_material(f"Paint {number}", random) for number in range(8)]
    _add("Ground", _ground(), (0, 0, 0), scene.collection).data.materials.append(materials[0])
    places = _places(_ROCKS + _TUFTS)
    random.shuffle(places)
    for number, (x, y) in enumerate(places[:_ROCKS]):
        mesh = _ball(f"Rock {number}", _ROCK, 0.7, random)
        mesh.materials.append(materials[number % len(materials)])
        _add(f"Rock.{number:03}", mesh, (x, y, _height(x, y) + 0.3), scene.collection)
    _scatter(scene, places[_ROCKS:], materials, random)
    _light_and_camera(scene)
    bpy.context.view_layer.update()
    return scene


def _places(count: int) -> np.ndarray:
    """Evenly strewn points x, y (Vogel's spiral): float64 count×2."""
    number = np.arange(count)
    radius = _SIDE / 2 * np.sqrt((number + 0.5) / count)
    return np.stack([radius * np.cos(number * _GOLDEN), radius * np.sin(number * _GOLDEN)], axis=-1)


def _height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 0.8 * np.sin(x / 4.3) * np.cos(y / 5.1)


def _ground() -> bpy.types.Mesh:
    y, x = np.meshgrid(*(np.linspace(-_SIDE / 2, _SIDE / 2, side + 1) for side in _GROUND), indexing="ij")
    return _sheet("Ground", np.stack([x, y, _height(x, y)], axis=-1))


def _ball(name: str, shape: tuple[int, int], radius: float, random: np.random.Generator) -> bpy.types.Mesh:
    """A lumpy ball, open by a hair at its poles."""
    latitude, longitude = np.meshgrid(
        np.linspace(-1.5, 1.5, shape[0] + 1), np.linspace(0, 2 * np.pi, shape[1] + 1), indexing="ij"
    )
    waves = random.integers(2, 6, 2)
    lumpy = radius * (1 + 0.15 * np.sin(waves[0] * longitude) * np.cos(waves[1] * latitude))
    flat = lumpy * np.cos(latitude)
    return _sheet(name, np.stack([flat * np.cos(longitude), flat * np.sin(longitude), lumpy * np.sin(latitude)], -1))


def _sheet(name: str, points: np.ndarray) -> bpy.types.Mesh:
    """A mesh of quads over ``points``, (rows + 1)×(columns + 1)×3."""
    number = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    quads = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], axis=-1).reshape(-1, 4)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.reshape(-1, 3).tolist(), [], quads.tolist())
    mesh.shade_smooth()
    return mesh


def _scatter(scene: bpy.types.Scene, places: np.ndarray, materials: list, random: np.random.Generator) -> None:
    """Instances on the points of a mesh, one of four prototypes each."""
    kinds = bpy.data.collections.new("Tuft kinds")
    scene.collection.children.link(kinds)  # behind the camera: others' programs know of objects in the scene only
    for number in range(4):
        mesh = _ball(f"Tuft {number}", _TUFT, 0.35, random)
        mesh.materials.append(materials[4 + number])
        _add(f"Tuft {number}", mesh, (3 * number, -5 * _SIDE, 0), kinds)
    points = bpy.data.meshes.new("Tuft places")
    x, y = places.T
    points.from_pydata(np.stack([x, y, _height(x, y) + 0.2], axis=-1).tolist(), [], [])
    tree = bpy.data.node_groups.new("Tufts", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    given, made = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    source, put = tree.nodes.new("GeometryNodeCollectionInfo"), tree.nodes.new("GeometryNodeInstanceOnPoints")
    source.inputs["Collection"].default_value = kinds
    source.inputs["Separate Children"].default_value = source.inputs["Reset Children"].default_value = True
    put.inputs["Pick Instance"].default_value = True
    tree.links.new(given.outputs[0], put.inputs["Points"])
    tree.links.new(source.outputs[0], put.inputs["Instance"])
    tree.links.new(put.outputs[0], made.inputs[0])
    _add("Tufts", points, (0, 0, 0), scene.collection).modifiers.new("Tufts", "NODES").node_group = tree


def _add(name: str, data: bpy.types.ID, at: tuple, collection: bpy.types.Collection) -> bpy.types.Object:
    one = bpy.data.objects.new(name, data)
    one.location = at
    collection.objects.link(one)
    return one


def _material(name: str, random: np.random.Generator) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    principled = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    principled.inputs["Base Color"].default_value = (*random.uniform(0.1, 0.8, 3), 1.0)
    return material


def _light_and_camera(scene: bpy.types.Scene) -> None:
    _add("Sun", bpy.data.lights.new("Sun", "SUN"), (0, 0, 20), scene.collection)
    at = Vector((0, -_SIDE * 0.6, 34))
    camera = _add("Camera", bpy.data.cameras.new("Camera"), at, scene.collection)
    camera.rotation_euler = (Vector((0, 0, 0)) - at).to_track_quat("-Z", "Y").to_euler()
    scene.camera = camera
