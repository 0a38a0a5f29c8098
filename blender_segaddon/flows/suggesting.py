"""Cameras that see what no picture covers yet."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .. import capture
from ..core.maps import BACKGROUND, SceneMaps
from ..protocol.errors import InvalidInput, SceneError
from ..texturing import Points, View, blended, identity
from .errands import InPieces, Look, Task
from .placing import scene_named

_TRIAL_WIDTH = 80
"""pixels of a trial capture"""
_MOST_TRIALS = 72
_WAYS = 40
"""directions that targets are looked for in, evenly over the sphere"""
_CELLS = 48
"""The scene's extent in cells, by which two trials are known to see the same surface."""
_FLAT = 0.2
"""Cosine; a surface that is seen flatter than that would take a poor picture."""
_WORTH = 0.004
"""Share of all cells in sight of any trial; a camera that adds fewer is not suggested."""


def suggest_cameras(scene: str, count: int, views: Sequence[View]) -> Task[list[bpy.types.Object]]:
    """Add up to ``count`` cameras, the one that sees most of what is bare first; see ``api.suggest_cameras``."""
    if not 1 <= count <= 16:
        raise InvalidInput(f"{count} cameras cannot be suggested", "Ask for 1 to 16")
    seen = scene_named(scene)
    if seen.camera is None:
        raise SceneError(f"Scene '{scene}' has no camera", "Add one: suggested cameras have its lens")
    size = (_TRIAL_WIDTH, max(8, round(_TRIAL_WIDTH * seen.render.resolution_y / seen.render.resolution_x)))
    start = yield Look(scene, seen.camera.name, {"size": size})
    places = _places(scene_named(scene), [start, *(view.maps for view in views)])
    looks = yield InPieces(partial(_trials, scene, places, size), len(places), "Looking around")
    trials = [start, *looks]
    chosen = yield lambda: _greedy(_cells(trials, views), count)
    matrices = [start.camera.matrix_world, *(np.array(place) for place in places)]
    return [_add(scene_named(scene), matrices[number], order) for order, number in enumerate(chosen, start=1)]


def _trials(scene: str, places: Sequence[Matrix], size: tuple[int, int]) -> Generator[None, None, list[SceneMaps]]:
    """The maps from all places, one after the other."""
    seen = scene_named(scene)
    if seen.camera is None:
        raise SceneError(f"The camera of scene '{scene}' is gone", "Add one and try again")
    made = []
    with closing(capture.iterate_views(seen, places, size=size)) as looks:
        for maps in looks:
            made.append(maps)
            yield
    return made


def _greedy(cells: Sequence[tuple[np.ndarray, np.ndarray]], count: int) -> list[int]:
    """Numbers of the trials that together see the most bare cells, each adding as much as it can.

    What many trials see counts as often: it is what people look at; the underside of the ground is not.
    """
    keys, shown = np.unique(np.concatenate([one for one, _ in cells]), return_counts=True)
    worth = shown.astype(np.float64)
    least = _WORTH * worth.sum()
    chosen: list[int] = []
    for _ in range(count):
        gains = [worth[np.searchsorted(keys, bare)].sum() for _, bare in cells]
        best = int(np.argmax(gains))
        if gains[best] <= least:
            break
        chosen.append(best)
        worth[np.searchsorted(keys, cells[best][1])] = 0
    return chosen


def _cells(trials: Sequence[SceneMaps], views: Sequence[View]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each trial: int64 keys of the cells of surface that it sees, and of those that are bare and seen well."""
    shown = [Points.of_maps(one) for one in trials]
    positions = np.concatenate([one.position for one in shown])
    low, high = np.percentile(positions, (2, 98), axis=0)
    cell = max(float((high - low).max()), 1e-9) / _CELLS
    numbers: dict[tuple[object, ...], int] = {}
    result = []
    lookups = [(one.lookup(), one.blend) for one in views]
    for maps, points in zip(trials, shown, strict=True):
        bare = ~blended(lookups, points).seen
        facing = np.abs(maps.normal[maps.instance_map != BACKGROUND][:, 2])
        thing = np.array([numbers.setdefault(identity(one), len(numbers)) for one in points.things])
        at = np.floor((points.position - low) / cell).astype(np.int64)
        side = ((points.normal > 0.5) * (1, 2, 4) + (points.normal < -0.5) * (8, 16, 32)).sum(-1)
        keys = _packed([thing[points.thing], side, *at.T])
        result.append((np.unique(keys), np.unique(keys[bare & (facing > _FLAT)])))
    return result


def _packed(columns: Sequence[np.ndarray]) -> np.ndarray:
    """int64 N: one number for each row, by mixing (64-bit products; collisions are rare and harmless)."""
    key = np.zeros(len(columns[0]), np.int64)
    for one in columns:
        key = (key ^ one.astype(np.int64)) * np.int64(0x9E3779B97F4A7C1 | 1)
        key ^= key >> np.int64(29)
    return key


def _places(scene: bpy.types.Scene, known: Sequence[SceneMaps]) -> list[Matrix]:
    """Camera places from which a surface is seen, spread over what surrounds the known cameras."""
    graph = _graph(scene)
    found = [place for maps in known for place in (*_around(scene, graph, maps), *_facing_walls(scene, graph, maps))]
    if len(found) > _MOST_TRIALS:
        pick = np.linspace(0, len(found) - 1, _MOST_TRIALS).round().astype(int)
        found = [found[number] for number in pick]
    return found


def _around(scene: bpy.types.Scene, graph: bpy.types.Depsgraph, maps: SceneMaps) -> Iterator[Matrix]:
    """On two rings around what is in the middle of a view, nearer where something is in the way."""
    points = Points.of_maps(maps).position
    eye = Vector(maps.camera.matrix_world[:3, 3])
    target = Vector(np.median(points, axis=0))
    reach = max(float(np.median(np.linalg.norm(points - target, axis=-1))) * 2.2, (eye - target).length * 0.5)
    for height in (0.35, 0.9):
        for turn in np.arange(8) * (np.pi / 4):
            way = Vector((np.cos(turn), np.sin(turn), height)).normalized()
            yield from _looking(scene, graph, target + Vector((0, 0, 0.15 * reach)), way, reach, target)


def _facing_walls(scene: bpy.types.Scene, graph: bpy.types.Depsgraph, maps: SceneMaps) -> Iterator[Matrix]:
    """Before the surfaces that surround a known camera, also those behind its back."""
    eye = Vector(maps.camera.matrix_world[:3, 3])
    reach = float(np.median(maps.depth[maps.instance_map != BACKGROUND]))
    for way in _sphere(_WAYS):
        hit, place, normal, *_ = scene.ray_cast(graph, eye, Vector(way))
        if not hit:
            continue
        out = normal if normal.dot(eye - place) > 0 else -normal
        back = (out + 0.6 * (eye - place).normalized()).normalized()
        yield from _looking(scene, graph, place + out * (1e-3 * reach), back, reach, place)


def _looking(
    scene: bpy.types.Scene, graph: bpy.types.Depsgraph, start: Vector, way: Vector, reach: float, target: Vector
) -> Iterator[Matrix]:
    """A place up to ``reach`` from ``start`` that looks at ``target``, if it sees anything from there."""
    hit, stop, *_ = scene.ray_cast(graph, start, way, distance=reach)
    eye = start + way * (0.85 * (stop - start).length if hit else reach)
    look = target - eye
    clip_start, clip_end = scene.camera.data.clip_start, scene.camera.data.clip_end
    if look.length <= 4 * clip_start or look.length < 0.1 * reach:
        return
    seen, first, *_ = scene.ray_cast(graph, eye, look.normalized(), distance=clip_end)
    if seen and (first - eye).length > max(0.2 * look.length, 2 * clip_start):
        yield Matrix.Translation(eye) @ look.to_track_quat("-Z", "Y").to_matrix().to_4x4()


def _sphere(count: int) -> np.ndarray:
    """float64 N×3: unit vectors evenly over the sphere (Fibonacci lattice)."""
    index = np.arange(count) + 0.5
    z, turn = 1 - 2 * index / count, index * np.pi * (1 + 5**0.5)
    flat = np.sqrt(1 - z * z)
    return np.stack([np.cos(turn) * flat, np.sin(turn) * flat, z], axis=-1)


def _graph(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    layer = scene.view_layers[0]
    layer.update()
    return layer.depsgraph


def _add(scene: bpy.types.Scene, matrix: np.ndarray, order: int) -> bpy.types.Object:
    data = scene.camera.data.copy()
    data.animation_data_clear()
    made = bpy.data.objects.new(f"Seg View {order}", data)
    made.matrix_world = Matrix(matrix.tolist())
    scene.collection.objects.link(made)
    return made
