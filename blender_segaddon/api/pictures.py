"""The bridge server, and pictures made from maps."""

from __future__ import annotations

from typing import Literal, Unpack, overload

import bpy

from ..core import preview
from ..core.maps import SceneMaps
from ..flows import generating
from ..flows import picture as _picture
from ..flows.generating import Connection
from ..flows.jobs import Job
from ..flows.options import GenerateOptions
from ..flows.picture import Picture, PictureLike, Recipe
from ..protocol.errors import InvalidInput
from ..protocol.messages import ServerInfo
from .scene_maps import capture

DEFAULT_CONNECTION = Connection(end_with_us=bpy.app.background)
"""The server is found or started by itself; one that a script started ends with the script."""

_connection = DEFAULT_CONNECTION


def configure(connection: Connection) -> None:
    """Say where the bridge server is; the preferences call this. Without it, it is found or started by itself."""
    global _connection  # noqa: PLW0603  # one add-on, one set of preferences
    _connection = connection


def check_server() -> ServerInfo | None:
    """Ask the bridge server what it is; it is started when it does not run. None where pictures are painted here.

    Raises:
        BridgeError: it cannot be started or does not answer; the text says why.
    """
    return generating.server_info(_connection)


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
    job = begin(recipe, count)
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


def begin(recipe: Recipe, count: int) -> Job[list[Picture]]:
    """Begin to make ``count`` pictures. Raises InvalidInput for a recipe that cannot be made."""
    recipe, count = generating.checked(recipe, count), int(count)
    connection = _connection
    return Job(lambda on_event, cancelled: generating.make(recipe, count, connection, on_event, cancelled))
