"""What a camera sees, found by shooting rays at the evaluated meshes: shares nothing with the code under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

Identity = tuple[str, str, str, tuple[int, ...]]
"""(instancer, object, library, persistent id)"""


@dataclass
class Hits:
    """Row 0 at the top."""

    index: np.ndarray
    """int H×W, index in ``identities``, -1 where nothing is hit"""
    depth: np.ndarray
    """float64 H×W, along the camera's axis (panoramic: along the ray)"""
    normal: np.ndarray
    """float64 H×W×3, world space, interpolated, towards the camera"""
    identities: list[Identity]
    matrices: list[np.ndarray]
    """float64 4×4 of each identity, object space to world space"""
    keys: list[tuple[float, float, float]]
    """Object Info (Random, Location x, Location y) of each identity"""


def depsgraph_of(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        return bpy.context.evaluated_depsgraph_get()


def cast(
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    size: tuple[int, int],
    see_through: Callable[[str, Vector], bool] | None = None,
) -> Hits:
    """Shoot one ray through each pixel's centre.

    Args:
        see_through: told (object's name, point in world space), whether a ray goes on there (cutouts).
    """
    return Caster(scene, camera, size, see_through).hits()


class Caster:
    """Shoots rays through places of the picture; see ``cast``."""

    def __init__(self, scene, camera, size, see_through=None, prototypes=()) -> None:
        """``prototypes``: objects of which a render, unlike the viewport, shows the instances alone."""
        depsgraph = depsgraph_of(scene)
        self.size, self.see_through, self.data = size, see_through, camera.data
        self.soup = _Soup(depsgraph, prototypes)
        self.position, self.rotation, _ = camera.evaluated_get(depsgraph).matrix_world.decompose()
        self.frame = _view_frame(scene, camera.data, size)

    def hits(self) -> Hits:
        width, height = self.size
        soup = self.soup
        index, depth, normal = (
            np.full((height, width), -1),
            np.full((height, width), np.inf),
            np.zeros((height, width, 3)),
        )
        for row, column in np.ndindex(height, width):
            index[row, column], depth[row, column], normal[row, column] = self.shoot(column + 0.5, row + 0.5)
        return Hits(index, depth, normal, soup.names, soup.matrices, soup.keys)

    def shoot(self, x: float, y: float) -> tuple[int, float, np.ndarray]:
        """(index of the identity, depth, normal) at a place in pixels, y down."""
        start, along = self._ray(x, y)
        origin, direction = self.rotation @ start + self.position, (self.rotation @ along).normalized()
        stretch = 1.0 if self.data.type == "PANO" else -1 / along.normalized().z
        near, far = self.data.clip_start, self.data.clip_end
        hit = self.soup.first(origin + direction * near * stretch, direction, self.see_through, (far - near) * stretch)
        if hit is None:
            return -1, np.inf, np.zeros(3)
        point, triangle = hit
        seen = self.rotation.inverted() @ (point - self.position)
        distance = seen.length if self.data.type == "PANO" else -seen.z
        return int(self.soup.owner[triangle]), distance, self.soup.normal(triangle, point, direction)

    def _ray(self, x: float, y: float) -> tuple[Vector, Vector]:
        """(start, direction) in camera space."""
        width, height = self.size
        if self.data.type == "PANO":
            latitude, longitude = pi / 2 - y / height * pi, x / width * 2 * pi - pi
            flat = cos(latitude)
            return Vector(), Vector((sin(longitude) * flat, sin(latitude), -cos(longitude) * flat))
        left, right, bottom, top, z = self.frame
        at = left + (right - left) * x / width, top + (bottom - top) * y / height
        if self.data.type == "ORTHO":
            return Vector((*at, 0)), Vector((0, 0, -1))
        return Vector(), Vector((*at, z))


def _view_frame(scene, data, size) -> tuple[float, ...]:
    """(left, right, bottom, top, z) of the picture in camera space."""
    render = scene.render
    before = render.resolution_x, render.resolution_y
    render.resolution_x, render.resolution_y = size
    corners = data.view_frame(scene=scene)
    render.resolution_x, render.resolution_y = before
    x, y = [one.x for one in corners], [one.y for one in corners]
    return min(x), max(x), min(y), max(y), corners[0].z


class _Soup:
    """All triangles of all instances in world space."""

    def __init__(self, depsgraph: bpy.types.Depsgraph, prototypes) -> None:
        instances = depsgraph.object_instances
        matrices = np.empty(len(instances) * 16, np.float32)
        instances.foreach_get("matrix_world", matrices)
        persistent = np.empty(len(instances) * 8, np.int32)
        instances.foreach_get("persistent_id", persistent)
        randoms = np.empty(len(instances), np.int32)
        instances.foreach_get("random_id", randoms)
        self.names: list[Identity] = []
        self.matrices: list[np.ndarray] = []
        self.keys: list[tuple[float, float, float]] = []
        vertices, triangles, owners, corner_normals, count = [], [], [], [], 0
        for number, one in enumerate(instances):
            # Curves, letters and metaballs come a second time, as their mesh.
            if not one.show_self or one.object.type != "MESH":
                continue
            if not one.is_instance and one.object.name in prototypes:
                continue
            # Geometry that nodes made has no object of its own, which to_mesh() does not survive.
            made = one.is_instance and one.parent.original == one.object.original
            mesh = one.object.data if made else one.object.to_mesh()
            if not len(mesh.polygons):
                continue
            matrix = matrices[number * 16 : number * 16 + 16].reshape(4, 4).T.astype(np.float64)
            points, corners, normals = _triangles(mesh)
            vertices.append(points @ matrix[:3, :3].T + matrix[:3, 3])
            triangles.append(corners + count)
            corner_normals.append(normals @ np.linalg.inv(matrix[:3, :3]))
            owner = self._number(one, persistent[number * 8 : number * 8 + 8], matrix, int(randoms[number]))
            owners.append(np.full(len(corners), owner))
            count += len(points)
        self.owner = np.concatenate(owners)
        self.vertices, self.triangles = np.concatenate(vertices), np.concatenate(triangles)
        self.normals = np.concatenate(corner_normals)
        self.tree = BVHTree.FromPolygons(self.vertices.tolist(), self.triangles.tolist(), all_triangles=True)

    def _number(self, one, persistent, matrix, random_id) -> int:
        original = one.object.original
        instancer, numbers = "", ()
        if one.is_instance:
            instancer, numbers = one.parent.original.name, tuple(int(n) for n in persistent if n != 0x7FFFFFFF)
            if one.parent.original == original and len(numbers) == 1:  # the mesh of a curve
                instancer, numbers = "", ()
        identity = (instancer, original.name, original.library.filepath if original.library else "", numbers)
        if identity not in self.names:
            self.names.append(identity)
            self.matrices.append(matrix)
            hashed = random_id & 0xFFFFFFFF if instancer else name_hash(original.name)
            self.keys.append((float(np.float32(hashed) * np.float32(1 / 0xFFFFFFFF)), *matrix[:2, 3].tolist()))
        return self.names.index(identity)

    def first(self, origin, direction, see_through, reach) -> tuple[Vector, int] | None:
        while reach > 0:
            point, _, triangle, distance = self.tree.ray_cast(origin, direction, reach)
            if point is None:
                return None
            if see_through is None or not see_through(self.names[self.owner[triangle]][1], point):
                return point, triangle
            origin, reach = point + direction * 1e-4, reach - distance - 1e-4
        return None

    def normal(self, triangle: int, point: Vector, direction: Vector) -> np.ndarray:
        a, b, c = self.vertices[self.triangles[triangle]]
        areas = [np.linalg.norm(np.cross(q - p, np.array(point) - p)) for p, q in ((b, c), (c, a), (a, b))]
        normal = np.array(areas) @ self.normals[triangle]
        face = np.cross(b - a, c - a)
        if face @ np.array(direction) * (1 if face @ normal > 0 else -1) > 0:
            normal = -normal
        return normal / (np.linalg.norm(normal) or 1)


def _triangles(mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(points N×3, corners' points M×3, corners' unit normals M×3×3)."""
    mesh.calc_loop_triangles()
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    corners = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    loops = np.empty_like(corners)
    mesh.loop_triangles.foreach_get("vertices", corners)
    mesh.loop_triangles.foreach_get("loops", loops)
    normals = np.empty(len(mesh.loops) * 3, np.float32)
    mesh.corner_normals.foreach_get("vector", normals)
    smooth = normals.reshape(-1, 3)[loops].reshape(-1, 3, 3).astype(np.float64)
    return (
        points.reshape(-1, 3).astype(np.float64),
        corners.reshape(-1, 3),
        np.where(_flat(mesh)[:, None, None], _face_normals(points, corners), smooth),
    )


def _flat(mesh) -> np.ndarray:
    """bool per triangle: not smooth. A renderer shades such a triangle by its own normal, not by its polygon's."""
    polygons, smooth = np.empty(len(mesh.loop_triangles), np.int32), np.empty(len(mesh.polygons), bool)
    mesh.loop_triangles.foreach_get("polygon_index", polygons)
    mesh.polygons.foreach_get("use_smooth", smooth)
    return ~smooth[polygons]


def _face_normals(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    a, b, c = points.reshape(-1, 3).astype(np.float64)[corners.reshape(-1, 3)].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    return (normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30))[:, None, :].repeat(3, axis=1)


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
