"""Several views of one scene: how much each counts where others see the same point, and what they show together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core.maps import SceneMaps
from .carrying import Carried, Lookup, Points, own_weight
from .projector import GAMMA


@dataclass(frozen=True, eq=False)
class View:
    """A picture that stands on a scene."""

    pixels: np.ndarray
    """H×W×C of the maps' size"""
    maps: SceneMaps
    objects: Collection[str] | None = None
    """names of those that take it; None: all"""
    blend: bool = True
    """it shares its surfaces with earlier views by weight; else it covers them"""

    def lookup(self, follow: bool = False) -> Lookup:
        return Lookup(self.pixels, self.maps, self.objects, follow=follow)


@dataclass(frozen=True, eq=False)
class Blend:
    """What several views say of N points together."""

    colour: np.ndarray
    """float32 N×C; 0 where not seen"""
    weight: np.ndarray
    """float32 N: sum of the views' weights; 0 where no view sees the point"""
    density: np.ndarray
    """float32 N: pixels per scene unit of the view that shows it best; 0 where not seen"""
    share: np.ndarray
    """float32 N: the largest of the views' ``Carried.share``"""

    @property
    def seen(self) -> np.ndarray:
        """bool N"""
        return self.weight > 0


def blended(lookups: Sequence[tuple[Lookup, bool]], points: Points) -> Blend:
    """What the views show of points, as the shader mixes them: as light.

    Args:
        lookups: (lookup, ``View.blend``), oldest first; of pictures in display-referred numbers.
    """
    count = len(points.position)
    total: Blend | None = None
    for lookup, blend in lookups:
        found = lookup.ask(points)
        total = _added(total, found, blend)
    if total is None:
        return Blend(np.zeros((count, 3), np.float32), *(np.zeros(count, np.float32) for _ in range(3)))
    colour = np.zeros_like(total.colour)
    seen = total.seen
    colour[seen] = (total.colour[seen] / total.weight[seen, None]) ** np.float32(1 / GAMMA)
    return replace(total, colour=colour)


def share(maps: SceneMaps, earlier: Sequence[View]) -> np.ndarray:
    """float32 H×W, 0..1: how much of the surface the view of ``maps`` takes at its pixels from the views before it.

    1 where no other view sees the point: then the shader, which lays one view over the other, shows the weighted mean
    of all.
    """
    own = own_weight(maps)
    points = Points.of_maps(maps)
    others = blended([(one.lookup(), one.blend) for one in earlier], points)
    result = np.ones(own.shape, np.float32)
    where = maps.instance_map > 0
    mine = own[where]
    result[where] = mine / np.maximum(mine + others.weight, 1e-30)
    return result


def _added(total: Blend | None, found: Carried, blend: bool) -> Blend:
    own = Blend(found.colour ** np.float32(GAMMA) * found.weight[:, None], found.weight, found.density, found.share)
    if total is None:
        return own
    if blend:
        return Blend(
            total.colour + own.colour,
            total.weight + own.weight,
            np.maximum(total.density, own.density),
            np.maximum(total.share, own.share),
        )
    over = found.seen
    return Blend(
        np.where(over[:, None], own.colour, total.colour),
        np.where(over, own.weight, total.weight),
        np.where(over, own.density, total.density),
        np.where(over, own.share, total.share),
    )
