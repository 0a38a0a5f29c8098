"""Maps of small scenes by Blender's own ray casting: independent of the capture package."""

from __future__ import annotations

import bpy
import numpy as np

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import NO_CLASS, Instance, SceneMaps


def camera_of(scene: bpy.types.Scene, size: tuple[int, int], camera: bpy.types.Object | None = None) -> Camera:
    one = (camera or scene.camera).evaluated_get(depsgraph_of(scene))
    matrix = np.array(one.matrix_world.normalized(), np.float64)
    data = one.data
    projection = np.eye(4)
    if data.type != "PANO":
        projection = np.array(one.calc_matrix_camera(depsgraph_of(scene), x=size[0], y=size[1]), np.float64)
    return Camera(data.type, *size, data.clip_start, data.clip_end, matrix, projection, one.name)


def depsgraph_of(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        return bpy.context.evaluated_depsgraph_get()


def rays_of(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """World-space (origins, directions), each H×W×3; a direction's length is one unit of depth."""
    rotation = camera.matrix_world[:3, :3]
    ones = np.ones((camera.height, camera.width))
    directions = camera.rays() @ rotation.T
    return camera.world_points(ones) - directions, directions


def cast_maps(scene: bpy.types.Scene, size: tuple[int, int], camera: bpy.types.Object | None = None) -> SceneMaps:
    """What a capture gives, without classes; normals are those of the faces."""
    bpy.context.view_layer.update()
    depsgraph, source = depsgraph_of(scene), camera_of(scene, size, camera)
    rows = _rows(depsgraph)
    width, height = size
    ids, depth = np.zeros((height, width), np.uint32), np.full((height, width), np.inf, np.float32)
    seen: dict[int, int] = {}
    for (y, x), (origin, direction) in _walk(source):
        hit, point, _normal, _index, one, matrix = scene.ray_cast(depsgraph, origin, direction)
        if hit:
            row = _nearest(rows, one.name, matrix)
            ids[y, x] = seen.setdefault(row, len(seen) + 1)
            depth[y, x] = np.linalg.norm(np.array(point) - origin) / np.linalg.norm(direction)
    instances = tuple(_instance(rows[row], number, ids) for row, number in seen.items())
    return SceneMaps(
        ids, np.full(ids.shape, NO_CLASS, np.uint16), depth, np.zeros((*ids.shape, 3), np.float32), instances, source
    )


def _walk(camera: Camera):
    origins, directions = rays_of(camera)
    for y, x in np.ndindex(camera.height, camera.width):
        yield (y, x), (origins[y, x], directions[y, x])


def _rows(depsgraph: bpy.types.Depsgraph) -> list[tuple]:
    """(object name, matrix, key, instancer) of all instances."""
    rows = []
    for one in depsgraph.object_instances:
        matrix = np.array(one.matrix_world)
        number = one.random_id & 0xFFFFFFFF if one.is_instance else name_hash(one.object.name)
        random = float(np.float32(number) * np.float32(1 / 0xFFFFFFFF))
        rows.append((one.object.name, matrix, random, one.parent.name if one.is_instance else ""))
    return rows


def _nearest(rows: list[tuple], name: str, matrix) -> int:
    matrix = np.array(matrix)
    found = [index for index, row in enumerate(rows) if row[0] == name]
    return min(found, key=lambda index: float(np.abs(rows[index][1] - matrix).max()))


def _instance(row: tuple, number: int, ids: np.ndarray) -> Instance:
    name, matrix, random, instancer = row
    plain = tuple(matrix.ravel().tolist())
    key = (random, *matrix[:2, 3].tolist())
    pixels = int((ids == number).sum())
    return Instance(number, name, plain, None, NO_CLASS, "none", "", pixels, (0, 0, 0, 0), instancer, key=key)


def name_hash(name: str) -> int:
    """The id that Cycles gives to an object that is no instance: Bob Jenkins' lookup3 of a simple string hash."""
    mask, x = 0xFFFFFFFF, 0
    for byte in name.encode():
        x = (x * 37 + byte) & mask
    words = [(0xDEADBEEF + 8 + 13) & mask] * 3
    words[0] = (words[0] + x) & mask
    for target, source, bits in ((2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24)):
        value = words[source]
        rotated = ((value << bits) | (value >> (32 - bits))) & mask
        words[target] = ((words[target] ^ value) - rotated) & mask
    return words[2]
