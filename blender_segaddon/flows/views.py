"""Several views of one scene: what is painted already, what the next has to paint, and views that follow others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from .. import texturing
from ..core import masks
from ..core.maps import BACKGROUND, SceneMaps
from ..protocol.errors import InvalidInput
from ..texturing import Placement, Points, View
from . import keeping, placing
from .errands import Look, Task
from .picture import Picture, Recipe

KEEP, REFINE, NEW = 0, 1, 2
"""Values of a trimap: painted well enough; painted, but seen much better now; not painted."""
_BETTER = 2.5
"""A view that has so many times the pixels on a length of the surface is worth painting it finer."""
_REFINE_STRENGTH = 0.35
"""How far finer paint may leave what is there."""
_SURE = 0.98
"""Share of the texels around a point that must be of its surface to keep its colour as it is."""
_SEAM = 1
"""Pixels that new paint reaches over what is known: the outermost known ones are mixed with what is beside them."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """What of a view is painted already."""

    maps: SceneMaps
    known: np.ndarray
    """uint8 H×W×3: what the projected pictures show; 0 where none does"""
    covered: np.ndarray
    """bool H×W: surfaces that a picture is on"""
    sure: np.ndarray
    """bool H×W: covered, and not at the very edge of what a picture saw, where its colours are only extended"""
    sharpness: np.ndarray
    """float32 H×W: pixels of the best picture for one pixel of this view, along a length; 0 where not covered"""

    @property
    def share(self) -> float:
        """0..1 of the surfaces in sight, by pixels; 1 where there are none."""
        surface = self.maps.instance_map != BACKGROUND
        return float(self.covered[surface].mean()) if surface.any() else 1.0

    @property
    def trimap(self) -> np.ndarray:
        """uint8 H×W of ``KEEP``, ``REFINE`` and ``NEW``. What lies behind all objects is ``NEW``."""
        result = np.where(self.sure, np.uint8(KEEP), np.uint8(NEW))
        result[self.sure & (self.sharpness < 1 / _BETTER)] = REFINE
        seam = masks.dilate(result == NEW, _SEAM) & (result != NEW)
        result[seam] = NEW
        return result

    @property
    def heat(self) -> np.ndarray:
        """uint8 H×W×3 for the eye: red not covered, yellow covered coarsely, green as sharp as this view; sky dark."""
        good = np.clip(self.sharpness, 0, 1)[..., None]
        colour = (1 - good) * np.array((235.0, 190.0, 40.0)) + good * np.array((50.0, 170.0, 80.0))
        colour = np.where(self.covered[..., None], colour, np.array((205.0, 50.0, 50.0)))
        facing = np.abs(self.maps.normal[..., 2:3])
        colour = np.where((self.maps.instance_map != BACKGROUND)[..., None], colour * (0.55 + 0.45 * facing), 28.0)
        return np.rint(colour).astype(np.uint8)


def coverage(maps: SceneMaps, views: Sequence[View], *, follow: bool = False) -> Coverage:
    """What ``views`` (oldest first) show of what ``maps`` see; ``follow`` as in ``texturing.Lookup``."""
    surface = maps.instance_map != BACKGROUND
    found = texturing.blended([(one.lookup(follow), one.blend) for one in views], Points.of_maps(maps))
    known = np.zeros((*surface.shape, 3), np.uint8)
    known[surface] = np.rint(np.clip(found.colour, 0, 255)).astype(np.uint8)
    covered, sure = np.zeros(surface.shape, bool), np.zeros(surface.shape, bool)
    covered[surface], sure[surface] = found.seen, found.share > _SURE
    sharpness = np.zeros(surface.shape, np.float32)
    own = texturing.pixels_per_unit(maps.camera, maps.depth[surface].astype(np.float64))
    sharpness[surface] = found.density / own
    return Coverage(maps, known, covered, sure, sharpness)


def painted(found: Coverage, recipe: Recipe, *, refine: bool = True) -> Task[Picture]:
    """The whole view: what is known stays, the rest is painted as ``recipe`` says, what is too coarse is painted finer.

    Args:
        recipe: prompt, seed, generator …; its maps, image and mask are set here.
    """
    trimap = found.trimap
    new, coarse = trimap == NEW, trimap == REFINE
    recipe = replace(recipe, maps=found.maps)
    picture = Picture(found.known, replace(recipe, image=found.known))
    if not found.covered.any():
        return (yield replace(recipe, image=None, mask=None, intent="replace", strength=1.0))
    if new.any():
        picture = yield replace(recipe, image=found.known, mask=new, intent="extend", strength=1.0)
    if refine and coarse.any():
        picture = yield replace(recipe, image=picture.pixels, mask=coarse, intent="change", strength=_REFINE_STRENGTH)
    return Picture(picture.pixels, picture.recipe, picture.metadata)


def next_view(scene: str, recipe: Recipe, look: Look | None = None, *, refine: bool = True) -> Task[Placement]:
    """Paint what the pictures on the scene leave bare in ``recipe.maps``, and put the view beside them.

    Args:
        scene: its name.
        look: gives the maps where the recipe has none.
    """
    maps = recipe.maps
    if maps is None and look is not None:
        maps = yield look
    if maps is None:
        raise InvalidInput("Nothing is known of this view", "Capture its maps first")
    known = [view for _, view in placing.views(placing.scene_named(scene))]
    found = yield partial(coverage, maps, known)
    picture = yield from painted(found, recipe, refine=refine)
    yield partial(keeping.packed_maps, maps)
    standing = [view for _, view in placing.views(placing.scene_named(scene))]
    share = yield partial(texturing.share, maps, standing)
    return placing.project(picture, placing.scene_named(scene), blend=True, share=share)


def replace_view(placement: Placement, picture: Picture, *, follow: bool = True) -> Task[list[Placement]]:
    """Put ``picture`` in the place of a view's own; later views that were painted on from it are painted again.

    All is painted before anything in the scene changes. Gives the placements from this one on, as they are now.
    """
    if picture.maps is None:
        raise InvalidInput("This picture was not made from a scene", "Use one made from the maps of the view")
    fresh = {placement.name: picture}
    _standing_from(placement)
    if not placing.stacks(placement):
        return [placing.swapped(placement, picture)]
    if follow and placement.kind == "projection":
        fresh |= yield from _followers(placement, picture)
    for one in fresh.values():
        yield partial(keeping.packed_maps, one.maps)
    return _restacked(_standing_from(placement), fresh)


def _standing_from(placement: Placement) -> list[Placement]:
    """What stands on the scene from a placement on. Raises InvalidInput where that is gone."""
    standing = texturing.placements(placing.scene_of(placement))
    names = [one.name for one in standing]
    if placement.name not in names:
        raise InvalidInput(f"'{placement.name}' is not in scene '{placement.scene}'", "Choose one that is")
    return [one for one in standing[names.index(placement.name) :] if one == placement or placing.stacks(one)]


def _followers(first: Placement, picture: Picture) -> Task[dict[str, Picture]]:
    """New pictures of the blended views after ``first``, by the names of their placements."""
    fresh: dict[str, Picture] = {}
    before: list[View] = []
    reached = False
    for one, view in placing.views(placing.scene_of(first)):
        source = picture if one.name == first.name else placing.picture_of(one)
        if reached and one.blend and source is not None and source.recipe.image is not None:
            found = yield partial(coverage, view.maps, list(before))
            source = fresh[one.name] = yield from painted(found, source.recipe)
        reached = reached or one.name == first.name
        if source is not None and source.maps is not None:
            before.append(View(source.pixels, source.maps, one.objects, one.blend))
    return fresh


def _restacked(standing: Sequence[Placement], fresh: dict[str, Picture]) -> list[Placement]:
    """Take placements out and put them back in their order, those in ``fresh`` with their new pictures.

    Where one cannot be put back, all stand with their old pictures again.
    """
    known = [(one, picture) for one in standing if (picture := placing.picture_of(one)) is not None]
    for one, _ in known:
        texturing.remove(one)
    placed: list[Placement] = []
    try:
        for one, picture in known:
            placed.append(put(one, fresh.get(one.name, picture)))
    except BaseException:
        for one in placed:
            texturing.remove(one)
        for one, picture in known:
            put(one, picture)
        raise
    return placed


def put(one: Placement, picture: Picture) -> Placement:
    """Put a picture where a placement was, hidden where that was hidden."""
    again = placing.again(one, picture)
    return again if one.shown else texturing.show(again, False)


def repaint_view(placement: Placement, prompt: str | None, seed: int) -> Task[list[Placement]]:
    """Paint a view as it was asked for, with another prompt (None: the same) and seed, and put it in its place."""
    source = placing.picture_of(placement)
    if source is None or source.maps is None or source.recipe.generator == "import":
        raise InvalidInput(f"The picture of '{placement.name}' was not made here", "Generate one and replace the view")
    recipe = replace(source.recipe, seed=seed)
    picture = yield recipe if prompt is None else replace(recipe, prompt=prompt)
    return (yield from replace_view(placement, picture))
