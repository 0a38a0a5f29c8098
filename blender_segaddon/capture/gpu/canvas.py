# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (the stubs of the gpu module know no constructors)
"""A picture of integers: instances drawn with their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import gpu
import numpy as np

from .shader import ROW_TEXELS, TABLE_INSTANCES, id_shader
from .shapes import Shape


@dataclass(frozen=True, eq=False)
class Crowd:
    """Everything that stands in a scene, in an order in which equal shapes follow each other."""

    shapes: tuple[Shape, ...]
    shape_of: np.ndarray
    """int64 N, rising: index in ``shapes``"""
    matrices: np.ndarray
    """float64 N×4×4, object space to world space"""
    ids: np.ndarray
    """uint32 N, what is written for each, below 2**24; 0 hides what lies behind as a hole does"""

    @classmethod
    def of(cls, things: list[tuple[Shape, np.ndarray, int]]) -> Crowd:
        """Args: things: (shape, 4×4 matrix to world space, id), in any order."""
        numbers: dict[Shape, int] = {}
        index = np.array([numbers.setdefault(shape, len(numbers)) for shape, _, _ in things], np.int64)
        order = np.argsort(index, kind="stable")
        matrices = np.array([matrix for _, matrix, _ in things], np.float64).reshape(-1, 4, 4)
        ids = np.array([id for _, _, id in things], np.uint32)
        return cls(tuple(numbers), index[order], matrices[order], ids[order])

    def only(self, which: np.ndarray) -> Crowd:
        """Those of the instances that ``which`` (bool N) says."""
        return Crowd(self.shapes, self.shape_of[which], self.matrices[which], self.ids[which])

    @property
    def triangles(self) -> int:
        """How many a camera that sees everything has to draw."""
        return sum(self.shapes[index].triangles for index in self.shape_of)


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """Where it is seen from. Matrices as OpenGL has them, float64 4×4."""

    view: np.ndarray
    """world space to camera space; the camera looks along -z"""
    projection: np.ndarray
    """camera space to clip space; perspective or orthographic"""
    width: int
    """pixels"""
    height: int

    clip_end: float
    """scene units; matters to perspective only, whose matrix does not tell it well enough (in 32 bits, and the nearer
    the clipping starts the worse)"""

    def endless_projection(self) -> np.ndarray:
        """``projection``, but a perspective goes on for ever; the shader cuts it off at ``clip_end``."""
        p = self.projection.copy()
        if p[3, 2] != 0:
            near = p[2, 3] / (p[2, 2] - 1)
            p[2] = 0, 0, -1, -2 * near
        return p


class Canvas:
    """Textures of one size to draw ids into (with ``depth`` and ``normals`` also those). Needs a GPU context."""

    def __init__(self, width: int, height: int, depth: bool = False, normals: bool = False) -> None:
        self.width, self.height, self._kinds = width, height, (depth, normals)
        self._range = (0.0, 1.0)
        size = (width, height)
        self.ids = gpu.types.GPUTexture(size, format="R32UI")
        wanted = zip(("R32F", "RGBA32F"), self._kinds, strict=True)
        self._colors = [self.ids, *(gpu.types.GPUTexture(size, format=form) for form, asked in wanted if asked)]
        self._depth = gpu.types.GPUTexture(size, format="DEPTH_COMPONENT32F")
        self._buffer = gpu.types.GPUFrameBuffer(depth_slot=self._depth, color_slots=self._colors)

    def draw(self, crowd: Crowd, view: Viewpoint) -> None:
        """Replace the picture by what is seen of ``crowd``; 0 where nothing is."""
        self._clear()
        turned, projection = view.view @ crowd.matrices, view.endless_projection()
        seen, self._range = _in_sight(crowd, turned, projection)
        visible = np.flatnonzero(seen)
        if not len(visible):
            return
        shader = id_shader(*self._kinds)
        near, far = self._range
        table = _table(turned[visible], crowd.ids[visible])
        with self._buffer.bind():
            shader.bind()
            shader.uniform_float("projection", projection.T.ravel().tolist())
            shader.uniform_float("depth_range", (1 / (far - near), -near / (far - near), view.clip_end))
            shader.uniform_sampler("instances", table)
            gpu.state.depth_test_set("LESS_EQUAL")
            gpu.state.depth_mask_set(True)
            try:
                _draw_shapes(crowd.shapes, crowd.shape_of[visible], shader)
            finally:
                gpu.state.depth_mask_set(False)
                gpu.state.depth_test_set("NONE")

    def read(self) -> tuple[np.ndarray, ...]:
        """ids uint32 H×W, then depth float32 H×W and normal float32 H×W×3 where asked for. Row 0 at the top."""
        return tuple(self._read(texture) for texture in self._colors)

    def read_lines(self, top: int, lines: int) -> tuple[np.ndarray, ...]:
        """As ``read``, of some lines from ``top`` down; also when Blender has come to another context since."""
        buffer = gpu.types.GPUFrameBuffer(color_slots=self._colors)  # contexts share textures alone
        return tuple(self._read(texture, buffer, self.height - top - lines, lines) for texture in self._colors)

    def read_with_depth(self) -> tuple[np.ndarray, np.ndarray]:
        """ids as ``read`` gives them, and depth float32 H×W, scene units along the axis (anything where id is 0)."""
        with self._buffer.bind():
            pixels = self._buffer.read_depth(0, 0, self.width, self.height)
        near, far = self._range
        depth = _array(pixels, self.width * self.height).reshape(self.height, self.width)[::-1]
        return self._read(self.ids), depth * np.float32(far - near) + np.float32(near)

    def id_at(self, x: int, y: int) -> int:
        """The id at a pixel, counted from the lower left; 0 outside."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return 0
        # while events are handled Blender has another GL context than while it draws; those share textures alone
        buffer = gpu.types.GPUFrameBuffer(color_slots=[self.ids])
        with buffer.bind():
            return int(_array(buffer.read_color(x, y, 1, 1, 1, 0, "UINT"), 1)[0])

    def _clear(self) -> None:
        with self._buffer.bind():
            self._buffer.clear(depth=1.0)
        self.ids.clear(format="UINT", value=(0,))
        for texture in self._colors[1:]:
            texture.clear(format="FLOAT", value=(0.0, 0.0, 0.0, 0.0))

    def _read(
        self,
        texture: gpu.types.GPUTexture,
        buffer: gpu.types.GPUFrameBuffer | None = None,
        bottom: int = 0,
        lines: int | None = None,
    ) -> np.ndarray:
        slot, lines = self._colors.index(texture), self.height if lines is None else lines
        channels = 4 if texture.format == "RGBA32F" else 1
        kind = "FLOAT" if slot else "UINT"
        buffer = buffer or self._buffer
        with buffer.bind():
            pixels = buffer.read_color(0, bottom, self.width, lines, channels, slot, kind)
        flat = _array(pixels, self.width * lines * channels)
        if channels == 1:
            return flat.reshape(lines, self.width)[::-1]
        return flat.reshape(lines, self.width, channels)[::-1, :, :3]


def _array(pixels: gpu.types.Buffer, count: int) -> np.ndarray:
    pixels.dimensions = count  # as it comes, of several dimensions, numpy reads it scrambled on 4.3 and 4.5
    return np.array(pixels)


def _in_sight(crowd: Crowd, turned: np.ndarray, projection: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """bool N: whose box reaches into the view, by the planes of its clip space; and from where to where along the axis
    these boxes reach."""
    centres = np.array([one.centre for one in crowd.shapes]).reshape(-1, 3)[crowd.shape_of]
    halves = np.array([one.half for one in crowd.shapes]).reshape(-1, 3)[crowd.shape_of]
    axes = turned[:, :3, :3] * halves[:, None, :]
    places = np.einsum("nij,nj->ni", turned[:, :3, :3], centres) + turned[:, :3, 3]
    seen = np.ones(len(turned), bool)
    for sign in (1, -1):
        for axis in range(3):
            plane = projection[3] + sign * projection[axis]
            reach = np.abs(plane[:3] @ axes).sum(axis=-1)
            seen &= places @ plane[:3] + plane[3] + reach >= 0
    middle, reach = -places[seen, 2], np.abs(axes[seen, 2]).sum(axis=-1)
    near, far = (float((middle - reach).min()), float((middle + reach).max())) if seen.any() else (0.0, 1.0)
    room = 1e-3 * max(far - near, 1e-6)  # a plane that faces the camera has a range too
    return seen, (near - room, far + room)


def _table(turned: np.ndarray, ids: np.ndarray) -> gpu.types.GPUTexture:
    lines = -(-len(ids) // TABLE_INSTANCES)
    values = np.zeros((lines * TABLE_INSTANCES, ROW_TEXELS, 4), np.float32)
    values[: len(ids), :3] = turned[:, :3]
    values[: len(ids), 3, 0] = ids
    data = gpu.types.Buffer("FLOAT", values.size, values.ravel())
    return gpu.types.GPUTexture((TABLE_INSTANCES * ROW_TEXELS, lines), format="RGBA32F", data=data)


def _draw_shapes(shapes: tuple[Shape, ...], shape_of: np.ndarray, shader: gpu.types.GPUShader) -> None:
    starts = np.flatnonzero(np.diff(shape_of, prepend=-1))
    for first, count in zip(starts.tolist(), np.diff(starts, append=len(shape_of)).tolist(), strict=True):
        shader.uniform_int("first", first)
        shapes[shape_of[first]].batch.draw_instanced(shader, instance_count=count)
