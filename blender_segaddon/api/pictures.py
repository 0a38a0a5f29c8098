"""Pictures made from maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Unpack, get_args, overload

import bpy

from ..core import preview
from ..core import styles as _styles
from ..core.maps import SceneMaps
from ..flows import asking, generating
from ..flows import picture as _picture
from ..flows.asking import ControlsLike
from ..flows.jobs import Job
from ..flows.options import GenerateOptions
from ..flows.picture import Picture, PictureLike, Recipe
from ..flows.sending import OnEvent, Purpose, Wishes
from ..protocol.errors import InvalidInput
from ..protocol.messages import Priority
from .scene_maps import capture
from .server import connection


@overload
def generate(prompt: str = "", *, wait: Literal[True] = True, **options: Unpack[GenerateOptions]) -> list[Picture]: ...
@overload
def generate(prompt: str = "", *, wait: Literal[False], **options: Unpack[GenerateOptions]) -> Job[list[Picture]]: ...
def generate(  # noqa: PLR0913  # keywords, each with a default
    prompt: str = "",
    *,
    maps: SceneMaps | None = None,
    model: str | None = None,
    negative_prompt: str = "",
    seed: int | None = None,
    count: int = 1,
    best_of: int | None = None,
    image: PictureLike | None = None,
    strength: float | None = None,
    style: str = "",
    regions: Mapping[str, str] | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    controls: ControlsLike | None = None,
    region_strength: float | None = None,
    loras: Mapping[str, float] | None = None,
    draft: bool = False,
    priority: Priority | None = None,
    wait: bool = True,
) -> list[Picture] | Job[list[Picture]]:
    """Make pictures that sit exactly on the scene.

    Args:
        prompt: what the picture shows; empty: composed from what the maps show.
        maps: captured afresh when None.
        model: the generator; the no-weights "preview" when None.
        seed: 0 .. 2**32-1, by chance when None; picture k is made with seed + k.
        count: 1 .. 16 pictures.
        best_of: make this many (up to 16) and keep the ``count`` whose edges agree best with the maps, best first.
        image: a picture of the same size to start from.
        strength: 0 .. 1, how far the result may leave ``image``; 0.6 when None.
        style: name of a look, see ``styles``.
        regions: {object or class name: words}: what is told of parts of the picture, in place of their own texts.
        steps, guidance: 1 .. 150 and 0 .. 30; the model's own when None.
        controls: {"segmentation" | "depth" | "normal" | "lineart": weight or (weight, start, end)}; weights 0 .. 2,
            start and end as shares of the steps; the model's own when None.
        region_strength: 0 .. 1, how much of a region its own words have, the prompt has the rest; 0.7 when None.
        loras: {name: weight}, weights -2 .. 2.
        draft: only the first pass, at the size that the model was trained on, enlarged.
        priority: "interactive" goes before "batch" at the server; None: batch in background mode.
        wait: False returns a ``Job`` at once, whose ``result()`` gives the list.

    The generators without weights pass over what only models know (steps … draft).

    Raises:
        InvalidInput, SceneError: as the texts say. BridgeError: the server failed. Cancelled.
    """
    maps = maps or capture()
    start = None if image is None else _picture.as_picture(image).pixels
    styled, negative = asking.styled(prompt, negative_prompt, style)
    recipe = Recipe(
        maps=asking.with_texts(maps, regions) if regions else maps,
        generator=model or preview.NAME,
        prompt=styled,
        negative_prompt=negative,
        seed=generating.seed_or_any(seed),
        image=start,
        intent="change" if start is not None else "replace",
        strength=1.0 if start is None else 0.6 if strength is None else strength,
        options=asking.options(
            steps=steps,
            guidance=guidance,
            controls=controls,
            region_strength=region_strength,
            loras=loras,
            draft=draft,
        ),
        style=style,
    )
    job = begin(recipe, count, priority, best_of)
    return job.result() if wait else job


def styles() -> tuple[str, ...]:
    """Names of the looks that ``generate`` takes."""
    return tuple(_styles.load())


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


def as_picture(picture: PictureLike) -> Picture:
    """Anything that a parameter ``picture`` takes, as a Picture: its pixels are what people see.

    Raises:
        InvalidInput: another type or shape, an image without pixels, or a Render Result before the first render.
    """
    return _picture.as_picture(picture)


def forget_pictures() -> None:
    """Drop what this session knows of its pictures; the images and what stands in scenes stay."""
    _picture.forget_all()


def begin(
    recipe: Recipe,
    count: int,
    priority: Priority | None = None,
    best_of: int | None = None,
    finish: Callable[[list[Picture]], None] | None = None,
) -> Job[list[Picture]]:
    """Begin to make ``count`` pictures, the best of ``best_of``. Raises InvalidInput for what cannot be made.

    ``finish`` is called with them in the thread that asks for the result.
    """
    recipe, count = generating.checked(recipe, count if best_of is None else best_of), int(count)
    if best_of is not None and not 1 <= count <= best_of:
        raise InvalidInput(f"{count} of {best_of} pictures cannot be kept", "Give best_of at least count")
    there, purpose = connection(), _purpose(recipe, priority)

    def work(on_event: OnEvent, wishes: Wishes) -> list[Picture]:
        made = generating.make(recipe, best_of or count, there, purpose, on_event, wishes)
        return made if best_of is None else generating.best(made)[:count]

    return Job(work, finish)


def _purpose(recipe: Recipe, priority: Priority | None) -> Purpose:
    if priority not in (None, *get_args(Priority)):
        raise InvalidInput(f"Unknown priority '{priority}'", f"Choose one of: {', '.join(get_args(Priority))}")
    scene = recipe.maps.scene if recipe.maps else bpy.context.scene.name
    return Purpose(priority or ("batch" if bpy.app.background else "interactive"), bpy.data.filepath, scene)
