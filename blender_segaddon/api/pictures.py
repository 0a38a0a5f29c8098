"""Pictures made from maps."""

from __future__ import annotations

from typing import Literal, Unpack, get_args, overload

import bpy

from ..core import preview
from ..core.maps import SceneMaps
from ..flows import generating
from ..flows import picture as _picture
from ..flows.jobs import Job
from ..flows.options import GenerateOptions
from ..flows.picture import Picture, PictureLike, Recipe
from ..flows.sending import Purpose
from ..protocol.errors import InvalidInput
from ..protocol.messages import Priority
from .scene_maps import capture
from .server import connection


@overload
def generate(prompt: str = "", *, wait: Literal[True] = True, **options: Unpack[GenerateOptions]) -> list[Picture]: ...
@overload
def generate(prompt: str = "", *, wait: Literal[False], **options: Unpack[GenerateOptions]) -> Job[list[Picture]]: ...
def generate(
    prompt: str = "",
    *,
    maps: SceneMaps | None = None,
    model: str | None = None,
    negative_prompt: str = "",
    seed: int | None = None,
    count: int = 1,
    image: PictureLike | None = None,
    strength: float | None = None,
    priority: Priority | None = None,
    wait: bool = True,
) -> list[Picture] | Job[list[Picture]]:
    """Make pictures that sit exactly on the scene.

    Args:
        prompt: what the picture shows; may be empty.
        maps: captured afresh when None.
        model: the generator; the no-weights "preview" when None.
        seed: 0 .. 2**32-1, by chance when None; picture k is made with seed + k.
        count: 1 .. 16 pictures.
        image: a picture of the same size to start from.
        strength: 0 .. 1, how far the result may leave ``image``; 0.6 when None.
        priority: "interactive" goes before "batch" at the server; None: batch in background mode.
        wait: False returns a ``Job`` at once, whose ``result()`` gives the list.

    Raises:
        InvalidInput, SceneError: as the texts say. BridgeError: the server failed. Cancelled.
    """
    maps = maps or capture()
    start = None if image is None else _picture.as_picture(image).pixels
    recipe = Recipe(
        maps=maps,
        generator=model or preview.NAME,
        prompt=prompt,
        negative_prompt=negative_prompt,
        seed=generating.seed_or_any(seed),
        image=start,
        intent="change" if start is not None else "replace",
        strength=1.0 if start is None else 0.6 if strength is None else strength,
    )
    job = begin(recipe, count, priority)
    return job.result() if wait else job


def regenerate(picture: PictureLike) -> Picture:
    """Make a picture again from all that it was asked with: same generator and machine, same pixels.

    Raises:
        InvalidInput: a picture that was not made here.
    """
    source = _picture.as_picture(picture)
    if source.recipe.generator == "import":
        raise InvalidInput("This picture was not made here", "Use a picture that generate() or inpaint() returned")
    return begin(source.recipe, 1).result()[0]


def find_picture(image: bpy.types.Image | None) -> Picture | None:
    """The picture behind a Blender image, with its maps; None where this session did not make it."""
    return _picture.find(image)


def forget_pictures() -> None:
    """Drop what this session knows of its pictures; the images and what stands in scenes stay."""
    _picture.forget_all()


def begin(recipe: Recipe, count: int, priority: Priority | None = None) -> Job[list[Picture]]:
    """Begin to make ``count`` pictures. Raises InvalidInput for a recipe that cannot be made."""
    recipe, count = generating.checked(recipe, count), int(count)
    there, purpose = connection(), _purpose(recipe, priority)
    return Job(lambda on_event, wishes: generating.make(recipe, count, there, purpose, on_event, wishes))


def _purpose(recipe: Recipe, priority: Priority | None) -> Purpose:
    if priority not in (None, *get_args(Priority)):
        raise InvalidInput(f"Unknown priority '{priority}'", f"Choose one of: {', '.join(get_args(Priority))}")
    scene = recipe.maps.scene if recipe.maps else bpy.context.scene.name
    return Purpose(priority or ("batch" if bpy.app.background else "interactive"), bpy.data.filepath, scene)
