"""One viewport's picture of ids: drawn anew when its view or the scene has changed."""

from __future__ import annotations

import bpy
import gpu
import numpy as np

from ...capture.gpu import Canvas, LiveScene, Viewpoint, viewport_state
from ...core.labels import find_spots

_GRID = 200
"""pixels; a name's place is looked for in a picture about so wide"""
_SMALLEST = 12
"""pixels of the viewport; smaller things get no name"""


class RegionPicture:
    """Belongs to one region of a window. Needs a GPU context."""

    def __init__(self) -> None:
        self._canvas: Canvas | None = None
        self._drawn: tuple[object, ...] = ()
        self._named: tuple[object, ...] = ()
        self._anchors: list[tuple[int, np.ndarray]] = []
        self._named_of: tuple[object, ...] = ()
        """what was to be seen from any side when the names were looked for"""
        self._shown: tuple[object, ...] = ()

    @property
    def ids(self) -> gpu.types.GPUTexture:
        """There after ``draw``."""
        return self._canvas.ids

    @property
    def is_new(self) -> bool:
        """Whether names were never looked for."""
        return not self._named

    @property
    def names_are_due(self) -> bool:
        """Whether the names are those of another picture."""
        return self._named != self._drawn

    def draw(self, scene: LiveScene, context: bpy.types.Context) -> bool:
        """Bring the picture up to date; whether there was something to do."""
        region, space, view = context.region, context.space_data, viewpoint(context)
        state = (id(scene), scene.version, view.view.tobytes(), view.projection.tobytes(), viewport_state(space))
        if self._canvas is None or (self._canvas.width, self._canvas.height) != (region.width, region.height):
            self._canvas = Canvas(region.width, region.height)
        elif self._drawn == state:
            return False
        self._canvas.draw(scene.crowd_in(space, context.evaluated_depsgraph_get()), view)
        self._drawn, self._shown = state, (tuple(scene.things), viewport_state(space))
        if self._shown != self._named_of:  # ids may stand for other things now
            self._anchors = []
        return True

    def find_names(self, view: Viewpoint) -> None:
        """Look for the places of the names; they stay at the things until the next time."""
        ids, depth = self._canvas.read_with_depth()
        step = max(1, -(-self._canvas.width // _GRID))
        least = max(1, _SMALLEST**2 // step**2)
        spots = [one for one in find_spots(ids[step // 2 :: step, step // 2 :: step]) if one.pixels >= least]
        self._anchors = []
        for one in spots:
            y, x = step // 2 + one.row * step, step // 2 + one.column * step
            self._anchors.append((one.id, _unproject(view, x + 0.5, self._canvas.height - y - 0.5, depth[y, x])))
        self._named, self._named_of = self._drawn, self._shown

    def names(self, view: Viewpoint) -> list[tuple[int, float, float]]:
        """(id, x, y from the lower left) of the names in this view, the largest thing first."""
        if not self._anchors:
            return []
        points = np.array([point for _, point in self._anchors])
        clip = np.c_[points, np.ones(len(points))] @ (view.projection @ view.view).T
        places = []
        for (number, _), (x, y, _, w) in zip(self._anchors, clip.tolist(), strict=True):
            if w > 0 and abs(x) < w and abs(y) < w:
                places.append((number, (x / w + 1) / 2 * view.width, (y / w + 1) / 2 * view.height))
        return places

    def id_at(self, x: int, y: int) -> int:
        """The id at a pixel of the region, from the lower left; 0 for none."""
        return self._canvas.id_at(x, y) if self._canvas is not None else 0


def viewpoint(context: bpy.types.Context) -> Viewpoint:
    """How the region that is being drawn sees the scene."""
    region, data = context.region, context.region_data
    view, projection = (np.array(one, np.float64) for one in (data.view_matrix, data.window_matrix))
    return Viewpoint(view, projection, region.width, region.height, _clip_end(context))


def _clip_end(context: bpy.types.Context) -> float:
    space, data = context.space_data, context.region_data
    if not data.is_perspective:
        return np.inf
    by_camera = data.view_perspective == "CAMERA" and space.camera is not None and space.camera.type == "CAMERA"
    return space.camera.data.clip_end if by_camera else space.clip_end


def _unproject(view: Viewpoint, x: float, y: float, distance: float) -> np.ndarray:
    """World-space point at a pixel (from the lower left), ``distance`` along the axis from the eye."""
    p = view.projection
    ndc = np.array([x / view.width * 2 - 1, y / view.height * 2 - 1])
    w = distance if p[3, 2] else 1.0
    place = np.array([(ndc[axis] * w + p[axis, 2] * distance - p[axis, 3]) / p[axis, axis] for axis in (0, 1)])
    return (np.linalg.inv(view.view) @ np.array([*place, -distance, 1.0]))[:3]
