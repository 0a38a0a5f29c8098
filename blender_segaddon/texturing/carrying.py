"""What a picture says of points of the scene: the projector's own test, in numpy.

The next view, an update and a bake ask for the same thing that the shader shows, for millions of points at once and
without a render. Blends follow Debevec et al. 1998 (view-dependent texture mapping): of several pictures of a point the
one with the most pixels on the surface counts most.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..core import masks
from ..core.camera import Camera
from ..core.maps import BACKGROUND, Instance, SceneMaps
from .evidence import evidence
from .projector import COVER, SLACK, TOLERANCE

_BAND = 1 << 16
"""points that are worked on at once: what is computed from them stays in the processor's cache"""
_SOFT = 0.012
"""Width of the soft edge of a view, as a share of the picture's diagonal; at least 2 pixels."""
_LEAST = 1e-3
"""What is left of a view's weight at its very edge: alone it still counts fully."""


@dataclass(frozen=True, eq=False)
class Points:
    """N points on surfaces of the scene."""

    position: np.ndarray
    """float64 N×3, world space, scene units"""
    thing: np.ndarray
    """int N, index in ``things``; -1 for none"""
    things: Sequence[Instance]
    normal: np.ndarray | None = None
    """float N×3, unit, world space, towards the side that is looked at; None: any"""
    two_sided: bool = False
    """Either side is meant: a texture shows on both."""

    @classmethod
    def of_maps(cls, maps: SceneMaps, where: np.ndarray | None = None) -> Points:
        """The points that ``maps`` show, of the pixels where the bool H×W ``where`` is True; of all when None."""
        rows, columns = np.nonzero(maps.instance_map != BACKGROUND if where is None else where)
        position = maps.camera.points_of(rows, columns, maps.depth[rows, columns].astype(np.float64))
        normal = maps.normal[rows, columns].astype(np.float64) @ maps.camera.matrix_world[:3, :3].T
        return cls(position, maps.instance_map[rows, columns].astype(np.int64) - 1, maps.instances, normal)


@dataclass(frozen=True, eq=False)
class Carried:
    """What a view says of N points."""

    colour: np.ndarray
    """float32 N×3, in the picture's own numbers; 0 where not seen"""
    share: np.ndarray
    """float32 N, 0..1: how much of the four texels around the point is of its surface; > 0 where seen. Below 1 the
    colour is extended from one side: the edge of what the view saw"""
    density: np.ndarray
    """float32 N: pixels of the picture per scene unit on a surface that faces the camera; 0 where not seen"""
    weight: np.ndarray
    """float32 N: how much the view counts among others, > 0 where seen"""

    @property
    def seen(self) -> np.ndarray:
        """bool N"""
        return self.share > 0


class Lookup:
    """A picture with its maps, ready to be asked for any points."""

    def __init__(
        self, pixels: np.ndarray, maps: SceneMaps, objects: Collection[str] | None = None, *, follow: bool = False
    ) -> None:
        """
        Args:
            pixels: H×W×C, numbers of any kind, of the maps' size.
            objects: names of the objects (or instancers) that take the picture; all when None.
            follow: a thing that has moved since takes its picture along; else what moved is not seen.
        """
        self.maps, self._pixels, self._follow = maps, pixels.reshape(-1, pixels.shape[-1]), follow
        chosen = [one.id for one in maps.instances if objects is None or {one.object, one.instancer} & set(objects)]
        self._evidence = evidence(maps, {one: float(one) for one in chosen}, chosen).reshape(-1, 4)
        self._numbers = {identity(one): one for one in maps.instances if one.id in set(chosen)}
        self._soft = soft_edges(maps).reshape(-1)

    def ask(self, points: Points) -> Carried:
        """What the picture shows of each point."""
        count, channels = len(points.position), self._pixels.shape[1]
        found = Carried(np.zeros((count, channels), np.float32), *(np.zeros(count, np.float32) for _ in range(3)))
        ids, moves = self._known(points.things)
        bands = [slice(start, start + _BAND) for start in range(0, count, _BAND)]
        if len(bands) <= 1:
            for band in bands:
                self._band(points, band, ids, moves, found)
            return found
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy lets go of the interpreter for most of the work
            list(pool.map(lambda band: self._band(points, band, ids, moves, found), bands))
        return found

    def box_of(self, thing: Instance) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in pixels, the latter two exclusive, of all that shows a thing, or 0."""
        own = self._numbers.get(identity(thing))
        return (0, 0, 0, 0) if own is None else own.bbox

    def pixels_of(self, thing: Instance) -> tuple[np.ndarray, np.ndarray]:
        """The pixels that show a thing: (int64 N, ascending: row · width + column in its box; float64 N×3: what each
        shows, in world space, where the thing is now)."""
        left, top, right, bottom = self.box_of(thing)
        if right <= left:
            return np.zeros(0, np.int64), np.zeros((0, 3))
        maps, own = self.maps, self._numbers[identity(thing)]
        row, column = np.nonzero(maps.instance_map[top:bottom, left:right] == own.id)
        depth = maps.depth[top + row, left + column].astype(np.float64)
        position = maps.camera.points_of(top + row, left + column, depth)
        return row * (right - left) + column, self._moved(position, own, thing)

    def fall_on(self, thing: Instance, position: np.ndarray) -> np.ndarray:
        """int64 N: the pixel in a thing's box, as in ``pixels_of``, that each point of it falls on, hidden or not; -1
        outside."""
        left, top, right, bottom = self.box_of(thing)
        own = self._numbers.get(identity(thing), thing)
        place, depth = self.maps.camera.project(self._moved(position, thing, own))
        with np.errstate(invalid="ignore"):
            inside = ((place >= (left, top)) & (place < (right, bottom))).all(axis=-1) & (depth > 0)
        column, row = np.floor(np.where(inside[:, None], place, 0)).astype(np.int64).T
        return np.where(inside, (row - top) * (right - left) + column - left, -1)

    def _moved(self, position: np.ndarray, now: Instance, then: Instance) -> np.ndarray:
        """float64 N×3: where points of a thing that is as ``now`` lie when it is as ``then``, as this view sees it."""
        if not self._follow or now.matrix_world == then.matrix_world:
            return position
        move = _move(now, then)
        return position @ move[:3, :3].T + move[:3, 3]

    def _known(self, things: Sequence[Instance]) -> tuple[np.ndarray, np.ndarray | None]:
        """(this view's id of each thing and, last, of none: -1; 4×4 from where each is to where it was, or None)."""
        ids = np.full(len(things) + 1, -1.0, np.float32)
        moves = np.tile(np.eye(4), (len(things) + 1, 1, 1))
        for index, one in enumerate(things):
            own = self._numbers.get(identity(one))
            if own is not None:
                ids[index] = own.id
                moves[index] = _move(one, own)
        return ids, moves if self._follow and (moves != np.eye(4)).any() else None

    def _band(self, points: Points, band: slice, ids: np.ndarray, moves: np.ndarray | None, found: Carried) -> None:
        thing = points.thing[band]
        position, normal = points.position[band], None if points.normal is None else points.normal[band]
        if moves is not None:
            own = moves[thing]
            position = np.einsum("nij,nj->ni", own[:, :3, :3], position) + own[:, :3, 3]
            normal = None if normal is None else np.einsum("nij,nj->ni", own[:, :3, :3], normal)
        camera = self.maps.camera
        place, depth = camera.project(position)
        facing = _facing(camera, position, normal)
        facing = np.abs(facing) if points.two_sided else facing
        with np.errstate(invalid="ignore"):
            inside = ((place > 0) & (place < (camera.width, camera.height))).all(axis=-1)
        pick = np.flatnonzero(inside & (depth > 0) & (facing > 0) & (ids[thing] > 0))
        if not pick.size:
            return
        near = depth[pick] if camera.type == "ORTHO" else 1 / depth[pick]
        colour, soft, share = self._taps(place[pick] - 0.5, near, ids[thing[pick]])
        sure = share > COVER
        pick, soft = pick[sure], soft[sure] / share[sure]
        density = pixels_per_unit(camera, depth[pick]).astype(np.float32)
        index = pick + band.start
        found.colour[index] = colour[sure] / share[sure, None]
        found.share[index], found.density[index] = share[sure], density
        # colours that are extended from one side hardly count where another view has them
        found.weight[index] = _weight(density, facing[pick]) * np.maximum(soft, _LEAST) * share[sure] ** 4

    def _taps(self, place: np.ndarray, near: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(colour · weight, softness · weight, sum of weights) of the four texels around."""
        camera = self.maps.camera
        base = np.floor(place).astype(np.int64)
        inside = (place - base).astype(np.float32)
        colour = np.zeros((len(place), self._pixels.shape[1]), np.float32)
        total, soft = np.zeros(len(place), np.float32), np.zeros(len(place), np.float32)
        near = near.astype(np.float32)
        for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
            column, row = base[:, 0] + right, base[:, 1] + down
            valid = (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
            at = np.where(valid, row * camera.width + column, 0)
            key, seen, slope_x, slope_y = self._evidence[at].T
            x, y = inside[:, 0] - right, inside[:, 1] - down
            off = np.abs(near - (seen + x * slope_x - y * slope_y))  # slopes point upwards, rows go down
            reach = _reach(camera, seen, np.abs(slope_x) + np.abs(slope_y))
            weight = (1 - np.abs(x)) * (1 - np.abs(y)) * (valid & (key == own) & (seen > 0) & (off < reach))
            colour += self._pixels[at] * weight[:, None]
            soft += self._soft[at] * weight
            total += weight
        return colour, soft, total


def identity(one: Instance) -> tuple[object, ...]:
    """What a thing is in Blender; the same in every capture, whatever its number there.

    Without the library: a local copy that can take a picture is the same thing as the linked object.
    """
    return (one.object, one.instancer, one.persistent_id, one.material)


def own_weight(maps: SceneMaps) -> np.ndarray:
    """float32 H×W: how much the view of ``maps`` counts at each of its own pixels; 0 for the background."""
    seen = maps.instance_map != BACKGROUND
    facing = np.abs(_facing_of_pixels(maps))
    density = pixels_per_unit(maps.camera, np.where(seen, maps.depth, 1).astype(np.float64))
    weight = _weight(density.astype(np.float32), facing) * np.maximum(soft_edges(maps), _LEAST)
    return np.where(seen, weight, 0).astype(np.float32)


def pixels_per_unit(camera: Camera, depth: np.ndarray) -> np.ndarray:
    """float, shape of ``depth``: pixels that a scene unit which faces the camera takes at that depth."""
    if camera.type == "PANO":
        return camera.width / (camera.pano_range[3] - camera.pano_range[2]) / depth
    scale = abs(float(camera.projection_matrix[0, 0])) * camera.width / 2
    return np.full(depth.shape, scale) if camera.type == "ORTHO" else scale / depth


def soft_edges(maps: SceneMaps) -> np.ndarray:
    """float32 H×W, 0..1: 0 at the frame and where one thing ends before another, rising to 1 within some pixels."""
    ids = np.pad(maps.instance_map.astype(np.int64), 1, constant_values=-1)
    inner = np.ones(maps.instance_map.shape, bool)
    for by in ((0, 1), (2, 1), (1, 0), (1, 2)):
        inner &= ids[by[0] : by[0] + maps.height, by[1] : by[1] + maps.width] == maps.instance_map
    radius = max(1, round(_SOFT * float(np.hypot(maps.height, maps.width)) / 2))
    padded = np.pad(inner, 2 * radius + 1)
    soft = masks.feather(masks.erode(padded, radius), radius)
    edge = 2 * radius + 1
    return soft[edge:-edge, edge:-edge]


def _weight(density: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Square of the pixels on a unit of the surface: sharp enough that a poor view hardly blurs a good one."""
    return ((density * density) * np.maximum(facing, 1e-3).astype(np.float32)) ** 2


def _move(now: Instance, then: Instance) -> np.ndarray:
    """float64 4×4: world space of ``now`` to that of ``then``; exactly the unit matrix where nothing moved."""
    if now.matrix_world == then.matrix_world:
        return np.eye(4)
    here, there = (np.array(one.matrix_world, np.float64).reshape(4, 4) for one in (now, then))
    if abs(np.linalg.det(here[:3, :3])) < 1e-12:  # flattened: what was there cannot be told
        return np.eye(4)
    return there @ np.linalg.inv(here)


def _facing(camera: Camera, position: np.ndarray, normal: np.ndarray | None) -> np.ndarray:
    """float64 N: cosine between the surface and the way to the camera; 1 for points without a side."""
    if normal is None:
        return np.ones(len(position))
    if camera.type == "ORTHO":
        return normal @ camera.matrix_world[:3, 2]
    way = camera.matrix_world[:3, 3] - position
    return (normal * way).sum(-1) / np.maximum(np.linalg.norm(way, axis=-1), 1e-30)


def _facing_of_pixels(maps: SceneMaps) -> np.ndarray:
    """float64 H×W: as ``_facing``, of each pixel for its own camera."""
    if maps.camera.type == "ORTHO":
        return maps.normal[..., 2].astype(np.float64)
    rays = maps.camera.rays()
    return -(maps.normal * rays).sum(-1) / np.linalg.norm(rays, axis=-1)


def _reach(camera: Camera, near: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """As the projector's."""
    if camera.type == "ORTHO":
        return SLACK * slope + TOLERANCE * 2 / abs(float(camera.projection_matrix[0, 0]))
    return SLACK * slope + TOLERANCE * near
