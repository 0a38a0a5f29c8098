"""What the painter knows of the shapes: world points, frames along the walls, pixel footprints, the scale of things.

Lengths are metres from here on. A toy town ten units wide has no sensible metres, so the scale comes from the things
themselves: where doors, cars and houses are seen, their usual sizes tell how long a scene unit is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..maps import SceneMaps
from .noise import hash01

_F = np.float32

USUAL_HEIGHT = {
    "building": 9.0,
    "house": 7.0,
    "skyscraper": 60.0,
    "tree": 6.0,
    "palm": 7.0,
    "person": 1.7,
    "car": 1.5,
    "van": 2.2,
    "bus": 3.0,
    "truck": 3.0,
    "door": 2.1,
    "streetlight": 5.0,
    "chair": 0.95,
    "armchair": 0.9,
    "sofa": 0.85,
    "bed": 0.9,
    "table": 0.75,
    "desk": 0.75,
    "coffee table": 0.45,
    "cabinet": 1.2,
    "wardrobe": 2.1,
    "refrigerator": 1.8,
    "bench": 0.6,
    "wall": 3.0,
    "windowpane": 1.5,
    "bookcase": 2.0,
    "fence": 1.3,
    "traffic light": 3.5,
    "counter": 0.95,
    "lamp": 0.8,
}
"""Metres. Only things whose size varies little; the median over all of them is robust."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """The maps in world space, metres. Per-pixel arrays are float32 H×W; per-instance arrays are indexed by id."""

    maps: SceneMaps
    ids: np.ndarray
    """int32 H×W, 0..N without gaps worth mentioning"""
    metres: float
    """in one scene unit, as used here"""
    depth: np.ndarray
    """along the axis (panorama: the ray); background lies at ``far``"""
    far: float
    origin: np.ndarray
    """float64 (3), scene units: what ``points`` are relative to (a multiple of 1024 m, near the camera)"""
    solid: np.ndarray
    """bool H×W: something is there (not background)"""

    @cached_property
    def rotation(self) -> np.ndarray:
        """float32 3×3, camera space to world space."""
        return self.maps.camera.matrix_world[:3, :3].astype(_F)

    @cached_property
    def eye(self) -> np.ndarray:
        """float32 (3): the camera, metres from ``origin``."""
        return ((self.maps.camera.matrix_world[:3, 3] - self.origin) * self.metres).astype(_F)

    @cached_property
    def _view_points(self) -> np.ndarray:
        """float32 3×H×W: camera space, metres."""
        points = self.maps.camera.view_points(self.depth / self.metres)
        return np.ascontiguousarray(np.moveaxis(points, -1, 0) * self.metres, dtype=_F)

    @cached_property
    def points(self) -> np.ndarray:
        """float32 3×H×W: world space."""
        return turn(self.rotation, self._view_points) + self.eye[:, None, None]

    @cached_property
    def view(self) -> np.ndarray:
        """float32 3×H×W: unit vectors from the surface to the camera, world space."""
        if self.maps.camera.type == "ORTHO":
            back = self.rotation[:, 2]
            return np.broadcast_to(back[:, None, None], (3, *self.depth.shape))
        return turn(self.rotation, -self._view_points / np.maximum(length(self._view_points), _F(1e-12)))

    @cached_property
    def normals(self) -> np.ndarray:
        """float32 3×H×W: unit, world space, turned towards the camera; where there is none, the view vector."""
        normal = np.nan_to_num(np.moveaxis(self.maps.normal, -1, 0).astype(_F), nan=0.0, posinf=0.0, neginf=0.0)
        size = length(normal)
        world = turn(self.rotation, normal / np.maximum(size, _F(1e-6)))
        world = np.where(size > 0.1, world, self.view)
        facing = dot(world, self.view)
        return world * np.where(facing < -0.2, _F(-1), _F(1))

    @cached_property
    def pixel(self) -> np.ndarray:
        """float32 H×W: the width of a pixel where it meets the surface head-on, metres."""
        camera = self.maps.camera
        if camera.type == "PANO":
            return self.depth * _F(abs(camera.pano_range[3] - camera.pano_range[2]) / camera.width)
        size = _F(2 / max(abs(camera.projection_matrix[0, 0]), 1e-9) / camera.width)
        return self.depth * size if camera.type == "PERSP" else np.full_like(self.depth, size * _F(self.metres))

    @cached_property
    def coarse(self) -> tuple[slice, slice]:
        """Every n-th pixel: enough for what is known per instance."""
        step = max(1, round((self.ids.size / 65536) ** 0.5))
        return slice(step // 2, None, step), slice(step // 2, None, step)

    @cached_property
    def count(self) -> int:
        return int(self.ids.max()) + 1

    @cached_property
    def yaw(self) -> np.ndarray:
        """float32 (N+1)×2: cosine and sine of the direction along each instance's walls; [0] is the whole scene's.

        From the normals of what is upright (four-fold, since walls meet at right angles), so no matrix is needed.
        """
        nx, ny, nz = (one[self.coarse].ravel() for one in self.normals)
        upright = (np.abs(nz) < 0.5) & self.solid[self.coarse].ravel()
        square = nx * nx - ny * ny, 2 * nx * ny
        four = square[0] ** 2 - square[1] ** 2, 2 * square[0] * square[1]
        ids = self.ids[self.coarse].ravel()[upright]
        cos = np.bincount(ids, four[0][upright], self.count)
        sin = np.bincount(ids, four[1][upright], self.count)
        cos[0], sin[0] = cos.sum(), sin.sum()
        unknown = np.hypot(cos, sin) < 1e-3
        cos[unknown], sin[unknown] = (cos[0], sin[0]) if not unknown[0] else (1.0, 0.0)
        angle = np.round(np.arctan2(sin, cos) / 4, 3)
        return np.stack([np.cos(angle), np.sin(angle)], -1).astype(_F)

    @cached_property
    def extent(self) -> np.ndarray:
        """float32 (N+1)×6: min and max along the wall, across it and upwards, of what is visible of each instance."""
        ids = self.ids[self.coarse].ravel()
        x, y, z = (one[self.coarse].ravel() for one in self.points)
        cos, sin = self.yaw[ids, 0], self.yaw[ids, 1]
        order = np.argsort(ids, kind="stable")
        present, start = np.unique(ids[order], return_index=True)
        result = np.zeros((self.count, 6), _F)
        for k, values in enumerate((x * cos + y * sin, y * cos - x * sin, z)):
            result[present, 2 * k] = np.minimum.reduceat(values[order], start)
            result[present, 2 * k + 1] = np.maximum.reduceat(values[order], start)
        return result

    def keys(self, seed: int) -> np.ndarray:
        """float32 3×(N+1): three numbers in 0..1 for each instance."""
        ids = np.arange(self.count)
        return np.stack([hash01(ids, seed, salt) for salt in (101, 202, 303)])


def survey(maps: SceneMaps, names: tuple[str, ...]) -> Geometry:
    """Looks at the maps once; ``names`` are the class names of the vocabulary."""
    solid = np.isfinite(maps.depth) & (maps.depth > 0)
    metres = scale_of(maps, names, solid)
    known = maps.depth[solid]
    far = _F(np.round(1.5 * float(known.max()) * metres + 1.0, 2)) if known.size else _F(100.0)
    depth = np.where(solid, maps.depth, 0).astype(_F) * _F(metres)
    depth[~solid] = far
    step = 1024 / metres
    origin = np.round(maps.camera.matrix_world[:3, 3] / step) * step
    return Geometry(maps, _dense(maps.instance_map), metres, depth, float(far), origin, solid)


def _dense(instance_map: np.ndarray) -> np.ndarray:
    if int(instance_map.max()) <= max(instance_map.size, 65536):
        return instance_map.astype(np.int32)
    present, index = np.unique(instance_map, return_inverse=True)
    return (index.reshape(instance_map.shape) + (present[0] != 0)).astype(np.int32)


def scale_of(maps: SceneMaps, names: tuple[str, ...], solid: np.ndarray) -> float:
    """Metres in one scene unit: ``unit_scale`` unless the things in view say that it is absurd.

    Compares the visible heights of things of known size with the usual ones. Without such things the median depth
    has to lie between 1 and 400 m.
    """
    said = float(maps.unit_scale) if np.isfinite(maps.unit_scale) and maps.unit_scale > 0 else 1.0
    if not solid.any():
        return said
    votes = _height_votes(maps, names, solid)
    if votes:
        measured = float(np.median(votes))
        return said if 0.4 < measured / said < 2.5 else float(f"{measured:.3g}")
    median = float(np.median(maps.depth[solid])) * said
    return said * float(f"{min(max(median, 1.0), 400.0) / median:.3g}")


def _height_votes(maps: SceneMaps, names: tuple[str, ...], solid: np.ndarray) -> list[float]:
    step = max(1, round((solid.size / 65536) ** 0.5))
    rows = (slice(step // 2, None, step), slice(step // 2, None, step))
    usual = {index: USUAL_HEIGHT[name] for index, name in enumerate(names) if name in USUAL_HEIGHT}
    classes = maps.class_map[rows]
    pick = solid[rows] & np.isin(classes, list(usual))
    if not pick.any():
        return []
    safe = np.where(solid, maps.depth, 0)
    height = maps.camera.world_points(safe)[rows][pick][:, 2]
    ids = maps.instance_map[rows][pick]
    order = np.argsort(ids, kind="stable")
    ids, height, classes = ids[order], height[order], classes[pick][order]
    _, start, count = np.unique(ids, return_index=True, return_counts=True)
    tall = np.maximum.reduceat(height, start) - np.minimum.reduceat(height, start)
    return [
        usual[int(classes[at])] / size
        for at, size, n in zip(start, tall, count, strict=True)
        if size > 1e-9 and n >= 12
    ]


def turn(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """float32 3×…: matrix times vectors, without BLAS (whose sums differ between machines)."""
    x, y, z = vectors
    return np.stack([row[0] * x + row[1] * y + row[2] * z for row in matrix])


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum over the first axis, which has three entries."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def length(a: np.ndarray) -> np.ndarray:
    """Euclidean length over the first axis."""
    return np.sqrt(dot(a, a))
