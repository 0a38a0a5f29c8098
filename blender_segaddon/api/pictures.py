"""Pictures made from maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Unpack, get_args, overload

import bpy
import numpy as np

from ..core import preview
from ..core import styles as _styles
from ..core.maps import SceneMaps
from ..core.png import read_text, write_png
from ..flows import again, asking, generating, preparing, showing
from ..flows import picture as _picture
from ..flows.asking import ControlsLike
from ..flows.jobs import Job
from ..flows.options import GenerateOptions, VariationOptions
from ..flows.picture import Picture, PictureLike, Recipe
from ..flows.sending import OnEvent, Purpose, Wishes
from ..flows.showing import ReferenceLike
from ..protocol.errors import InvalidInput
from ..protocol.messages import Priority
from . import handlers
from .scene_maps import capture
from .server import connection

_RECORD = "segaddon"
"""Keyword of the text in a PNG file that holds the record, as JSON."""


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
    references: Iterable[ReferenceLike] = (),
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
        references: up to 4 pictures of what things should look like; a ``Reference`` says how much, and for what.
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
        references=showing.shown(references, maps),
    )
    job = begin(recipe, count, priority, best_of)
    if wait and generating.is_elsewhere(recipe):
        _prepare(recipe.maps or maps, job)
    return job.result() if wait else job


def _prepare(maps: SceneMaps, job: Job[list[Picture]]) -> None:
    """What a projection will need, while a server works at the picture."""
    try:
        preparing.prepare(maps, job.done)
    except KeyboardInterrupt:
        job.cancel()


@overload
def variation(
    picture: PictureLike, amount: float = 0.5, *, wait: Literal[True] = True, **options: Unpack[VariationOptions]
) -> list[Picture]: ...
@overload
def variation(
    picture: PictureLike, amount: float = 0.5, *, wait: Literal[False], **options: Unpack[VariationOptions]
) -> Job[list[Picture]]: ...
def variation(
    picture: PictureLike,
    amount: float = 0.5,
    *,
    count: int = 1,
    seed: int | None = None,
    priority: Priority | None = None,
    wait: bool = True,
) -> list[Picture] | Job[list[Picture]]:
    """Pictures near one that was generated: asked for with the same words, maps and options, started from it.

    Args:
        picture: one that this session made.
        amount: 0 .. 1, how far they may leave it.
        count, seed, priority, wait: as in ``generate``.

    Raises:
        InvalidInput: a picture that was not made here.
    """
    source = _picture.as_picture(picture)
    if source.recipe.generator == "import":
        raise InvalidInput("This picture was not made here", "Give it to generate() as its image")
    seeded, near = generating.seed_or_any(seed), {"image": source.pixels, "mask": None, "intent": "change"}
    job = begin(replace(source.recipe, seed=seeded, strength=amount, **near), count, priority)
    return job.result() if wait else job


def styles() -> tuple[str, ...]:
    """Names of the looks that ``generate`` takes."""
    return tuple(_styles.load())


def regenerate(picture: PictureLike | str | Path, *, maps: SceneMaps | None = None) -> Picture:
    """Make a picture again from all that it was asked with.

    On the same machine with the same versions the pixels are the same. Its ``meta["again"]`` says "identical", or
    "approximate" and what is different.

    Args:
        picture: one that was generated; also in an earlier session, by its Blender image or by a PNG file of ``save``:
            the record in it is enough, with the scene.
        maps: for a picture of an earlier session; captured afresh when None.

    Raises:
        InvalidInput: a picture that was not made here, or one that began with other pictures in an earlier session.
    """
    source = _as_recorded(picture)
    if source.recipe.generator == "import":
        record = source.metadata
        if not record:
            raise InvalidInput("This picture was not made here", "Use a picture that generate() or inpaint() returned")
        maps = maps or capture(size=(int(record["width"]), int(record["height"])))
        source = replace(source, recipe=again.recipe_of(record, maps))
    return again.judged(begin(source.recipe, 1).result()[0], source)


def save(picture: PictureLike, path: str | Path) -> None:
    """Write a picture as PNG, with the record of how it was made as text in it.

    Raises:
        StorageError: the file cannot be written.
    """
    source = _picture.as_picture(picture)
    words = {} if source.recipe.generator == "import" else {_RECORD: json.dumps(source.meta, ensure_ascii=False)}
    write_png(path, source.pixels if source.alpha is None else source.array, words)


def record_of(picture: PictureLike | str | Path) -> dict[str, Any]:
    """How a picture was made: of a Picture, a Blender image (of any session) or a PNG file of ``save``; {} for others.

    Raises:
        InvalidInput: the file is no PNG file. StorageError: it cannot be read.
    """
    if isinstance(picture, (str, Path)):
        return json.loads(read_text(picture).get(_RECORD, "{}"))
    if isinstance(picture, bpy.types.Image):
        return _picture.record_of(picture) or {}
    source = _picture.as_picture(picture)
    return {} if source.recipe.generator == "import" else source.meta


def _as_recorded(picture: PictureLike | str | Path) -> Picture:
    """The picture; one of an earlier session with its record as its metadata."""
    if isinstance(picture, (str, Path)):
        loaded = bpy.data.images.load(str(picture))
        try:
            source = _picture.as_picture(loaded)
        finally:
            bpy.data.images.remove(loaded)
    else:
        source = _picture.as_picture(picture)
    known = source.recipe.generator != "import" or isinstance(picture, (Picture, np.ndarray))
    return source if known else Picture(source.pixels, source.recipe, record_of(picture))


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
    alpha: np.ndarray | None = None,
) -> Job[list[Picture]]:
    """Begin to make ``count`` pictures, the best of ``best_of``. Raises InvalidInput for what cannot be made.

    ``finish`` is called with them in the thread that asks for the result; ``alpha`` (uint8 H×W) is what they get, as
    ``Picture.alpha``.
    """
    recipe, count = generating.checked(recipe, count if best_of is None else best_of), int(count)
    if best_of is not None and not 1 <= count <= best_of:
        raise InvalidInput(f"{count} of {best_of} pictures cannot be kept", "Give best_of at least count")
    there, purpose = connection(), _purpose(recipe, priority)

    def work(on_event: OnEvent, wishes: Wishes) -> list[Picture]:
        made = generating.make(recipe, best_of or count, there, purpose, on_event, wishes)
        kept = made if best_of is None else generating.best(made)[:count]
        for picture in kept:
            picture.alpha = alpha
            picture.prepare()  # here, since Blender's thread waits for nothing
        return kept

    def tell(made: list[Picture]) -> None:
        if finish is not None:
            finish(made)
        handlers.tell(handlers.generated, made)

    return Job(work, tell)


def _purpose(recipe: Recipe, priority: Priority | None) -> Purpose:
    if priority not in (None, *get_args(Priority)):
        raise InvalidInput(f"Unknown priority '{priority}'", f"Choose one of: {', '.join(get_args(Priority))}")
    scene = recipe.maps.scene if recipe.maps else bpy.context.scene.name
    return Purpose(priority or ("batch" if bpy.app.background else "interactive"), bpy.data.filepath, scene)
