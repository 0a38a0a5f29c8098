"""Cameras that the add-on makes: one that shows the whole scene, and one that looks at a shot from the side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import pi, radians

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..core.camera import Camera
from ..core.maps import SceneMaps
from ..protocol.errors import SceneError
from . import cycles
from .cameras import panorama
from .extents import content, renderable_boxes
from .scene_maps import MIN_SIZE, layer_name
from .shot import Shot, View

_MARGIN = 1.06
"""Room around the framed things, as a factor of the field of view."""
_TRIAL_WIDTH = 128
"""pixels; views are compared by small captures"""
_OUTSIDE_LENSES = (35.0, 24.0, 18.0)
"""millimetres on a sensor of 36; the wider ones where a sky dome lets the camera not go farther away"""
_INSIDE_LENS = 18.0
_OPEN = 100
"""Things; a scene that shows so many to the outside is no closed room, however many more it has"""
_SIDE_VIEWS = tuple((near, sign * angle) for near in (1.0, 0.5, 0.25) for angle in (30, 20, 12) for sign in (1, -1))
"""(how far the pivot is on the way from the camera to the centre of the picture, degrees), the best first"""


@dataclass(frozen=True)
class _View:
    matrix: Matrix
    lens: float
    """millimetres"""
    shows: float = 0.0
    """how many things it shows"""


def add_framing_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """Add a camera that shows everything that renders, and make it the scene's.

    From outside: three quarters from the front, slightly from above; the flatter the layout, the more from above. Of
    four sides the one that shows most is taken. Where the outside hides most things (a closed room) it looks across
    the inside. Sky domes, endless grounds and far-off strays do not count. Needs a few small renders.

    Raises:
        SceneError: nothing in the scene renders.
    """
    camera = bpy.data.objects.new("Framing Camera", bpy.data.cameras.new("Framing Camera"))
    scene.collection.objects.link(camera)
    try:
        everything = renderable_boxes(scene, layer_name(scene, None), camera)
        if len(everything) == 0:
            raise SceneError(f"Scene {scene.name!r} has no visible object", "Make objects renderable (camera icon)")
        boxes = content(everything)
        _set_clipping(camera.data, boxes, everything)
        with _trials(scene, camera) as trials:
            chosen = _choose(trials, boxes)
        _place(camera, chosen)
    except BaseException:
        remove_camera(camera)
        raise
    scene.camera = camera
    return camera


def second_camera(scene: bpy.types.Scene, camera: bpy.types.Object, maps: SceneMaps) -> bpy.types.Object:
    """Add a camera that looks at the same things from the side; the scene keeps its own camera.

    It is ``camera`` turned by 30° around what is in the middle of the picture, to the side from which more of the
    picture's points are seen; by less, or around a nearer point, if a wall is in the way.

    Args:
        maps: what ``camera`` sees.
    """
    side = bpy.data.objects.new("Side Camera", camera.data.copy())
    side.animation_data_clear()
    scene.collection.objects.link(side)
    try:
        source, centre = maps.camera.matrix_world, _visual_centre(maps)
        with _trials(scene, side) as trials:
            side.matrix_world = _best_side(trials, source, centre, maps)
    except BaseException:
        remove_camera(side)
        raise
    return side


def _best_side(trials: _Trials, source: np.ndarray, centre: np.ndarray, maps: SceneMaps) -> Matrix:
    best, best_share = Matrix(source), -1.0
    for nearness, degrees in _SIDE_VIEWS:
        pivot = source[:3, 3] + (centre - source[:3, 3]) * nearness
        trials.camera.matrix_world = matrix = _orbit(source, pivot, radians(degrees))
        share = _shared(trials, maps)
        if share > best_share:
            best, best_share = matrix, share
        if degrees < 0 and best_share > 0.3:
            break
    return best


def remove_camera(camera: bpy.types.Object) -> None:
    """Remove a camera object, and its data if nothing else uses that."""
    data = camera.data
    bpy.data.objects.remove(camera)
    if data.users == 0:
        bpy.data.cameras.remove(data)


@dataclass(frozen=True)
class _Trials:
    """Small shots from one camera that is moved about; the scene is built once for all of them."""

    scene: bpy.types.Scene
    camera: bpy.types.Object
    session: cycles.Session

    def look(self) -> Shot:
        """What the camera sees from where it is."""
        return self._shoot(round(_TRIAL_WIDTH / _aspect(self.scene)))

    def look_around(self) -> Shot:
        """The panorama from where it is; its type must be PANO."""
        return self._shoot(_TRIAL_WIDTH // 2)

    def _shoot(self, height: int) -> Shot:
        size = (_TRIAL_WIDTH, min(max(height, MIN_SIZE), 4 * _TRIAL_WIDTH))
        return self.session.shoot(View(self.scene, layer_name(self.scene, None), self.camera, size))


@contextmanager
def _trials(scene: bpy.types.Scene, camera: bpy.types.Object) -> Iterator[_Trials]:
    first = View(scene, layer_name(scene, None), camera, (_TRIAL_WIDTH, _TRIAL_WIDTH))
    with cycles.session(first) as opened:
        yield _Trials(scene, camera, opened)


def _choose(trials: _Trials, boxes: np.ndarray) -> _View:
    """From outside if that shows half of the things or very many, from inside where that shows clearly more."""
    outside = None
    for lens in _OUTSIDE_LENSES:
        outside = _best(trials, _outside_views(trials.scene, boxes, lens))
        if outside.shows >= min(0.5 * len(boxes), _OPEN):
            return outside
    inside = _best(trials, _inside_views(trials, boxes))
    return inside if inside is not None and inside.shows > 1.5 * outside.shows else outside


def _place(camera: bpy.types.Object, view: _View) -> None:
    camera.matrix_world, camera.data.lens = view.matrix, view.lens


def _best(trials: _Trials, views: Iterable[_View]) -> _View | None:
    """The view that shows most things; an earlier one unless a later shows clearly more. None if there are none."""
    best = None
    for view in views:
        _place(trials.camera, view)
        judged = _View(view.matrix, view.lens, _count(trials.look()))
        if best is None or judged.shows > 1.25 * best.shows:
            best = judged
    return best


def _count(shot: Shot) -> int:
    """Things that take up more than a speck of the picture."""
    return int((np.bincount(shot.shown[shot.shown >= 0]) >= 3).sum())


def _aspect(scene: bpy.types.Scene) -> float:
    render = scene.render
    return render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)


def _set_clipping(data: bpy.types.Camera, boxes: np.ndarray, everything: np.ndarray) -> None:
    """Far enough for a sky dome, near enough for a close wall."""
    size = float(np.linalg.norm(np.ptp(boxes.reshape(-1, 3), axis=0)))
    reach = float(np.linalg.norm(np.ptp(everything.reshape(-1, 3), axis=0)))
    data.clip_start = max(size * 1e-4, 1e-4)
    data.clip_end = max(1000.0, 6 * size + 2 * reach)


def _outside_views(scene: bpy.types.Scene, boxes: np.ndarray, lens: float) -> Iterator[_View]:
    width, depth, height = np.ptp(boxes.reshape(-1, 3), axis=0)
    flatness = 1 - min(height / max(width, depth, 1e-9) / 0.5, 1.0)
    elevation = radians(20 + 22 * flatness)
    for azimuth in (35, -35, 145, -145):
        yield _View(_fitted(_turned(radians(azimuth), elevation), boxes, lens, _aspect(scene)), lens)


def _turned(azimuth: float, elevation: float) -> Matrix:
    """Rotation of a camera that looks down by ``elevation``, from the front (-y) turned to the right by ``azimuth``."""
    return Matrix.Rotation(azimuth, 4, "Z") @ Matrix.Rotation(pi / 2 - elevation, 4, "X")


def _fitted(rotation: Matrix, boxes: np.ndarray, lens: float, aspect: float) -> Matrix:
    """The nearest place from which a camera, so turned, has all corners in its picture."""
    corners = boxes.reshape(-1, 3) @ np.array(rotation, np.float64)[:3, :3]
    half = 18.0 / lens / _MARGIN
    slopes = (half * min(aspect, 1.0), half * min(1 / aspect, 1.0))  # the sensor's width goes to the longer side
    place = np.zeros(3)
    for axis, slope in enumerate(slopes):
        # |x - place.x| <= slope · (place.z - z) for every corner: two planes that touch the corners
        high = (corners[:, axis] + slope * corners[:, 2]).max()
        low = (-corners[:, axis] + slope * corners[:, 2]).max()
        place[axis] = (high - low) / 2
        place[2] = (high + low) / (2 * slope) if axis == 0 else max(place[2], (high + low) / (2 * slope))
    return Matrix.Translation(rotation @ Vector(place)) @ rotation


def _inside_views(trials: _Trials, boxes: np.ndarray) -> Iterator[_View]:
    """From where most is around, back against the wall, across to the other side."""
    eye, around = _best_eye(trials, boxes)
    if around is None:
        return
    level = around.depth[len(around.depth) // 2]  # one ray a column, all around
    free = np.where(np.isfinite(level), level, 0.0)
    across = free + np.roll(free, len(free) // 2)
    for column in np.argsort(-across)[: len(free) // 2 : len(free) // 8]:
        longitude = (column + 0.5) / len(free) * 2 * pi - pi
        back = Vector((np.sin(longitude), np.cos(longitude), 0.0))
        place = eye + back * float(free[column]) * 0.85
        # Looks along -back: the azimuth of a camera that stands at `back` from the middle.
        yield _View(Matrix.Translation(place) @ _turned(np.arctan2(back.x, -back.y), radians(8)), _INSIDE_LENS)


def _best_eye(trials: _Trials, boxes: np.ndarray) -> tuple[Vector, Shot | None]:
    """The one of a few points at eye height that has most things around it, and the panorama seen from there."""
    low, high = boxes.reshape(-1, 3).min(axis=0), boxes.reshape(-1, 3).max(axis=0)
    best, best_shot, most = Vector((low + high) / 2), None, 0
    camera = trials.camera
    camera.data.type = "PANO"
    panorama(camera.data).panorama_type = "EQUIRECTANGULAR"
    for x, y in ((0.5, 0.5), (0.3, 0.3), (0.7, 0.3), (0.3, 0.7), (0.7, 0.7)):
        eye = Vector(low + (high - low) * (x, y, 0.55))
        camera.matrix_world = Matrix.Translation(eye) @ _turned(0.0, 0.0)
        shot = trials.look_around()
        if _count(shot) > most:
            best, best_shot, most = eye, shot, _count(shot)
    camera.data.type = "PERSP"
    return best, best_shot


def _visual_centre(maps: SceneMaps) -> np.ndarray:
    """World-space point on the camera's axis at the median distance of what is in the middle of the picture."""
    y, x = maps.height // 4, maps.width // 4
    middle = maps.depth[y : maps.height - y or None, x : maps.width - x or None]
    seen = middle[np.isfinite(middle)]
    distance = np.median(seen if len(seen) else maps.depth[np.isfinite(maps.depth)])
    return maps.camera.matrix_world[:3, 3] - maps.camera.matrix_world[:3, 2] * float(distance)


def _orbit(matrix: np.ndarray, pivot: np.ndarray, angle: float) -> Matrix:
    """``matrix`` turned around the vertical line through ``pivot``; counter-clockwise seen from above."""
    centre = Matrix.Translation(Vector(pivot))
    return centre @ Matrix.Rotation(angle, 4, "Z") @ centre.inverted() @ Matrix(matrix)


def _shared(trials: _Trials, maps: SceneMaps) -> float:
    """Share of the picture's points that the trials' camera sees too (0..1)."""
    look = trials.look()
    step = max(maps.width // 64, 1)
    points = maps.camera.world_points(maps.depth)[::step, ::step].reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    return float(np.mean(_sees(look.camera, look.depth, points))) if len(points) else 0.0


def _sees(camera: Camera, depth: np.ndarray, points: np.ndarray) -> np.ndarray:
    """bool N: whether points (N×3, world) lie in the picture and not behind what it shows."""
    pixels, distance = camera.project(points)
    with np.errstate(invalid="ignore"):
        x, y = np.floor(pixels).T
        inside = (x >= 0) & (y >= 0) & (x < camera.width) & (y < camera.height) & (distance > camera.clip_start)
    seen = np.zeros(len(points), bool)
    front = depth[y[inside].astype(int), x[inside].astype(int)]
    seen[inside] = distance[inside] < front * 1.05
    return seen
