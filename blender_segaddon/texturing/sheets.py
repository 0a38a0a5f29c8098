"""Meshes as arrays, and the UV layer that a bake lays out on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..core import charts, texels
from ..core.camera import Camera
from ..core.charts import Charts, Surface
from ..core.maps import NO_CLASS, Instance
from ..protocol.errors import InvalidInput
from . import uv_layers
from .carrying import Lookup, Points

_SMALL = 32
"""Texels; charts that are smaller across have one texel around them, others two."""
_THINNEST = 2.0
"""Texels that a chart has across, at least."""
_TRIAL = 192
"""Texels along a side of the coarse layout that tells what each chart needs."""
_SHARE = 0.9
"""Share of a chart's visible pixels that get the texels they need; the nearest few would take too many."""
_UNSEEN = 0.08
"""Texels on a length of what no picture shows, as a share of the most that the object has elsewhere."""
_LEAST = 0.2
"""The smallest image of an object against that of the nearest with its mesh: less would eat the charts' margins."""
_CROWDED = 0.02
"""Share of texels that several faces may claim in a UV layer of the user's."""


@dataclass(frozen=True, eq=False)
class Triangles:
    """The evaluated surface of an object."""

    corners: np.ndarray
    """float64 T×3×2: UV, 0..1 each, v upwards"""
    places: np.ndarray
    """float64 T×3×3: world space"""

    def texel_corners(self, size: tuple[int, int]) -> np.ndarray:
        """float64 T×3×2 in texels of an image of that (width, height), y downwards."""
        u, v = np.moveaxis(self.corners, -1, 0)
        return np.stack([u * size[0], (1 - v) * size[1]], axis=-1)

    def points(self, size: tuple[int, int], thing: Instance) -> tuple[texels.Texels, Points]:
        """The texels of an image of that size, and where each is on the surface."""
        corners = self.texel_corners(size)
        found = texels.rasterise(corners, *size)
        position = texels.positions(found, corners, self.places)
        normals = np.cross(self.places[:, 1] - self.places[:, 0], self.places[:, 2] - self.places[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
        own = np.zeros(len(position), np.int64)
        return found, Points(position, own, [thing], normals[found.triangle], two_sided=True)

    def unfolded(
        self, position: np.ndarray, triangle: np.ndarray, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where points near triangles lie on an image: (float64 N×2 in texels; float64 N, how far each is off its
        triangle's plane, in texels as well; inf where the triangle has no area).

        Args:
            position: float64 N×3, world space.
            triangle: int N.
        """
        corners, places = self.texel_corners(size)[triangle], self.places[triangle]
        one, other, way = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0], position - places[:, 0]
        normal = np.cross(one, other)
        area = np.maximum(np.linalg.norm(normal, axis=1), 1e-30)
        normal /= area[:, None]
        shares = np.stack([np.cross(way, other), np.cross(one, way)], axis=1) @ normal[..., None] / area[:, None, None]
        edges = corners[:, 1:] - corners[:, :1]
        place = corners[:, 0] + (shares * edges).sum(axis=1)
        texels_area = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
        return place, np.abs((way * normal).sum(axis=1)) * np.sqrt(texels_area / area)


@dataclass(frozen=True, eq=False)
class Sheet:
    """One mesh with its layout, for all of its objects that are baked."""

    mesh: bpy.types.Mesh
    objects: tuple[bpy.types.Object, ...]
    layer: str
    charts: Charts | None
    """None where the user's own layer is used"""
    need: np.ndarray
    """float64 C×2: texels on a scene unit of each chart, to the right and up, for one texel a pixel; 1×2 for the
    user's own layer"""

    part: tuple[float, ...] = ()
    """Of each object: how large its image is against the layout's, 0..1; far ones need less of the same layout."""

    def image_sizes(self, scale: float) -> list[tuple[int, int]]:
        """(width, height) of each object's image with ``scale`` texels a pixel."""
        width, height = self.size_at(scale)
        return [(max(16, round(width * part)), max(16, round(height * part))) for part in self.part]

    def size_at(self, scale: float) -> tuple[int, int]:
        """(width, height) of the layout with ``scale`` texels a pixel."""
        if self.charts is None:
            side = int(np.clip(np.ceil(self.need.max() * scale), 16, charts_limit()))
            return side, side
        return self._packed(scale)[1]

    def lay_out(self, scale: float) -> None:
        """Write the UV layer for that many texels a pixel."""
        if self.charts is None:
            return
        places, size, density = self._packed(scale)
        own = self.charts.of_face[_faces(self.mesh)]
        at = places[own] + _padding(self.charts.size * density)[own, None] + self.charts.flat * density[own]
        uv_layers.write(self.mesh, self.layer, at / size)

    def _packed(self, scale: float) -> tuple[np.ndarray, tuple[int, int], np.ndarray]:
        """(left and top of each chart, size of all, texels on a unit of each chart to the right and up)."""
        if self.charts is None:
            raise InvalidInput("This layout is the user's own", "Use its size")
        density = self.need * scale
        density = np.minimum(density, (charts_limit() - 8) / np.maximum(self.charts.size, 1e-9))
        # slivers are widened: between texel centres nothing of them would be seen
        density = np.maximum(density, _THINNEST / np.maximum(self.charts.size, 1e-9))
        boxes = _boxes(self.charts.size * density)
        places, (width, height) = charts.packed(boxes)
        return places, (max(width, 16), max(height, 16)), density


def charts_limit() -> int:
    """Texels along the side of an image, at most: what every GPU and engine takes."""
    return 8192


def surface_of(mesh: bpy.types.Mesh, matrix: np.ndarray) -> Surface:
    """The faces of a mesh, in world units."""
    co = _read(mesh.vertices, "co", 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    loops = _read(mesh.loops, "vertex_index", 1, np.int32)[:, 0]
    edges = _read(mesh.loops, "edge_index", 1, np.int32)[:, 0]
    return Surface(co[loops], edges, _read(mesh.polygons, "loop_total", 1, np.int32)[:, 0])


def triangles_of(one: bpy.types.Object, graph: bpy.types.Depsgraph, layer: str) -> Triangles:
    """The evaluated surface of an object with a UV layer. Raises InvalidInput where its modifiers lose the layer."""
    evaluated = one.evaluated_get(graph)
    mesh = evaluated.to_mesh()
    try:
        if layer not in mesh.uv_layers:
            raise InvalidInput(f"The modifiers of '{one.name}' lose its UV layers", "Apply them first")
        mesh.calc_loop_triangles()
        loops = _read(mesh.loop_triangles, "loops", 3, np.int32)
        vertices = _read(mesh.loop_triangles, "vertices", 3, np.int32)
        uv = _read(mesh.uv_layers[layer].uv, "vector", 2).astype(np.float64)
        matrix = np.array(evaluated.matrix_world, np.float64)
        co = _read(mesh.vertices, "co", 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
        return Triangles(uv[loops], co[vertices])
    finally:
        evaluated.to_mesh_clear()


def thing_of(one: bpy.types.Object) -> Instance:
    """The object itself as captures know it, where it is now."""
    matrix = tuple(float(value) for row in one.matrix_world for value in row)
    name = one["seg_stands_for"].name if "seg_stands_for" in one else one.name
    return Instance(0, name, matrix, None, NO_CLASS, "none", "", 0, (0, 0, 0, 0))


def new_sheet(
    mesh: bpy.types.Mesh,
    objects: Sequence[bpy.types.Object],
    layer: str,
    lookups: Sequence[Lookup],
    scene: bpy.types.Scene,
) -> Sheet:
    """Cut a mesh into charts, on a UV layer that is ours alone, and find what each of them needs.

    Raises:
        InvalidInput: no room for a UV layer, or no picture is on the objects.
    """
    matrix = np.array(objects[0].matrix_world, np.float64)
    cut = charts.cut(surface_of(mesh, matrix))
    uv_layers.add(mesh, layer)
    even = _TRIAL / max(float(np.sqrt(cut.size.prod(axis=1).sum())), float(cut.size.max()), 1e-9)
    trial = Sheet(mesh, tuple(objects), layer, cut, np.full(cut.size.shape, even))
    places, size, density = trial._packed(1.0)
    trial.lay_out(1.0)
    label = np.zeros((size[1], size[0]), np.int64)
    boxes = _boxes(cut.size * density)
    for index, ((left, top), (wide, high)) in enumerate(zip(places.tolist(), boxes.tolist(), strict=True)):
        label[top : top + high, left : left + wide] = index
    needs = _needs(trial, size, label.reshape(-1), lookups, scene)
    need = np.maximum.reduce(needs)
    need = np.maximum(need, _UNSEEN * need.max())
    return Sheet(mesh, tuple(objects), layer, cut, need, _parts(needs, need))


def own_sheet(
    mesh: bpy.types.Mesh,
    objects: Sequence[bpy.types.Object],
    layer: str,
    lookups: Sequence[Lookup],
    scene: bpy.types.Scene,
) -> Sheet:
    """A UV layer of the user's, checked. Raises InvalidInput where nothing can be baked into it."""
    if layer not in mesh.uv_layers:
        raise InvalidInput(f"'{mesh.name}' has no UV layer '{layer}'", "Name one that it has, or bake into a new one")
    graph = graph_of(scene)
    triangles = triangles_of(objects[0], graph, layer)
    if triangles.corners.size == 0 or triangles.corners.min() < -1e-4 or triangles.corners.max() > 1 + 1e-4:
        raise InvalidInput(f"The UV layer '{layer}' of '{mesh.name}' leaves the image", "Bake into a new layer")
    size = (512, 512)
    found, _ = triangles.points(size, thing_of(objects[0]))
    if not found.at.size or found.crowded > _CROWDED * found.at.size:
        raise InvalidInput(f"Faces overlap in the UV layer '{layer}' of '{mesh.name}'", "Bake into a new layer")
    whole = Sheet(mesh, tuple(objects), layer, None, np.zeros((1, 2)))
    needs = _needs(whole, size, np.zeros(size[0] * size[1], np.int64), lookups, scene)
    pixels = np.maximum.reduce(needs)
    corners, places = triangles.corners, triangles.places
    (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    uv_area = np.abs(ax * by - ay * bx).sum() / 2
    area = np.linalg.norm(np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]), axis=1).sum() / 2
    need = pixels * np.sqrt(area / max(float(uv_area), 1e-9))
    return Sheet(mesh, tuple(objects), layer, None, need, _parts(needs, pixels))


def graph_of(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    """The evaluated state of a scene, with what was changed just now."""
    layer = scene.view_layers[0]
    layer.update()
    return layer.depsgraph


def _parts(needs: Sequence[np.ndarray], need: np.ndarray) -> tuple[float, ...]:
    return tuple(float(np.clip((one / need).max(), _LEAST, 1)) for one in needs)


def _needs(
    sheet: Sheet, size: tuple[int, int], label: np.ndarray, lookups: Sequence[Lookup], scene: bpy.types.Scene
) -> list[np.ndarray]:
    """Of each object float64 C×2: pixels that the views have on a scene unit of each chart, to its right and up; 0
    where none. Raises InvalidInput where no view sees an object."""
    graph, needs = graph_of(scene), []
    for one in sheet.objects:
        need = np.zeros_like(sheet.need)
        found, points = triangles_of(one, graph, sheet.layer).points(size, thing_of(one))
        for lookup in lookups:
            density = lookup.ask(points).density.astype(np.float64)
            seen = density > 0
            group = label[found.at[seen]]
            slant = _slant(lookup.maps.camera, points.position[seen], sheet.charts, group)
            for axis in (0, 1):
                most = _quantiles(group, density[seen] * slant[:, axis], len(need))
                need[:, axis] = np.maximum(need[:, axis], most)
        if not need.any():
            raise InvalidInput(f"No picture is on '{one.name}'", "Project one on it first, or leave it out")
        needs.append(need)
    return needs


def _slant(camera: Camera, position: np.ndarray, cut: Charts | None, group: np.ndarray) -> np.ndarray:
    """float64 N×2: how long a unit along each axis of a point's chart looks, 0..1."""
    if cut is None:
        return np.ones((len(position), 2))
    if camera.type == "ORTHO":
        way = np.broadcast_to(camera.matrix_world[:3, 2], position.shape)
    else:
        way = position - camera.matrix_world[:3, 3]
        way = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-30)
    along = np.einsum("nac,nc->na", cut.axes[group], way)
    return np.sqrt(np.clip(1 - along * along, 1e-4, 1))


def _padding(size: np.ndarray) -> np.ndarray:
    """int64 C: texels around charts of these sizes (C×2, texels), on each side."""
    return np.where(size.min(axis=1) < _SMALL, 1, 2)


def _boxes(size: np.ndarray) -> np.ndarray:
    """int64 C×2: charts with what is around them."""
    return np.ceil(size).astype(np.int64) + 2 * _padding(size)[:, None]


def _quantiles(group: np.ndarray, density: np.ndarray, count: int) -> np.ndarray:
    """float64 count: of each group the density that ``_SHARE`` of its pixels do not exceed; 0 for empty groups."""
    order = np.lexsort((density, group))
    group, density = group[order], density[order]
    pixels = np.cumsum(density * density)
    present, first = np.unique(group, return_index=True)
    before = np.where(first > 0, pixels[first - 1], 0) if len(first) else np.zeros(0)
    last = np.append(first[1:], len(group))[: len(present)] - 1
    at = np.searchsorted(pixels, before + _SHARE * (pixels[last] - before)) if len(first) else first
    result = np.zeros(count)
    result[present] = density[np.minimum(at, last)]
    return result


def _faces(mesh: bpy.types.Mesh) -> np.ndarray:
    """int64 L: the face of each loop."""
    sizes = _read(mesh.polygons, "loop_total", 1, np.int32)[:, 0]
    return np.repeat(np.arange(len(sizes)), sizes)


def _read(collection, name: str, width: int, kind: type = np.float32) -> np.ndarray:
    values = np.empty(len(collection) * width, kind)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)
