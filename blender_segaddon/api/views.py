"""Several views of one scene."""

from __future__ import annotations

import bpy

from ..core import preview
from ..core.maps import SceneMaps
from ..flows import generating, placing, suggesting
from ..flows import picture as _picture
from ..flows import views as _views
from ..flows.errands import Errand, Task, carried_out
from ..flows.jobs import Job
from ..flows.picture import Picture, PictureLike, Recipe
from ..flows.views import Coverage
from ..texturing import Placement, images
from .pictures import begin
from .scene_maps import capture, look_at


def coverage(
    camera: bpy.types.Object | None = None,
    *,
    scene: bpy.types.Scene | None = None,
    size: tuple[int, int] | None = None,
    maps: SceneMaps | None = None,
) -> Coverage:
    """What of a view the projected pictures cover: ``.share`` (0..1), ``.covered`` (bool H×W), ``.heat`` (a picture).

    Args:
        camera: the scene's own when None.
        maps: what the camera sees, captured at ``size`` when None.

    Raises: as ``capture``.
    """
    scene = scene or bpy.context.scene
    maps = maps or capture(scene, camera, _size(scene, size))
    return _views.coverage(maps, [view for _, view in placing.views(scene)])


def coverage_image(found: Coverage) -> bpy.types.Image:
    """The heat picture of a coverage as the Blender image "Seg Coverage", replaced at each call."""
    return images.swapped_image("Seg Coverage", found.heat)


def suggest_cameras(count: int = 1, *, scene: bpy.types.Scene | None = None) -> list[bpy.types.Object]:
    """Add cameras that see most of what no picture covers yet, best first; fewer where little is left.

    They have the lens of the scene's camera and are called "Seg View 1" …; the scene keeps its own camera.

    Raises:
        InvalidInput: not 1 to 16 cameras.
        SceneError: the scene has no camera, or it sees nothing.
    """
    return carried_out(_suggest(count, scene), made)


def start_suggest_cameras(count: int = 1, *, scene: bpy.types.Scene | None = None) -> Errand[list[bpy.types.Object]]:
    """As ``suggest_cameras``, begun and not waited for: ask its ``done()`` from a timer, then ``result()``."""
    return Errand(_suggest(count, scene), begin_one)


def _suggest(count: int, scene: bpy.types.Scene | None) -> Task[list[bpy.types.Object]]:
    scene = scene or bpy.context.scene
    return suggesting.suggest_cameras(scene.name, count, [view for _, view in placing.views(scene)])


def next_view(
    camera: bpy.types.Object | None = None,
    prompt: str = "",
    *,
    scene: bpy.types.Scene | None = None,
    size: tuple[int, int] | None = None,
    maps: SceneMaps | None = None,
    model: str | None = None,
    negative_prompt: str = "",
    seed: int | None = None,
    refine: bool = True,
) -> Placement:
    """Paint what another camera sees and no picture covers yet, and put it on the objects beside the other views.

    What is known is carried into the new view exactly and stays; where views overlap, each counts by how many of its
    pixels lie on the surface.

    Args:
        camera: the scene's own when None.
        prompt: empty: that of the last view.
        size: (width, height) in pixels; that of the last view when None, else the scene's.
        maps: of the camera; captured when None.
        model, negative_prompt, seed: as in ``generate``; those of the last view when not given: with its seed, what is
            new looks most like what is there.
        refine: also paint finer, changing little, what this camera sees much sharper than the pictures show it.

    Raises:
        InvalidInput, SceneError, BridgeError, Cancelled: as ``generate`` and ``project``; the scene stays as it was.
    """
    given = {"size": size, "maps": maps, "model": model, "negative_prompt": negative_prompt, "seed": seed}
    return carried_out(_next_view(camera, prompt, scene, refine=refine, **given), made)


def start_next_view(
    camera: bpy.types.Object | None = None,
    prompt: str = "",
    *,
    scene: bpy.types.Scene | None = None,
    size: tuple[int, int] | None = None,
    model: str | None = None,
    negative_prompt: str = "",
    seed: int | None = None,
    refine: bool = True,
) -> Errand[Placement]:
    """As ``next_view``, begun and not waited for: ask its ``done()`` from a timer, then ``result()``."""
    given = {"size": size, "maps": None, "model": model, "negative_prompt": negative_prompt, "seed": seed}
    return Errand(_next_view(camera, prompt, scene, refine=refine, **given), begin_one)


def _next_view(
    camera: bpy.types.Object | None,
    prompt: str,
    scene: bpy.types.Scene | None,
    *,
    size: tuple[int, int] | None,
    maps: SceneMaps | None,
    model: str | None,
    negative_prompt: str,
    seed: int | None,
    refine: bool,
) -> Task[Placement]:
    scene = scene or bpy.context.scene
    standing = [one for one, _ in placing.views(scene)]
    last = placing.picture_of(standing[-1]) if standing else None
    before = last.recipe if last else Recipe(maps=None)
    recipe = Recipe(
        maps=maps,
        generator=model or (before.generator if before.generator != "import" else preview.NAME),
        prompt=prompt or before.prompt,
        negative_prompt=negative_prompt or before.negative_prompt,
        seed=before.seed if seed is None and last else generating.seed_or_any(seed),
        options=before.options,
        style=before.style,
    )
    return _views.next_view(scene.name, recipe, look_at(scene, camera, _size(scene, size)), refine=refine)


def replace_view(placement: Placement, picture: PictureLike, *, follow: bool = True) -> list[Placement]:
    """Put another picture (of the same maps, or newer ones) in the place of a view.

    Args:
        follow: later views that were painted on from it are painted again, with their own prompts and seeds.

    Returns: this view and those after it, as they are now.

    Raises:
        InvalidInput: the view is not in the scene, or the picture was not made from one. After any error all is as
            before.
    """
    source, _ = _picture.with_maps(picture)
    return carried_out(_views.replace_view(placement, source, follow=follow), made)


def repaint_view(placement: Placement, prompt: str | None = None, *, seed: int | None = None) -> list[Placement]:
    """Paint a view again as it was asked for, with another prompt or seed, and put it in its place.

    Returns and raises as ``replace_view``.
    """
    return carried_out(_views.repaint_view(placement, prompt, generating.seed_or_any(seed)), made)


def start_repaint_view(
    placement: Placement, prompt: str | None = None, *, seed: int | None = None
) -> Errand[list[Placement]]:
    """As ``repaint_view``, begun and not waited for: ask its ``done()`` from a timer, then ``result()``."""
    return Errand(_views.repaint_view(placement, prompt, generating.seed_or_any(seed)), begin_one)


def begin_one(recipe: Recipe) -> Job[list[Picture]]:
    """One picture, not waited for."""
    return begin(recipe, 1)


def made(recipe: Recipe) -> Picture:
    """One picture; blocks."""
    return begin_one(recipe).result()[0]


def _size(scene: bpy.types.Scene, size: tuple[int, int] | None) -> tuple[int, int] | None:
    """The asked size; else that of the last view, so that pictures of one scene are alike."""
    standing = placing.views(scene)
    if size is not None or not standing:
        return size
    maps = standing[-1][1].maps
    return maps.width, maps.height
