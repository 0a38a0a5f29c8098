"""Masks out of the scene: what a click, a box, a word or a name means on a picture that was made from maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..core import masks, vocabulary
from ..core.maps import BACKGROUND, Instance, SceneMaps
from ..protocol.errors import InvalidInput

_BOX_MINIMUM = 0.25
"""An instance is offered for a box when box and visible part overlap by this much (intersection over union)."""


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


def from_objects(maps: SceneMaps, names: Iterable[str]) -> list[Mask]:
    """One mask for all instances of the named objects (or of the named instancers).

    Raises:
        InvalidInput: a name that is not visible in the picture.
    """
    wanted = list(names)
    visible = {one.object for one in maps.instances} | {one.instancer for one in maps.instances if one.instancer}
    for name in wanted:
        if name not in visible:
            raise InvalidInput(f"Object '{name}' is not visible in this picture", _choices(sorted(visible)))
    chosen = [one for one in maps.instances if one.object in wanted or one.instancer in wanted]
    return [_mask(maps, chosen, 1.0)]


def from_points(
    maps: SceneMaps, points: Sequence[tuple[float, float]], labels: Sequence[int] | None = None
) -> list[Mask]:
    """What stands under the positive points, without what stands under the negative ones.

    Args:
        points: (x, y) in pixels from the top left corner.
        labels: 1 for a thing that is meant, 0 for one that is not; all 1 when None.

    Returns:
        All clicked things as one mask first, then each of them alone where there are several.

    Raises:
        InvalidInput: a point outside the picture, labels that do not fit, or only background under the points.
    """
    labels = [1] * len(points) if labels is None else list(labels)
    if len(labels) != len(points) or not set(labels) <= {0, 1} or 1 not in labels:
        raise InvalidInput("Labels do not fit the points", "Give one label a point, 1 or 0, and at least one 1")
    hits = [_id_at(maps, point) for point in points]
    refused = {hit for hit, label in zip(hits, labels, strict=True) if label == 0}
    ids = sorted({hit for hit, label in zip(hits, labels, strict=True) if label == 1} - refused)
    if not ids:
        raise InvalidInput("There is nothing under the positive points alone", "Click on the thing itself")
    if ids == [BACKGROUND]:
        return [Mask(maps.instance_map == BACKGROUND, 1.0, maps.background or "background", (BACKGROUND,))]
    things = [maps.instance(id) for id in ids if id != BACKGROUND]
    together = [_mask(maps, things, 1.0)]
    return together if len(things) == 1 else together + [_mask(maps, [one], 1.0) for one in things]


def from_box(maps: SceneMaps, box: tuple[float, float, float, float]) -> list[Mask]:
    """Instances that fill the box, best first; the score is the intersection over union of box and visible part.

    Args:
        box: (x0, y0, x1, y1) in pixels from the top left corner.

    Raises:
        InvalidInput: an empty box, or one that nothing fills.
    """
    x0, y0, x1, y1 = (round(value) for value in box)
    x0, x1 = np.clip([x0, x1], 0, maps.width)
    y0, y1 = np.clip([y0, y1], 0, maps.height)
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


def from_text(maps: SceneMaps, text: str) -> list[Mask]:
    """Everything of a class, or whose name or free text holds the word: all of it first, then each, largest first.

    Raises:
        InvalidInput: nothing of that kind is visible.
    """
    word = text.strip().lower()
    found = vocabulary.load(maps.vocabulary).find(word)
    chosen = [
        one
        for one in maps.instances
        if word and ((found and one.class_id == found.id) or word in one.object.lower() or word in one.text.lower())
    ]
    if not chosen:
        names = sorted({one.class_name for one in maps.instances if one.class_name})
        raise InvalidInput(f"Nothing in this picture is a '{text}'", _choices(names))
    chosen.sort(key=lambda one: -one.pixels)
    together = [_mask(maps, chosen, 1.0)]
    return together if len(chosen) == 1 else together + [_mask(maps, [one], 1.0) for one in chosen]


def _mask(maps: SceneMaps, things: Sequence[Instance], score: float) -> Mask:
    ids = tuple(one.id for one in things)
    label = ", ".join(dict.fromkeys(one.object for one in things))
    return Mask(masks.from_ids(maps.instance_map, ids), score, label, ids)


def _id_at(maps: SceneMaps, point: tuple[float, float]) -> int:
    x, y = int(np.floor(point[0])), int(np.floor(point[1]))
    if not (0 <= x < maps.width and 0 <= y < maps.height):
        raise InvalidInput(
            f"The point {tuple(point)} lies outside the picture", f"It has {maps.width}×{maps.height} pixels"
        )
    return int(maps.instance_map[y, x])


def _choices(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"Choose one of: {shown}{', …' if len(names) > 8 else ''}" if names else "Capture the scene again"
