"""Soft mattes: how much of each pixel each instance covers, by the lens, the shutter and the filter of the render.

One render of a picture k times as wide and high with one sample a pixel: each of its pixels is one ray through a point
of the film, of the lens and of the shutter's time, and shows one instance exactly. So the scene is built once for all
samples, and no ids are ever averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import bpy
import numpy as np

from ..core import vocabulary as vocabularies
from ..core.coverage import gather, pixel_filter
from ..core.maps import Instance, SceneMaps
from ..protocol.errors import InvalidInput
from .cycles import FAR, Session, bands, session
from .evidence import EvidenceReader
from .instances import Row, Runs
from .parts import Sorter
from .scene_maps import MAX_SIZE, describe, layer_name
from .shot import View
from .writer import FACE_PASS, INDEX_PASS, KEY_PASS, MATERIAL_PASS, NORMAL_PASS

MOST_SAMPLES = 1024
_AT_ONCE = 1 << 24
"""Samples of one render with motion blur: about 1 GB of Blender's and Cycles' buffers."""


def add_coverage(
    maps: SceneMaps,
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    *,
    samples: int,
    view_layer: bpy.types.ViewLayer | str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SceneMaps:
    """The maps with ``coverage``: depth of field, motion blur and pixel filter are those of the scene's render.

    Ids stay what they are. What only blurred edges show follows after them, without a pixel in ``instance_map``.

    Args:
        maps: of this scene's current frame through ``camera``, by ``capture``.
        samples: rays a pixel, 4..1024; rounded up to a square number.

    Raises: as ``capture``; InvalidInput also for a picture that is too large for so many samples.
    """
    factor = math.isqrt(check_samples(samples, maps.split) - 1) + 1
    size = (maps.width * factor, maps.height * factor)
    if max(size) > 4 * MAX_SIZE:
        raise InvalidInput(f"{samples} samples of {maps.width}×{maps.height} pixels are too many", "Use fewer samples")
    view = View(scene, layer_name(scene, view_layer), camera, size, cancelled)
    rows, shown = _moving(view) if scene.render.use_motion_blur else _still(view)
    maps, ids = _numbered(maps, rows, shown)
    return replace(maps, coverage=gather(ids[shown + 1], factor, _filter_of(scene, factor)))


def check_samples(samples: int, split: str = "object") -> int:
    """``samples`` if so many can be taken of maps that are split so, else InvalidInput."""
    if split != "object":
        raise InvalidInput(f"Coverage cannot be split by {split}", "Capture it with split='object'")
    if not isinstance(samples, (int, np.integer)) or not 4 <= samples <= MOST_SAMPLES:
        raise InvalidInput(f"Coverage cannot be made of {samples} samples", f"Use 4 to {MOST_SAMPLES}; 16 is a start")
    return int(samples)


def _still(view: View) -> tuple[list[Row], np.ndarray]:
    """(all instances, which of them each sample shows: int32 H×W, -1 where nothing is seen). Built once."""
    shown = np.empty(view.size[::-1], np.int32)
    with session(view, sharp=False) as opened:
        _set_soft(opened, view)
        for top, lines in bands(view.size):
            view.check_cancelled()
            shown[top : top + lines] = _rows_shown(opened.render(top, lines), opened.rows)
        return opened.rows, shown


def _moving(view: View) -> tuple[list[Row], np.ndarray]:
    """As ``_still``. Blender goes to other frames while it reads what moves, so nothing can be kept between bands."""
    shown, rows = np.empty(view.size[::-1], np.int32), []
    width, height = view.size
    step = max(_AT_ONCE // width, 1)
    for top in range(0, height, step):
        view.check_cancelled()
        with session(view, once=True, sharp=False) as opened:
            _set_soft(opened, view)
            opened.copy.scene.render.use_motion_blur = True
            opened.copy.scene.render.use_persistent_data = False
            shown[top : top + step] = _rows_shown(opened.render(top, min(step, height - top)), opened.rows)
            rows = opened.rows
    return rows, shown


def _set_soft(opened: Session, view: View) -> None:
    opened.begin(view)
    scene = opened.copy.scene
    # Neighbours differ in lens and time: half the noise of Sobol's numbers, as measured at 16 and 64 samples.
    scene.cycles.sampling_pattern = "BLUE_NOISE"
    aovs = scene.view_layers[opened.copy.view_layer].aovs
    for name in (NORMAL_PASS, MATERIAL_PASS, FACE_PASS):
        aovs.remove(aovs[name])


def _rows_shown(passes: dict[str, np.ndarray], rows: list[Row]) -> np.ndarray:
    """Which row each sample shows: int32 H×W, -1 where nothing is seen.

    By Object Index and Random alone: the place of what moves is another one in every sample. Only where two rows
    share both does the place decide, the nearest one.
    """
    code = np.stack([passes[KEY_PASS][..., 0], passes[INDEX_PASS][..., 0]], axis=-1)
    code[passes["Depth"][..., 0] >= FAR] = -1
    runs = Runs.of(code.view(np.uint32))
    known = np.array([(row.key[0], row.index) for row in rows], np.float32).reshape(-1, 2)
    names, first, count = np.unique(_words(known), return_index=True, return_counts=True)
    wanted = _words(code.reshape(-1, 2)[runs.start])
    place = np.minimum(np.searchsorted(names, wanted), max(len(names) - 1, 0))
    found = np.where(names[place] == wanted, first[place], -1).astype(np.int32) if len(names) else -1 + 0 * place
    shown = np.repeat(found.astype(np.int32), runs.length).reshape(code.shape[:2])
    for shared in names[count > 1]:
        _nearest(shown, passes[KEY_PASS], rows, np.flatnonzero(_words(known) == shared))
    return shown


def _nearest(shown: np.ndarray, keys: np.ndarray, rows: list[Row], candidates: np.ndarray) -> None:
    """Set samples that show one of the candidates to that which is nearest to the place that they saw."""
    where = shown == candidates[0]
    places = np.array([rows[index].key[1:] for index in candidates], np.float32)
    distance = np.linalg.norm(keys[where][:, None, 1:3] - places, axis=-1)
    shown[where] = candidates[np.argmin(distance, axis=1)]


def _words(pairs: np.ndarray) -> np.ndarray:
    """uint64 N: the bits of float32 N×2."""
    return np.ascontiguousarray(pairs).view(np.uint64)[:, 0]


def _numbered(maps: SceneMaps, rows: list[Row], shown: np.ndarray) -> tuple[SceneMaps, np.ndarray]:
    """The maps with all instances that are shown, and a table: index in ``rows`` + 1 → id (uint32)."""
    known = {_identity(one): one.id for one in maps.instances}
    ids = np.array([0, *(known.get(row.order, 0) for row in rows)], np.uint32)
    seen = np.bincount(shown.ravel() + 1, minlength=len(ids)) > 0
    new = [index - 1 for index in np.flatnonzero(seen & (ids == 0)) if index > 0]
    if not new:
        return maps, ids
    sorter = Sorter(EvidenceReader(), vocabularies.load(maps.vocabulary), maps.split)
    things = [sorter.whole(rows[index]) for index in new]
    nothing = np.zeros((len(new) + 1, 4), np.int64)
    described = describe(things, nothing[:, 0], nothing, 1, maps.camera)
    more = [replace(one, id=len(known) + one.id) for one in described]
    ids[np.array(new) + 1] = [one.id for one in more]
    return replace(maps, instances=(*maps.instances, *more)), ids


def _identity(one: Instance) -> tuple[str, str, str, tuple[int, ...]]:
    """As ``Row.order``."""
    return one.instancer, one.object, one.library, one.persistent_id


def _filter_of(scene: bpy.types.Scene, factor: int) -> np.ndarray:
    """The pixel filter of the scene's own render engine; EEVEE's is Cycles' usual one."""
    if scene.render.engine == "CYCLES":
        return pixel_filter(scene.cycles.pixel_filter_type, scene.cycles.filter_width, factor)
    return pixel_filter("BLACKMAN_HARRIS", scene.render.filter_size, factor)
