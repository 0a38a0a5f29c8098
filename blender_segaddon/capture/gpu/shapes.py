# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (the stubs of the gpu module know no constructors)
"""Evaluated meshes as triangles on the GPU, kept for as long as they do not change."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import gpu
import numpy as np


@dataclass(frozen=True, eq=False)
class Shape:
    """The triangles of one mesh."""

    batch: gpu.types.GPUBatch
    centre: np.ndarray
    """float64 ×3, of its box, object space"""
    half: np.ndarray
    """float64 ×3, half of the box's sides"""
    triangles: int


class Shapes:
    """Gives each mesh its ``Shape``, made at the first asking.

    Args:
        normals: with them (three times the memory).
    """

    def __init__(self, normals: bool) -> None:
        self._normals = normals
        self._known: dict[tuple[int, frozenset[int]], Shape | None] = {}

    def of(self, mesh: bpy.types.Mesh, hidden: frozenset[int] = frozenset(), fresh: bool = False) -> Shape | None:
        """None for a mesh without faces.

        Args:
            mesh: evaluated; known again by its address.
            hidden: material slots whose faces are not there.
            fresh: it was evaluated anew; whatever is known of its address no longer holds.
        """
        key = (mesh.as_pointer(), hidden)
        if fresh:
            self._known = {known: shape for known, shape in self._known.items() if known[0] != key[0]}
        if key not in self._known:
            self._known[key] = _make(mesh, hidden, self._normals)
        return self._known[key]

    def keep(self, addresses: set[int]) -> None:
        """Forget all meshes but those at these addresses (``as_pointer``)."""
        self._known = {key: shape for key, shape in self._known.items() if key[0] in addresses}

    def __len__(self) -> int:
        return len(self._known)


def _make(mesh: bpy.types.Mesh, hidden: frozenset[int], normals: bool) -> Shape | None:
    mesh.calc_loop_triangles()
    name = "loops" if normals else "vertices"
    triangles = _read(mesh.loop_triangles, name, 3, np.int32)
    if hidden:
        slots = _read(mesh.loop_triangles, "material_index", 1, np.int32)[:, 0]
        triangles = triangles[~np.isin(slots, list(hidden))]
    if not len(triangles):
        return None
    points = _read(mesh.vertices, "co", 3, np.float32)
    values = {"position": points}
    if normals:
        corners = _read(mesh.loops, "vertex_index", 1, np.int32)[:, 0]
        values = {"position": points[corners], "normal": _read(mesh.corner_normals, "vector", 3, np.float32)}
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    return Shape(_batch(values, triangles), (low + high) / 2, (high - low) / 2, len(triangles))


def _batch(values: dict[str, np.ndarray], triangles: np.ndarray) -> gpu.types.GPUBatch:
    form = gpu.types.GPUVertFormat()
    for name in values:
        form.attr_add(id=name, comp_type="F32", len=3, fetch_mode="FLOAT")
    vertices = gpu.types.GPUVertBuf(form, len(values["position"]))
    for name, value in values.items():
        vertices.attr_fill(name, np.ascontiguousarray(value))
    return gpu.types.GPUBatch(
        type="TRIS", buf=vertices, elem=gpu.types.GPUIndexBuf(type="TRIS", seq=np.ascontiguousarray(triangles))
    )


def _read(items: bpy.types.bpy_prop_collection, name: str, width: int, dtype: type) -> np.ndarray:
    flat = np.empty(len(items) * width, dtype)
    items.foreach_get(name, flat)
    return flat.reshape(-1, width)
