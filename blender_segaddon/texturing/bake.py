"""What is projected, written into textures: each texel asks the views for its own point, no render is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..core import texels as texel_work
from ..protocol.errors import InvalidInput, SceneError
from . import fitting, sheets, uv_layers
from .blending import View, blended
from .carrying import Lookup
from .projector import GAMMA
from .sheets import Sheet
from .uv_layers import UV_LAYER

BUDGET = 4096 * 4096
"""Texels of all images together, when nobody says otherwise."""
_FINEST = 4.0
"""Texels on a length for one pixel of the picture, at most: more shows nothing more."""
_MARGIN = 4
"""Texels that each chart is grown by, so that filtering finds no seams."""


@dataclass(frozen=True)
class PlannedBake:
    """What a bake would do to one object."""

    object: str
    mesh: str
    pixels: int
    """that the pictures show of it"""
    texels: int
    """about how many it would get"""
    copies_mesh: str
    """Path of the library that the mesh is linked from: the object would get a local copy of it; "" where not."""


@dataclass(frozen=True, eq=False)
class Baked:
    """The texture of one object."""

    object: bpy.types.Object
    light: np.ndarray
    """float32 H×W×3, scene-linear, row 0 at the top"""
    layer: str
    """name of the UV layer"""
    seen: float
    """share of the texels that a picture shows; the others are made from their neighbours, 0..1"""


def plan(objects: Sequence[bpy.types.Object], views: Sequence[View], budget: int = BUDGET) -> list[PlannedBake]:
    """What a bake of these objects would do; nothing is changed. Raises as ``bake_steps``."""
    check(objects, budget)
    shown = {one.name: _pixels(one, views) for one in objects}
    total = max(1, sum(shown.values()))
    return [
        PlannedBake(
            one.name,
            one.data.name,
            shown[one.name],
            int(min(budget * shown[one.name] / total, shown[one.name] * _FINEST**2)),
            one.data.library.filepath if one.data.library else "",
        )
        for one in objects
    ]


def bake_steps(
    scene: bpy.types.Scene,
    objects: Sequence[bpy.types.Object],
    views: Sequence[View],
    *,
    budget: int = BUDGET,
    layer: str | None = None,
    local_copies: bool = False,
    own_meshes: bool = False,
) -> Iterator[Baked]:
    """Bake objects one after the other. What the views do not show is made from what they show near it.

    Args:
        views: with pixels that are light to the power of 1/GAMMA, oldest first.
        budget: texels of all images together; each object gets them by the pixels that the views have of it.
        layer: a UV layer of the user's to bake into; None: the new layer "Seg Bake", others stay as they are. It is
            numbered where textures of objects that share a mesh, and are not baked now, lie by the one that is there.
        local_copies: give objects with linked meshes local ones.
        own_meshes: give objects that share a mesh one each: then none has texels for what only others show.

    Raises:
        InvalidInput: no objects, no meshes, linked ones, no picture on one, a layer that cannot be used, no budget.
    """
    check(objects, budget)
    before = [(one, one.data) for one in objects]
    _localise(objects, local_copies, own_meshes)
    lookups = [(view.lookup(follow=True), view.blend) for view in views]
    layers: dict[bpy.types.Mesh, tuple[str, np.ndarray | None]] = {}
    try:
        laid = _sheets(scene, objects, [one for one, _ in lookups], layer, layers)
        scale = _scale(laid, budget)
        for sheet in laid:
            sheet.lay_out(scale)
        for sheet in laid:
            for one, size in zip(sheet.objects, sheet.image_sizes(scale), strict=True):
                yield _baked(scene, one, sheet, size, lookups)
    except BaseException:
        for mesh, (name, uvs) in layers.items():
            if uvs is not None:  # an earlier bake goes by them
                mesh.uv_layers[name].uv.foreach_set("vector", uvs)
            elif name in mesh.uv_layers:
                mesh.uv_layers.remove(mesh.uv_layers[name])
        for one, mesh in before:
            copy, one.data = one.data, mesh
            if copy != mesh and copy.users == 0:
                bpy.data.meshes.remove(copy)
        raise


def check(objects: Sequence[bpy.types.Object], budget: int) -> None:
    """Raises InvalidInput for what cannot be baked."""
    if not 256 <= budget <= 16384 * 16384:
        raise InvalidInput(f"{budget} texels cannot be baked", "Choose 256 to 268435456")
    if not objects:
        raise InvalidInput("There is nothing to bake", "Name at least one object")
    for one in objects:
        if one.type != "MESH" or not one.data.polygons:
            raise InvalidInput(f"'{one.name}' has no faces to bake", "Choose meshes, or convert it to one")
        if one.mode == "EDIT":
            raise InvalidInput(f"'{one.name}' is in edit mode", "Leave edit mode and bake again")


def _localise(objects: Sequence[bpy.types.Object], local_copies: bool, own_meshes: bool) -> None:
    for one in objects:
        if one.library is not None:
            raise InvalidInput(f"'{one.name}' is linked from a library", "Project a picture on it, or make it local")
        if one.data.library is not None and not local_copies:
            raise InvalidInput(
                f"The mesh of '{one.name}' is linked from {one.data.library.filepath}",
                "Allow local copies: the object gets one, the library stays as it is",
            )
    copies: dict[bpy.types.Mesh, bpy.types.Mesh] = {}
    for one in objects:
        if one.data.library is not None:
            copies[one.data] = copies.get(one.data) or one.data.copy()
            one.data = copies[one.data]
    for one in objects:
        if own_meshes and one.data.users > 1:
            one.data = one.data.copy()


def _sheets(
    scene: bpy.types.Scene,
    objects: Sequence[bpy.types.Object],
    lookups: Sequence[Lookup],
    layer: str | None,
    layers: dict[bpy.types.Mesh, tuple[str, np.ndarray | None]],
) -> list[Sheet]:
    """``layers`` takes the names of the layers made here and what they hold now, None for those that are new."""
    by_mesh: dict[bpy.types.Mesh, list[bpy.types.Object]] = {}
    for one in objects:
        by_mesh.setdefault(one.data, []).append(one)
    laid = []
    for mesh, owners in by_mesh.items():
        if layer is not None and layer != UV_LAYER:
            laid.append(sheets.own_sheet(mesh, owners, layer, lookups, scene))
            continue
        name = uv_layers.free_name(mesh, owners)
        layers[mesh] = (name, uv_layers.read(mesh, name))
        laid.append(sheets.new_sheet(mesh, owners, name, lookups, scene))
    return laid


def _scale(laid: Sequence[Sheet], budget: int) -> float:
    """Texels a pixel, on a length, with which all images together stay within the budget."""

    def total(scale: float) -> int:
        return sum(int(np.prod(size)) for sheet in laid for size in sheet.image_sizes(scale))

    low, high = 0.0, _FINEST
    if total(high) <= budget:
        return high
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if total(middle) <= budget else (low, middle)
    return max(low, 1e-3)


def _baked(
    scene: bpy.types.Scene,
    one: bpy.types.Object,
    sheet: Sheet,
    size: tuple[int, int],
    lookups: Sequence[tuple[Lookup, bool]],
) -> Baked:
    triangles = sheets.triangles_of(one, sheets.graph_of(scene), sheet.layer)
    thing = sheets.thing_of(one)
    found, points = triangles.points(size, thing)
    if not found.at.size:
        raise SceneError(f"'{one.name}' has no surface to bake", "Check its modifiers")
    shown = blended(lookups, points)
    colours = texel_work.spread(points.position, shown.colour, shown.seen)
    light = np.zeros((size[1] * size[0], 3), np.float32)
    light[found.at] = colours ** np.float32(GAMMA)
    known = np.zeros(size[0] * size[1], bool)
    known[found.at] = True
    nearby = texel_work.with_margin(known.reshape(size[1], size[0]), _MARGIN)
    light = light[np.where(nearby < 0, 0, nearby)]
    surface = fitting.Surface(triangles, size, found, points.position, thing)
    light = fitting.fitted(light, surface, lookups, shown.seen)
    return Baked(one, light, sheet.layer, float(shown.seen.mean()))


def _pixels(one: bpy.types.Object, views: Sequence[View]) -> int:
    name = sheets.thing_of(one).object
    return (
        max(
            (sum(seen.pixels for seen in view.maps.instances if seen.object == name and not seen.instancer))
            for view in views
        )
        if views
        else 0
    )
