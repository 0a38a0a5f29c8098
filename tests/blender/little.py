"""A little scene with every kind of surface that a picture may land on."""

from __future__ import annotations

import bpy
import numpy as np

SIZE = (96, 64)


def little_scene() -> bpy.types.Scene:
    """Ground, a shared mesh twice, a nodeless material, an empty slot, a bare mesh, a collection instance; AgX."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.dither_intensity = 1.0
    red, plain = _material("Red", (0.8, 0.1, 0.1, 1)), bpy.data.materials.new("Plain")
    _add(scene, "Ground", _box("Ground", 6), (0, 0, -6), [_material("Grass", (0.1, 0.5, 0.1, 1))])
    shared = _box("Shared", 0.7)
    _add(scene, "Left", shared, (-2, 0, 0.7), [red])
    _add(scene, "Right", shared, (2, 0.5, 0.7), [])
    _add(scene, "Nodeless", _box("Nodeless", 0.5), (0, -1.5, 0.5), [plain])
    _add(scene, "Slot", _box("Slot", 0.5), (0, 2, 0.5), [None])
    _add(scene, "Bare", _box("Bare", 0.4), (1.2, -1.8, 0.4), [])
    _instanced(scene, red)
    light = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    scene.collection.objects.link(light)
    scene.camera = camera(scene, "Camera", (4, -7, 5), (0, 0, 0.5))
    bpy.context.view_layer.update()
    return scene


def camera(scene: bpy.types.Scene, name: str, place, target) -> bpy.types.Object:
    import mathutils

    one = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(one)
    one.location = place
    one.rotation_euler = (mathutils.Vector(target) - mathutils.Vector(place)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.view_layer.update()
    return one


def gentle_picture(size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 H×W×3 of muted colours with edges: all of them within reach of AgX."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 70 / width, y * 70 / height, 35 + 35 * np.sin(x / 7.0) * np.cos(y / 5.0)], axis=-1) + 80
    return (base + ((x // 8 + y // 8) % 2 * 30)[..., None]).astype(np.uint8)


def psnr(shown: np.ndarray, picture: np.ndarray, where: np.ndarray) -> float:
    assert where.any()
    error = float(((shown[..., :3][where].astype(float) - picture[where]) ** 2).mean())
    return 120.0 if error == 0 else 10 * np.log10(255**2 / error)


def _material(name: str, colour) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = colour
    return material


def _box(name: str, half: float) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(name)
    corners = [(x * half, y * half, z * half) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh.from_pydata(corners, [], faces)
    return mesh


def _add(scene: bpy.types.Scene, name: str, mesh: bpy.types.Mesh, place, materials) -> bpy.types.Object:
    one = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(one)
    one.location = place
    for material in materials:
        mesh.materials.append(material)
    return one


def _instanced(scene: bpy.types.Scene, material: bpy.types.Material) -> None:
    collection = bpy.data.collections.new("Tower")
    mesh = _box("Tower", 0.3)
    mesh.materials.append(material)
    for height in (0.3, 1.0):
        one = bpy.data.objects.new(f"Tower {height}", mesh)
        one.location = (0, 0, height)
        collection.objects.link(one)
    for number, place in enumerate(((-1.5, -2, 0), (2.5, 2, 0))):
        empty = bpy.data.objects.new(f"Tower {number}", None)
        empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", collection, place
        scene.collection.objects.link(empty)
