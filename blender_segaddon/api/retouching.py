"""What is under a mask, painted anew."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Literal, Unpack, overload

import bpy
import numpy as np

from ..core import masks, preview
from ..core.inpainting import classical
from ..core.maps import SceneMaps
from ..flows import asking, clearing, generating, light, masking, patches, placing, rendering, storing
from ..flows import picture as _picture
from ..flows.asking import ControlsLike
from ..flows.jobs import Job
from ..flows.masking import Mask
from ..flows.options import InpaintOptions
from ..flows.picture import Picture, PictureLike, Recipe
from ..flows.storing import Storing
from ..protocol.errors import InvalidInput, MapsStale
from ..protocol.messages import Priority
from ..texturing import patching
from .kinds import MaskLike, Objects
from .pictures import begin


@overload
def inpaint(
    picture: PictureLike,
    mask: MaskLike,
    prompt: str,
    *,
    wait: Literal[True] = True,
    **options: Unpack[InpaintOptions],
) -> list[Picture]: ...
@overload
def inpaint(
    picture: PictureLike, mask: MaskLike, prompt: str, *, wait: Literal[False], **options: Unpack[InpaintOptions]
) -> Job[list[Picture]]: ...
def inpaint(  # noqa: PLR0913  # keywords, each with a default
    picture: PictureLike,
    mask: MaskLike,
    prompt: str,
    *,
    intent: str = "replace",
    strength: float = 1.0,
    softness: float = 0.0,
    count: int = 1,
    seed: int | None = None,
    maps: SceneMaps | None = None,
    model: str | None = None,
    negative_prompt: str = "",
    steps: int | None = None,
    guidance: float | None = None,
    controls: ControlsLike | None = None,
    loras: Mapping[str, float] | None = None,
    priority: Priority | None = None,
    wait: bool = True,
) -> list[Picture] | Job[list[Picture]]:
    """Paint what is under the mask anew; every pixel outside stays identical, bit for bit.

    The results are new pictures. A 32-bit picture (a float image, the Render Result) gives 32-bit pictures: the model
    gets what the artist sees and gives floats, which are made light again through the inverse of the scene's view;
    where nothing visible changed, the light stays as it was.

    Args:
        picture: as everywhere; also the image "Render Result" (read with all its bits, never rendered again) and the
            texture of an object.
        mask: a ``Mask``, or bool H×W of the picture's size; True is painted.
        prompt: what should be there.
        intent: "replace", "change" (keeps the structure), "remove", or "extend" (what the maps say is there).
        softness: 0 .. 512 pixels beyond the mask over which the result runs out into the picture; these change too.
            Models then draw the edge softly (differential diffusion), which takes 10 steps or more.
        maps: what the picture shows, where it does not know that itself (a render).
        model: "preview" when None; "classical" to remove, or to extend what has no maps.
        strength, count, seed, negative_prompt, steps, guidance, controls, loras, priority, wait: as in ``generate``.

    Raises:
        InvalidInput: an empty mask, one of another size, an unknown intent, maps of another size.
    """
    source, maps = _source(picture, maps)
    usual = classical.NAME if intent == "remove" or (intent == "extend" and maps is None) else preview.NAME
    recipe = Recipe(
        maps=maps,
        generator=model or usual,
        prompt=prompt,
        negative_prompt=negative_prompt,
        seed=generating.seed_or_any(seed),
        image=source.pixels if source.floats is None else source.floats,
        mask=_array(mask),
        intent=intent,
        strength=strength,
        softness=softness,
        options=asking.options(steps=steps, guidance=guidance, controls=controls, loras=loras),
    )
    job = _begin(picture, source, recipe, count, priority)
    return job.result() if wait else job


def remove(
    picture: PictureLike,
    mask: MaskLike | None = None,
    *,
    objects: Objects | None = None,
    maps: SceneMaps | None = None,
    seed: int | None = None,
    model: str | None = None,
    softness: float = 0.0,
) -> Picture:
    """Take something away and show what is behind it: the first picture of ``start_remove``, once it is there."""
    job = start_remove(picture, mask, objects=objects, maps=maps, seed=seed, model=model, softness=softness)
    return job.result()[0]


def start_remove(
    picture: PictureLike,
    mask: MaskLike | None = None,
    *,
    objects: Objects | None = None,
    maps: SceneMaps | None = None,
    seed: int | None = None,
    count: int = 1,
    model: str | None = None,
    softness: float = 0.0,
) -> Job[list[Picture]]:
    """Take something away and show what is behind it.

    While the scene is still as it was in the picture, what is behind the objects is captured from it; else it is
    guessed from the picture's maps, or from the picture alone.

    Args:
        mask: what goes; every pixel outside stays identical. Or:
        objects: these go, with the two pixels around them in which a render mixes them with what is behind.
        maps, seed, model, softness: as in ``inpaint``; without a model the surroundings are continued ("classical").

    Raises:
        InvalidInput: as ``inpaint``; neither or both of mask and objects.
    """
    if (mask is None) == (objects is None):
        raise InvalidInput("remove() needs to know what goes", "Give either a mask or objects")
    source, maps = _source(picture, maps)
    if objects is not None:
        if maps is None:
            text = "This picture was not made from a scene, so its objects are not known"
            raise InvalidInput(text, "Give its maps, or a mask")
        mask = masking.from_objects(maps, placing.names_of(objects))[0]
        area = masks.dilate(mask.array, _EDGE)
    else:
        area = _array(mask)
    cleared = None
    if maps is not None and isinstance(mask, Mask) and mask.ids:
        cleared = clearing.maps_without(maps, clearing.objects_under(maps, mask.ids), area)
    recipe = Recipe(
        maps=cleared or maps,
        generator=model or classical.NAME,
        seed=generating.seed_or_any(seed),
        image=source.pixels if source.floats is None else source.floats,
        mask=area,
        intent="remove",
        softness=softness,
        after=cleared is not None,
    )
    return _begin(picture, source, recipe, count, None)


def extend(
    picture: PictureLike,
    *,
    left: int = 0,
    right: int = 0,
    top: int = 0,
    bottom: int = 0,
    prompt: str = "",
    seed: int | None = None,
    model: str | None = None,
) -> Picture:
    """A larger picture around this one: what ``start_extend`` gives, once it is there."""
    margins = {"left": left, "right": right, "top": top, "bottom": bottom}
    return start_extend(picture, **margins, prompt=prompt, seed=seed, model=model).result()[0]


def start_extend(
    picture: PictureLike,
    *,
    left: int = 0,
    right: int = 0,
    top: int = 0,
    bottom: int = 0,
    prompt: str = "",
    seed: int | None = None,
    model: str | None = None,
) -> Job[list[Picture]]:
    """Begin a larger picture around this one, whose own pixels stay identical.

    Args:
        left, right, top, bottom: new pixels at each side.
        prompt, seed, model: as in ``inpaint``; without a model the picture is continued ("classical").

    Raises:
        InvalidInput: nothing to add, or less than nothing.
    """
    margins = (top, bottom), (left, right)
    if min(*margins[0], *margins[1]) < 0 or not any((left, right, top, bottom)):
        raise InvalidInput("extend() needs to know how far", "Give left, right, top or bottom in pixels")
    old, _maps = _source(picture, None)
    wider = _picture.padded(old, margins)
    recipe = Recipe(
        maps=None,
        generator=model or classical.NAME,
        prompt=prompt,
        seed=generating.seed_or_any(seed),
        image=wider.pixels if wider.floats is None else wider.floats,
        mask=np.pad(np.zeros(old.pixels.shape[:2], bool), margins, constant_values=True),
        intent="extend",
    )
    return _begin(picture, wider, recipe, 1, None)


def accept(picture: Picture | bpy.types.Image) -> bpy.types.Image:
    """Keep a picture for good, as it is now (also what was painted on its image): its image, which is there after save
    and reload.

    Beside the .blend as ``//<name>_seg/<title>_v001.png`` (.exr for 32 bits), or as the preferences say; packed while
    the file has not been saved.

    Raises:
        StorageError: the file cannot be written; the picture stays as it was.
    """
    image = picture.image if isinstance(picture, Picture) else picture
    storing.store(image, _storing)
    return image


def patch_render(result: bpy.types.Image, mask: MaskLike, *, scene: bpy.types.Scene | None = None) -> bpy.types.Image:
    """Have every render of a scene show what was retouched of the last one: a patch in the compositor, where the mask
    is; what was patched before stays. Exact: elsewhere nothing changes, and alpha does not either.

    Args:
        result: the 32-bit image of a picture that was made of the Render Result.

    Returns:
        The patch: scene-linear RGBA, the mask as alpha; kept as ``accept`` keeps pictures.

    Raises:
        InvalidInput: another image or mask. StorageError: its file cannot be written; the patch is in the compositor.
    """
    patch = patches.make(scene or bpy.context.scene, result, _array(mask))
    storing.store(patch, _storing)
    return patch


def render_patch(scene: bpy.types.Scene | None = None) -> bpy.types.Image | None:
    """The patch that a scene's renders get, None where there is none."""
    return patching.patch_of(scene or bpy.context.scene)


def set_render_patch(patch: bpy.types.Image | None, *, scene: bpy.types.Scene | None = None) -> None:
    """Give a scene's renders another patch that ``patch_render`` made; None: none, without a trace."""
    patching.set_patch(scene or bpy.context.scene, patch)


def history(image: bpy.types.Image) -> list[bpy.types.Image]:
    """The images from the first to this one, each made from the one before; known also after save and reload."""
    return storing.history(image)


def configure_storing(where: Storing) -> None:
    """Say where accepted pictures are kept; the preferences call this."""
    global _storing  # noqa: PLW0603  # one add-on, one set of preferences
    _storing = where


_storing = Storing()
_EDGE = 2
"""Pixels around an object that a render's filter mixes it into."""


def _source(picture: PictureLike, maps: SceneMaps | None) -> tuple[Picture, SceneMaps | None]:
    """The picture and what it shows."""
    source = _picture.as_picture(picture)
    maps = maps or source.maps
    if maps is None and isinstance(picture, bpy.types.Image) and picture.type == "RENDER_RESULT":
        with contextlib.suppress(MapsStale):  # it was rendered without
            maps = rendering.maps_of(picture, "")
    return source, maps


def _array(mask: MaskLike | None) -> np.ndarray:
    return mask.array if isinstance(mask, Mask) else np.asarray(mask)


def _begin(
    picture: PictureLike, source: Picture, recipe: Recipe, count: int, priority: Priority | None
) -> Job[list[Picture]]:
    """Begin; the pictures know what they were made from, and are light again where that was light."""
    parent = storing.mark(picture) if isinstance(picture, bpy.types.Image) else source.token
    begun_in = bpy.context.scene.name

    def finish(made: list[Picture]) -> None:
        for one in made:
            one.parent = parent
            if source.light is not None and source.floats is not None and one.floats is not None:
                scene = bpy.data.scenes.get(begun_in) or bpy.context.scene
                one.light = light.relit(source.light, source.floats, one.floats, scene)

    return begin(recipe, count, priority, finish=finish, alpha=source.alpha)
