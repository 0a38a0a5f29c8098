"""What a thing must be by its shape and place, where no name tells: floor, ground, wall, ceiling, sky dome.

Only what fills a good part of the picture is looked at, only what can hardly be anything else is said, and always as
source "geometry" with a modest score: wrong is worse than none. All thresholds are our own. Sizes are compared with
those of what is seen, so that they hold at any scale; "up" is the world's z.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .maps import NO_CLASS, Instance, SceneMaps
from .vocabulary import load
from .words import class_from_ade20k

SOURCE = "geometry"
_MIN_SHARE = 0.02
"""of the picture; what is smaller is no wall or sky"""
_MIN_GROUND = 0.08
"""of the picture; what is smaller may be a rug or a pond"""
_SAMPLES = 20_000
"""pixels looked at in a picture, evenly spread"""
_OUTDOORS = ("sky", "road", "tree", "building", "grass", "mountain", "sidewalk", "skyscraper", "hill", "sea", "field")
_INDOORS = ("ceiling", "bed", "sofa", "curtain", "bathtub", "toilet", "refrigerator", "desk", "wardrobe", "cabinet")


@dataclass(frozen=True, eq=False)
class _Seen:
    """A sample of what the camera sees, one row a pixel; the background is left out."""

    ids: np.ndarray
    points: np.ndarray
    """N×3, world space"""
    normals: np.ndarray
    """N×3, world space, on the side that is seen"""
    distance: np.ndarray
    """N, from the camera"""
    background: float
    """share of the picture"""
    camera_height: float


@dataclass(frozen=True)
class _Shape:
    """One thing among all that is seen."""

    up: float
    """share of its pixels that face up, and so on"""
    down: float
    upright: float
    flat: float
    """its depth across its main direction, as a part of its size"""
    spread: float
    """its ground plan as a part of that of all near things: the geometric mean over x and y"""
    picture: float
    """its share of the picture"""
    beyond: float
    """its ground plan against that of all other near things; ground reaches further than what stands on it"""
    length: float
    """the longer side of its ground plan as a part of the same"""
    height: float
    """its height as a part of that of all near things"""
    base: float
    """where its lowest points are: 0 = lowest of all near things, 1 = highest"""
    above_camera: bool


def classified(maps: SceneMaps) -> SceneMaps:
    """The maps with a class for the nameless things whose shape gives them away."""
    silent = [one for one in maps.instances if _is_candidate(one, maps)]
    if not silent:
        return maps
    seen = _sample(maps)
    told = {one.id: found for one in silent if (found := _judge(one, maps, seen)) is not None}
    if not told:
        return maps
    instances = tuple(_told(one, told.get(one.id), maps.vocabulary) for one in maps.instances)
    class_map = maps.class_map.copy()
    for id in told:
        class_map[(maps.instance_map == id) & (class_map == NO_CLASS)] = instances[
            id - 1
        ].class_id  # not what faces say
    return replace(maps, instances=instances, class_map=class_map)


def _is_candidate(one: Instance, maps: SceneMaps) -> bool:
    return (
        one.class_source == "none"
        and not one.text
        and not one.parts
        and one.pixels >= _MIN_SHARE * maps.instance_map.size
    )


def _told(one: Instance, found: tuple[str, float] | None, vocabulary: str) -> Instance:
    if found is None:
        return one
    classes = load(vocabulary)
    class_id = class_from_ade20k(found[0], classes)
    if class_id == NO_CLASS:
        return one
    name = classes.classes[class_id].name
    return replace(one, class_id=class_id, class_name=name, class_source=SOURCE, class_score=found[1])


def _sample(maps: SceneMaps) -> _Seen:
    step = max(1, int(np.ceil(np.sqrt(maps.instance_map.size / _SAMPLES))))
    rows, columns = np.mgrid[step // 2 : maps.height : step, step // 2 : maps.width : step].reshape(2, -1)
    ids, depth = maps.instance_map[rows, columns], maps.depth[rows, columns]
    seen = (ids > 0) & np.isfinite(depth)
    rows, columns = rows[seen], columns[seen]
    points = maps.camera.points_of(rows, columns, depth[seen].astype(np.float64))
    camera = maps.camera.matrix_world
    return _Seen(
        ids=ids[seen],
        points=points,
        normals=maps.normal[rows, columns] @ camera[:3, :3].T,
        distance=np.linalg.norm(points - camera[:3, 3], axis=-1),
        background=1.0 - float(seen.mean()),
        camera_height=float(camera[2, 3]),
    )


def _judge(one: Instance, maps: SceneMaps, seen: _Seen) -> tuple[str, float] | None:
    """(class of ADE20K, score), None where the shape may be anything."""
    mine = seen.ids == one.id
    if mine.sum() < 50 or mine.all():
        return None
    if one.around_camera and _is_dome(seen.distance[mine], seen.distance[~mine]):
        return "sky", 0.8
    shape, where = _shape(seen, mine), _surroundings(maps, seen)
    if shape.up > 0.9 and shape.spread > 0.35 and shape.base < 0.1 and not shape.above_camera:
        return _ground(shape, where)
    return _enclosure(shape, one.around_camera) if where == "indoors" else None


def _enclosure(shape: _Shape, around_camera: bool) -> tuple[str, float] | None:
    """What closes a room."""
    if shape.down > 0.9 and shape.above_camera and shape.flat < 0.05 and shape.spread > 0.3:
        return "ceiling", 0.6
    if shape.upright > 0.95 and shape.flat < 0.08 and shape.height > 0.75 and shape.base < 0.15 and shape.length > 0.3:
        return "wall", 0.6
    if around_camera and shape.upright > 0.25 and shape.height > 0.9 and shape.spread > 0.8:
        return "wall", 0.4  # a room in one piece: its walls are what makes it one
    return None


def _is_dome(mine: np.ndarray, others: np.ndarray) -> bool:
    return bool(np.percentile(mine, 5) > 2 * np.percentile(others, 98))


def _ground(shape: _Shape, where: str) -> tuple[str, float] | None:
    if shape.picture < _MIN_GROUND:
        return None
    if where == "indoors" and shape.flat < 0.05:
        return "floor", 0.7
    # The floor of a doll's house, seen from outside, ends with its walls.
    return ("earth", 0.6) if where == "outdoors" and shape.flat < 0.2 and shape.beyond > 1.3 else None


def _surroundings(maps: SceneMaps, seen: _Seen) -> str:
    """ "indoors", "outdoors", or "" where it may be either."""
    named = {one.class_name for one in maps.instances if one.class_source != SOURCE}
    overhead = (seen.normals[:, 2] < -0.95) & (seen.points[:, 2] > seen.camera_height)
    roofed = bool(overhead.mean() > 0.02) or bool(named.intersection(_INDOORS))
    open_air = seen.background > 0.02 or bool(named.intersection(_OUTDOORS))
    return "" if roofed == open_air else "indoors" if roofed else "outdoors"


def _shape(seen: _Seen, mine: np.ndarray) -> _Shape:
    is_near = seen.distance <= 3 * np.percentile(seen.distance, 90)
    near_points = seen.points[is_near]
    low, high = np.percentile(near_points, 2, axis=0), np.percentile(near_points, 98, axis=0)
    all_size = np.maximum(high - low, 1e-9)
    points, normals = seen.points[mine], seen.normals[mine]
    others = near_points[~mine[is_near]] if not mine[is_near].all() else points
    around = np.percentile(others, 98, axis=0) - np.percentile(others, 2, axis=0)
    mine_low, mine_high = np.percentile(points, 2, axis=0), np.percentile(points, 98, axis=0)
    size = mine_high - mine_low
    part = np.minimum(size / all_size, 1.0)
    z = normals[:, 2]
    return _Shape(
        up=float((z > 0.85).mean()),
        down=float((z < -0.95).mean()),
        upright=float((np.abs(z) < 0.1).mean()),
        flat=_flatness(points, normals),
        spread=float(np.sqrt(max(part[0], 1e-3) * max(part[1], 1e-3))),
        picture=float(mine.mean()) * (1.0 - seen.background),
        beyond=float(np.sqrt(np.prod(size[:2] / np.maximum(around[:2], 1e-9)))),
        length=float(part[:2].max()),
        height=float(part[2]),
        base=float((mine_low[2] - low[2]) / max(all_size[2], 1e-9)),
        above_camera=bool(mine_low[2] > seen.camera_height),
    )


def _flatness(points: np.ndarray, normals: np.ndarray) -> float:
    """Thickness along the mean normal over the largest extent; 1 where it faces everywhere."""
    mean = normals.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 0.5:
        return 1.0
    across = points @ (mean / length)
    extent = float(np.linalg.norm(np.percentile(points, 98, axis=0) - np.percentile(points, 2, axis=0)))
    return float(np.percentile(across, 98) - np.percentile(across, 2)) / max(extent, 1e-9)
