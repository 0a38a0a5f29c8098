"""The camera of a capture as plain numbers, and the geometry between pixels, camera space and world space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

CameraType = Literal["PERSP", "ORTHO", "PANO"]


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera that looks along its own -z, x right, y up (Blender's and OpenGL's convention)."""

    type: CameraType
    width: int
    """pixels"""
    height: int
    """pixels"""
    clip_start: float
    """scene units"""
    clip_end: float
    """scene units"""
    matrix_world: np.ndarray
    """float64 4×4, camera space to world space; scale removed."""
    projection_matrix: np.ndarray
    """float64 4×4, camera space to OpenGL clip space (-1..1 in each axis after the division); identity for PANO."""
    name: str = ""
    pano_range: tuple[float, float, float, float] = (-np.pi / 2, np.pi / 2, -np.pi, np.pi)
    """Equirectangular cameras: (latitude_min, latitude_max, longitude_min, longitude_max), radians."""

    def rays(self) -> np.ndarray:
        """float64 H×W×3: per pixel centre what a depth of 1 adds in camera space.

        PERSP: (x, y, -1), so ``point = ray * depth``. PANO: the unit ray. ORTHO: (0, 0, -1); see ``view_points``.
        """
        return self._rays(*self._ndc())

    def _rays(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if self.type == "PERSP":
            # clip.x = p00·x + p02·z with z = -1, clip.w = 1
            p = self.projection_matrix
            return np.stack([(x + p[0, 2]) / p[0, 0], (y + p[1, 2]) / p[1, 1], np.full_like(x, -1.0)], axis=-1)
        if self.type == "ORTHO":
            return np.broadcast_to(np.array([0.0, 0.0, -1.0]), (*x.shape, 3))
        lat0, lat1, lon0, lon1 = self.pano_range
        latitude = lat0 + (lat1 - lat0) * (y + 1) / 2
        longitude = lon0 + (lon1 - lon0) * (x + 1) / 2
        horizontal = np.cos(latitude)
        return np.stack([np.sin(longitude) * horizontal, np.sin(latitude), -np.cos(longitude) * horizontal], axis=-1)

    def view_points(self, depth: np.ndarray) -> np.ndarray:
        """float64 H×W×3: camera-space points of a depth map; background (inf) gives non-finite points."""
        return self._view_points(*self._ndc(), depth)

    def _view_points(self, x: np.ndarray, y: np.ndarray, depth: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            points = self._rays(x, y) * depth[..., None]
        if self.type == "ORTHO":
            p = self.projection_matrix
            points[..., 0] = (x - p[0, 3]) / p[0, 0]
            points[..., 1] = (y - p[1, 3]) / p[1, 1]
        return points

    def world_points(self, depth: np.ndarray) -> np.ndarray:
        """float64 H×W×3: world-space points of a depth map, scene units."""
        with np.errstate(invalid="ignore"):
            return self.view_points(depth) @ self.matrix_world[:3, :3].T + self.matrix_world[:3, 3]

    def points_of(self, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """float64 N×3: world-space points of single pixels, scene units; all arguments N long."""
        x, y = (columns + 0.5) / self.width * 2 - 1, 1 - (rows + 0.5) / self.height * 2
        return self._view_points(x, y, depth) @ self.matrix_world[:3, :3].T + self.matrix_world[:3, 3]

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World-space points (…×3) to pixels (…×2: x right, y down; centres at .5) and depth (…) as in ``SceneMaps``.

        Points behind a perspective camera have depth <= 0 and meaningless pixels.
        """
        view = (points - self.matrix_world[:3, 3]) @ self.matrix_world[:3, :3]
        if self.type == "PANO":
            distance = np.linalg.norm(view, axis=-1)
            lat0, lat1, lon0, lon1 = self.pano_range
            latitude = np.arcsin(np.clip(view[..., 1] / np.maximum(distance, 1e-30), -1, 1))
            longitude = np.arctan2(view[..., 0], -view[..., 2])
            ndc = np.stack([(longitude - lon0) / (lon1 - lon0), (latitude - lat0) / (lat1 - lat0)], axis=-1) * 2 - 1
            depth = distance
        else:
            p = self.projection_matrix
            clip = view @ p[:, :3].T + p[:, 3]
            with np.errstate(divide="ignore", invalid="ignore"):
                ndc = clip[..., :2] / clip[..., 3:4]
            depth = -view[..., 2]
        pixels = np.stack([(ndc[..., 0] + 1) / 2 * self.width, (1 - ndc[..., 1]) / 2 * self.height], axis=-1)
        return pixels, depth

    def to_dict(self) -> dict[str, Any]:
        """What camera.json holds: plain values only, matrices as 16 numbers row-major."""
        return {
            "type": self.type,
            "width": self.width,
            "height": self.height,
            "clip_start": self.clip_start,
            "clip_end": self.clip_end,
            "matrix_world": self.matrix_world.ravel().tolist(),
            "projection_matrix": self.projection_matrix.ravel().tolist(),
            "name": self.name,
            "pano_range": list(self.pano_range),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Camera:
        """The reverse of ``to_dict``."""
        return cls(
            type=data["type"],
            width=int(data["width"]),
            height=int(data["height"]),
            clip_start=float(data["clip_start"]),
            clip_end=float(data["clip_end"]),
            matrix_world=np.array(data["matrix_world"], np.float64).reshape(4, 4),
            projection_matrix=np.array(data["projection_matrix"], np.float64).reshape(4, 4),
            name=data.get("name", ""),
            pano_range=tuple(data.get("pano_range", cls.pano_range)),
        )

    def _ndc(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the pixel centres in -1..1, y up, each H×W."""
        x = (np.arange(self.width) + 0.5) / self.width * 2 - 1
        y = 1 - (np.arange(self.height) + 0.5) / self.height * 2
        grid_x, grid_y = np.meshgrid(x, y)
        return grid_x, grid_y
