"""A mesh cut into flat charts, and charts packed into a rectangle. numpy only.

Faces that look along the same axis and hang together make a chart, laid out on the plane of their mean normal: no
texture is stretched by more than the angle between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..protocol.errors import InvalidInput

_TURNS = 12
"""Rotations within a quarter turn that are tried to make a chart's box small."""
_WIDTHS = (1.05, 0.75, 0.85, 0.95, 1.15, 1.25, 1.4, 1.6, 1.8)
"""Widths that shelves are tried with, against the side of a square as large as all rectangles together."""
_MANY = 3000
_STEEP = 0.35
"""Cosine; a face that leans further from its chart's plane gets a chart of its own."""


@dataclass(frozen=True, eq=False)
class Surface:
    """The faces of a mesh. Arrays of loops (corners) hold those of face 0 first, and so on."""

    corners: np.ndarray
    """float64 L×3: place of each loop, in the units that texels are counted on"""
    edges: np.ndarray
    """int L: number of the edge from each loop to the next"""
    sizes: np.ndarray
    """int F: loops of each face, at least 3"""

    @property
    def starts(self) -> np.ndarray:
        """int64 F: the first loop of each face"""
        return np.cumsum(self.sizes) - self.sizes

    @property
    def faces(self) -> np.ndarray:
        """int64 L: the face of each loop"""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def area_normals(self) -> np.ndarray:
        """float64 F×3: normal of each face, as long as its area (Newell)."""
        following = np.arange(len(self.corners)) + 1
        following[self.starts + self.sizes - 1] = self.starts
        # about each face's first corner: far from the origin products would lose what makes up a small face
        here = self.corners - self.corners[self.starts][self.faces]
        products = np.cross(here, here[following])
        return np.add.reduceat(products, self.starts, axis=0) / 2


@dataclass(frozen=True, eq=False)
class Charts:
    """Flat pieces, each in its own coordinates from 0 on."""

    of_face: np.ndarray
    """int64 F: chart of each face, 0..C-1"""
    flat: np.ndarray
    """float64 L×2: place of each loop in its chart, x right, y up, in the surface's units"""
    size: np.ndarray
    """float64 C×2: width and height of each chart"""
    axes: np.ndarray
    """float64 C×2×3: where right and up in each chart point to in space, unit"""


def cut(surface: Surface) -> Charts:
    """Charts of a surface. Raises InvalidInput where it has no faces."""
    if not len(surface.sizes):
        raise InvalidInput("There are no faces", "Choose a mesh that has some")
    normals = surface.area_normals()
    axis = np.argmax(np.abs(normals), axis=1)
    way = axis * 2 + (np.take_along_axis(normals, axis[:, None], 1)[:, 0] < 0)
    chart = _joined(surface, way)
    mean = _sums(normals, chart)
    lean = (normals * mean[chart]).sum(-1)
    steep = lean < _STEEP * np.linalg.norm(normals, axis=1) * np.linalg.norm(mean, axis=1)[chart]
    chart[steep] = chart.max() + 1 + np.arange(int(steep.sum()))
    chart = np.unique(chart, return_inverse=True)[1].reshape(-1)
    axes = _axes(_sums(normals, chart))
    own = chart[surface.faces]
    flat = np.einsum("lac,lc->la", axes[own], surface.corners)
    turn = _turns(flat, own)
    axes = np.einsum("cab,cbd->cad", turn, axes)
    flat = np.einsum("lac,lc->la", axes[own], surface.corners)
    low, high = _boxes(flat[np.argsort(own, kind="stable")], _starts(own))
    return Charts(chart, flat - low[own], high - low, axes)


def packed(sizes: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Rectangles in a box not much larger than they are: (places as ``pack`` gives them, (width, height) of the box).

    Args:
        sizes: int C×2, width and height in texels.
    """
    side = float(np.sqrt(sizes.prod(axis=1).sum()))
    widths = sorted({int(max(sizes[:, 0].max(), np.ceil(side * part))) for part in _WIDTHS[: _tries(len(sizes))]})
    found = [(*pack(sizes, width), width) for width in widths]
    trimmed = [(places, int((places[:, 0] + sizes[:, 0]).max()), height) for places, height, _ in found]
    places, width, height = min(trimmed, key=lambda one: one[1] * one[2])
    return places, (width, height)


def _tries(count: int) -> int:
    """How many widths are worth trying: with many rectangles, shelves waste little at any."""
    return len(_WIDTHS) if count < _MANY else 1


def pack(sizes: np.ndarray, width: int) -> tuple[np.ndarray, int]:
    """Rectangles on shelves, tall ones first: (int64 C×2 left and top of each, height of all).

    Args:
        sizes: int C×2, width and height in texels, no wider than ``width``.
    """
    order = np.lexsort((-sizes[:, 0], -sizes[:, 1]))
    places = np.zeros((len(sizes), 2), np.int64)
    left = top = shelf = 0
    for index in order.tolist():
        wide, high = sizes[index]
        if left + wide > width:
            left, top, shelf = 0, top + shelf, 0
        places[index] = left, top
        left, shelf = left + wide, max(shelf, high)
    return places, int(top + shelf)


def _joined(surface: Surface, way: np.ndarray) -> np.ndarray:
    """int64 F: a number for each face, the same for faces of one ``way`` that hang together by edges."""
    order = np.argsort(surface.edges, kind="stable")
    face, edge = surface.faces[order], surface.edges[order]
    pair = (edge[1:] == edge[:-1]) & (way[face[1:]] == way[face[:-1]])
    first, second = face[:-1][pair], face[1:][pair]
    label = np.arange(len(surface.sizes))
    while True:
        low, high = np.minimum(label[first], label[second]), np.maximum(label[first], label[second])
        if (low == high).all():
            return label
        np.minimum.at(label, high, low)
        while (label[label] != label).any():
            label = label[label]


def _sums(values: np.ndarray, chart: np.ndarray) -> np.ndarray:
    """float64 C×3: sums by chart."""
    return np.stack([np.bincount(chart, weights=values[:, axis]) for axis in range(3)], axis=-1)


def _axes(mean: np.ndarray) -> np.ndarray:
    """float64 C×2×3: right and up on planes with these normals; what is up in the world is up there."""
    normal = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-30)
    upright = np.abs(normal[:, 2]) < 0.99
    right = np.where(upright[:, None], np.cross((0.0, 0.0, 1.0), normal), (1.0, 0.0, 0.0))
    right /= np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-30)
    return np.stack([right, np.cross(normal, right)], axis=1)


def _turns(flat: np.ndarray, own: np.ndarray) -> np.ndarray:
    """float64 C×2×2: rotation of each chart that makes its box smallest."""
    order, starts = np.argsort(own, kind="stable"), _starts(own)
    best_area = np.full(len(starts), np.inf)
    best = np.tile(np.eye(2), (len(starts), 1, 1))
    for angle in np.arange(_TURNS) * (np.pi / 2 / _TURNS):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        low, high = _boxes(flat[order] @ turn.T, starts)
        area = np.prod(high - low, axis=1)
        better = area < best_area * (1 - 1e-6)
        best_area[better], best[better] = area[better], turn
    return best


def _starts(own: np.ndarray) -> np.ndarray:
    """int64 C: where each chart begins when loops are sorted by chart."""
    return np.flatnonzero(np.diff(np.sort(own, kind="stable"), prepend=-1))


def _boxes(points: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.minimum.reduceat(points, starts, axis=0), np.maximum.reduceat(points, starts, axis=0)
