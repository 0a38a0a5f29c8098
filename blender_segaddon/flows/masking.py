"""Masks out of the scene: what a click, a box, a word or a name means on a picture that was made from maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..core import masks, vocabulary
from ..core.maps import BACKGROUND, Instance, SceneMaps
from ..core.seen import Seen
from ..core.words import split
from ..protocol.errors import InvalidInput

_BOX_MINIMUM = 0.25
"""An instance is offered for a box when box and visible part overlap by this much (intersection over union)."""


Known = SceneMaps | Seen
"""What knows the objects of a picture."""
SCENE = "scene"
"""The source of masks that come from the maps: exact, and no model."""


@dataclass(frozen=True, eq=False)
class Trace:
    """Where a segmenter's mask comes from: what it takes to go on from it."""

    segmenter: str
    image: str
    """SHA-256 of the picture's pixels"""
    window: tuple[int, int, int, int]
    """(x0, y0, x1, y1) of the part of the picture that was looked at"""
    logits: np.ndarray | None = None
    """float32 S×S, the mask as the network draws it; None for a segmenter that has none"""


@dataclass(frozen=True, eq=False)
class Mask:
    """What of a picture is meant."""

    array: np.ndarray
    """bool H×W, row 0 at the top"""
    score: float
    """0 .. 1; 1 for what the instance map knows exactly"""
    label: str
    """object names, for people"""
    ids: tuple[int, ...] = ()
    """values in the instance map"""
    source: str = SCENE
    """what made it: "scene", or the name of a segmenter ("classical" is no model)"""
    trace: Trace | None = None
    """of a segmenter's mask"""


def find(
    maps: Known,
    *,
    points: Sequence[tuple[float, float]] | None = None,
    labels: Sequence[int] | None = None,
    box: tuple[float, float, float, float] | None = None,
    text: str | None = None,
    objects: Sequence[str] | None = None,
) -> list[Mask]:
    """Masks by the one of ``points``, ``box``, ``text`` and ``objects`` that is given; see ``api.segment``."""
    if sum(given is not None for given in (points, box, text, objects)) != 1:
        raise InvalidInput("segment() needs to know what is meant", "Give one of points, box, text and objects")
    if points is not None:
        return from_points(maps, points, labels)
    if box is not None:
        return from_box(maps, box)
    if text is not None:
        return from_text(maps, text)
    return from_objects(maps, objects or ())


def everything(maps: Known) -> list[Mask]:
    """Every visible instance, the largest first."""
    return [_mask(maps, [one], 1.0) for one in sorted(maps.instances, key=lambda one: -one.pixels)]


def from_objects(maps: Known, names: Iterable[str]) -> list[Mask]:
    """One mask for all instances of the named objects (or of the named instancers).

    Raises:
        InvalidInput: a name that is not visible in the picture.
    """
    wanted = list(names)
    if not wanted:
        raise InvalidInput("No object was named", "Name at least one object")
    visible = {one.object for one in maps.instances} | {one.instancer for one in maps.instances if one.instancer}
    for name in wanted:
        if name not in visible:
            raise InvalidInput(f"Object '{name}' is not visible in this picture", _choices(sorted(visible)))
    chosen = [one for one in maps.instances if one.object in wanted or one.instancer in wanted]
    return [_mask(maps, chosen, 1.0)]


def from_points(maps: Known, points: Sequence[tuple[float, float]], labels: Sequence[int] | None = None) -> list[Mask]:
    """What stands under the positive points, without what stands under the negative ones.

    Args:
        points: (x, y) in pixels from the top left corner.
        labels: 1 for a thing that is meant, 0 for one that is not; all 1 when None.

    Returns:
        All clicked things as one mask first, then each of them alone where there are several.

    Raises:
        InvalidInput: a point outside the picture, labels that do not fit, or nothing left under the positive points.
    """
    points = _numbers(points, 2, "A point is (x, y)")
    labels = [1] * len(points) if labels is None else list(labels)
    if len(labels) != len(points) or not set(labels) <= {0, 1} or 1 not in labels:
        raise InvalidInput("Labels do not fit the points", "Give one label a point, 1 or 0, and at least one 1")
    hits = [_id_at(maps, point) for point in points]
    refused = {hit for hit, label in zip(hits, labels, strict=True) if label == 0}
    ids = sorted({hit for hit, label in zip(hits, labels, strict=True) if label == 1} - refused)
    if not ids:
        raise InvalidInput("There is nothing under the positive points alone", "Click on the thing itself")
    together = [_of_ids(maps, ids, 1.0)]
    return together if len(ids) == 1 else together + [_of_ids(maps, [one], 1.0) for one in ids]


def from_box(maps: Known, box: tuple[float, float, float, float]) -> list[Mask]:
    """Instances that fill the box, best first; the score is the intersection over union of box and visible part.

    Args:
        box: (x0, y0, x1, y1) in pixels from the top left corner.

    Raises:
        InvalidInput: an empty box, or one that nothing fills.
    """
    ((x0, y0, x1, y1),) = np.rint(_numbers([box], 4, "A box is (x0, y0, x1, y1)"))
    x0, x1 = np.clip([x0, x1], 0, maps.width).astype(int)
    y0, y1 = np.clip([y0, y1], 0, maps.height).astype(int)
    if x0 >= x1 or y0 >= y1:
        raise InvalidInput(f"The box {tuple(box)} is empty", "Give (x0, y0, x1, y1) inside the picture")
    inside = np.bincount(maps.instance_map[y0:y1, x0:x1].ravel(), minlength=len(maps.instances) + 1)
    scored = []
    for one in maps.instances:
        bx0, by0, bx1, by1 = one.bbox
        common = max(0, min(x1, bx1) - max(x0, bx0)) * max(0, min(y1, by1) - max(y0, by0))
        union = (x1 - x0) * (y1 - y0) + (bx1 - bx0) * (by1 - by0) - common
        score = common / union * inside[one.id] / one.pixels
        if score >= _BOX_MINIMUM:
            scored.append((float(score), one))
    if not scored:
        raise InvalidInput("No object fills this box", "Draw the box tightly around one object")
    return [_mask(maps, [one], score) for score, one in sorted(scored, key=lambda pair: -pair[0])]


def from_text(maps: Known, text: str) -> list[Mask]:
    """Everything of a class, or whose name or free text holds the words: all of it first, then each, largest first.

    Whole words count: "car" is in "Red_Car.001", not in "Scarf".

    Raises:
        InvalidInput: nothing of that kind is visible.
    """
    found = vocabulary.load(maps.vocabulary).find(text)
    chosen = [
        one
        for one in maps.instances
        if (found and one.class_id == found.id) or _says(one.object, text) or _says(one.text, text)
    ]
    if not chosen:
        names = sorted({one.class_name for one in maps.instances if one.class_name})
        raise InvalidInput(f"Nothing in this picture is a '{text}'", _choices(names))
    chosen.sort(key=lambda one: -one.pixels)
    together = [_mask(maps, chosen, 1.0)]
    return together if len(chosen) == 1 else together + [_mask(maps, [one], 1.0) for one in chosen]


def _says(name: str, text: str) -> bool:
    """Whether the words of ``text`` stand one after the other in a name."""
    if name.strip().casefold() == text.strip().casefold() != "":
        return True
    wanted, words = split(text), split(name)
    if not wanted:  # a script without the capitals and spaces that part words
        return bool(text.strip()) and text.strip().casefold() in name.casefold()
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def _mask(maps: Known, things: Sequence[Instance], score: float) -> Mask:
    return _of_ids(maps, [one.id for one in things], score)


def _of_ids(maps: Known, ids: Sequence[int], score: float) -> Mask:
    behind = maps.background or "background"
    names = [behind if one == BACKGROUND else maps.instance(one).object for one in ids]
    return Mask(_pixels_of(maps, ids), score, ", ".join(dict.fromkeys(names)), tuple(ids))


def _pixels_of(maps: Known, ids: Sequence[int]) -> np.ndarray:
    """bool H×W. Looks only where the instances are: a click on a large picture is answered at once."""
    if BACKGROUND in ids:
        return masks.from_ids(maps.instance_map, ids)
    boxes = np.array([maps.instance(one).bbox for one in ids])
    (x0, y0), (x1, y1) = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    mask = np.zeros(maps.instance_map.shape, bool)
    mask[y0:y1, x0:x1] = masks.from_ids(maps.instance_map[y0:y1, x0:x1], ids)
    return mask


def checked_points(points: Sequence[Sequence[float]] | None) -> list[tuple[float, float]]:
    """(x, y) each, none for None. Raises InvalidInput for what are no points."""
    if points is None or len(points) == 0:
        return []
    return [(x, y) for x, y in _numbers(points, 2, "A point is (x, y)").tolist()]


def checked_box(box: Sequence[float] | None) -> tuple[float, ...] | None:
    """(x0, y0, x1, y1), None for None. Raises InvalidInput for what is no box."""
    return None if box is None else tuple(_numbers([box], 4, "A box is (x0, y0, x1, y1)")[0].tolist())


def _numbers(rows: Sequence[Sequence[float]], width: int, what: str) -> np.ndarray:
    """float64 N×width. Raises InvalidInput where the rows are of another length or hold no finite numbers."""
    try:
        numbers = np.asarray(rows, np.float64).reshape(len(rows), -1)
    except (TypeError, ValueError):
        numbers = np.zeros((1, 0))
    if len(numbers) and (numbers.shape[1] != width or not np.isfinite(numbers).all()):
        raise InvalidInput(f"{what} of numbers, in pixels from the top left corner", "Check the numbers")
    return numbers


def _id_at(maps: Known, point: np.ndarray) -> int:
    x, y = np.floor(point)
    if not (0 <= x < maps.width and 0 <= y < maps.height):
        raise InvalidInput(
            f"The point ({point[0]:g}, {point[1]:g}) lies outside the picture",
            f"It has {maps.width}×{maps.height} pixels",
        )
    return int(maps.instance_map[int(y), int(x)])


def _choices(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"Choose one of: {shown}{', …' if len(names) > 8 else ''}" if names else "Capture the scene again"
