"""The scripting interface; the buttons call the same functions.

In Blender::

    from bl_ext.user_default.blender_segaddon import api as seg

next to the bpy wheel::

    from blender_segaddon import api as seg

and then::

    maps = seg.capture()
    picture = seg.generate("a harbour at dawn", maps=maps)[0]
    seg.project(picture)
    mask = seg.segment(picture, points=[(512, 300)])[0]
    seg.project(seg.inpaint(picture, mask, "a red brick wall")[0])

Functions block until they are done. Pictures and arrays are display-referred sRGB with row 0 at the top; a parameter
``picture`` takes a ``Picture``, a Blender image or an array H×W×3 or H×W×4 (uint8, or floats in 0..1).
Every error is a ``SegAddonError`` whose text says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Unpack, overload

import bpy
import numpy as np

from . import capture as _capture
from . import texturing
from .core import files, preview
from .core.maps import SceneMaps
from .core.naming import ClassMatch
from .flows import generating, masking, placing, updating
from .flows import picture as _picture
from .flows.generating import Connection
from .flows.jobs import Job
from .flows.masking import Mask
from .flows.options import GenerateOptions, InpaintOptions
from .flows.picture import Picture, PictureLike, Recipe
from .protocol.errors import InvalidInput, SegAddonError
from .protocol.messages import ServerInfo
from .texturing import Placement, images

__all__ = [
    "Connection",
    "Job",
    "Mask",
    "Picture",
    "Placement",
    "SceneMaps",
    "SegAddonError",
    "add_camera",
    "backdrop",
    "bake",
    "capture",
    "check_server",
    "class_of",
    "configure",
    "export_maps",
    "find_picture",
    "forget_pictures",
    "generate",
    "inpaint",
    "map_images",
    "picture_of",
    "placements",
    "project",
    "regenerate",
    "remove",
    "remove_placement",
    "segment",
    "update",
]

MaskLike = Mask | np.ndarray
Objects = Iterable[bpy.types.Object | str] | bpy.types.Object | str
"""Objects or their names; one alone needs no list."""


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


def capture(
    scene: bpy.types.Scene | None = None,
    camera: bpy.types.Object | None = None,
    size: tuple[int, int] | None = None,
    engine: str = "auto",
    *,
    vocabulary: str = "ade20k",
    background: str | None = None,
) -> SceneMaps:
    """Render the exact maps of a scene; the scene is left as it was.

    Args:
        scene: the active scene when None.
        camera: the scene's camera when None.
        size: (width, height) in pixels; the scene's render size when None.
        engine: "auto" or "cycles".
        vocabulary: "ade20k" or "coco_panoptic".
        background: class of what lies behind all objects, "" for none; the scene's setting, else "sky", when None.

    Raises:
        SceneError: no camera, or nothing visible.
        InvalidInput: an unusable size, an unknown engine, vocabulary or class.
    """
    scene = scene or bpy.context.scene
    if background is None:
        settings = getattr(scene, "segaddon", None)  # not there where the module is used without the add-on
        background = settings.background if settings else "sky"
    return _capture.capture(
        scene, camera=camera, size=size, engine=engine, vocabulary=vocabulary, background=background
    )


def class_of(one: bpy.types.Object, *, vocabulary: str = "ade20k") -> ClassMatch:
    """What a capture would take an object for, and why. Raises InvalidInput for an unknown vocabulary."""
    return _capture.class_of(one, vocabulary)


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
    job = _start(recipe, count)
    return job.result() if wait else job


def segment(
    picture: PictureLike,
    *,
    points: Sequence[tuple[float, float]] | None = None,
    labels: Sequence[int] | None = None,
    box: tuple[float, float, float, float] | None = None,
    text: str | None = None,
    objects: Objects | None = None,
) -> list[Mask]:
    """Masks of what is meant, best first. Exact: they come from the instance map of the picture.

    Give exactly one of ``points`` (with ``labels`` 1 or 0), ``box`` (x0, y0, x1, y1), ``text`` and ``objects``; pixels
    count from the top left corner.

    Raises:
        InvalidInput: none or several of them, nothing found, or a picture that was not made from a scene.
    """
    _source, maps = _picture.with_maps(picture)
    names = None if objects is None else placing.names_of(objects)
    return masking.find(maps, points=points, labels=labels, box=box, text=text, objects=names)


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
def inpaint(
    picture: PictureLike,
    mask: MaskLike,
    prompt: str,
    *,
    intent: str = "replace",
    strength: float = 1.0,
    count: int = 1,
    seed: int | None = None,
    model: str | None = None,
    wait: bool = True,
) -> list[Picture] | Job[list[Picture]]:
    """Paint what is under the mask anew; every pixel outside stays identical.

    Args:
        mask: a ``Mask``, or bool H×W of the picture's size; True is painted.
        prompt: what should be there.
        intent: "replace", "change" (keeps the structure), "remove", or "extend" (what the maps say is there).
        strength, count, seed, model, wait: as in ``generate``.

    Raises:
        InvalidInput: an empty mask, one of another size, an unknown intent.
    """
    source = _picture.as_picture(picture)
    recipe = Recipe(
        maps=source.maps,
        generator=model or preview.NAME,
        prompt=prompt,
        seed=generating.seed_or_any(seed),
        image=source.pixels,
        mask=mask.array if isinstance(mask, Mask) else np.asarray(mask),
        intent=intent,
        strength=strength,
    )
    job = _start(recipe, count)
    return job.result() if wait else job


def remove(picture: PictureLike, mask: MaskLike, *, seed: int | None = None, model: str | None = None) -> Picture:
    """Take away what is under the mask and fill it from its surroundings. Raises as ``inpaint``."""
    return inpaint(picture, mask, "", intent="remove", seed=seed, model=model)[0]


def project(
    picture: PictureLike,
    *,
    objects: Objects | None = None,
    lighting: str = "unlit",
    scene: bpy.types.Scene | None = None,
) -> Placement:
    """Put a picture on the objects that it shows, where the camera saw them; hidden surfaces keep their material.

    Args:
        picture: one that was made from maps of this scene.
        objects: only on these; on all when None.
        lighting: "unlit": the camera sees the picture as it is, and it lights nothing.

    Raises:
        InvalidInput: a picture that was not made from a scene, an unknown lighting.
        SceneError: the picture's scene or objects are gone.
    """
    names = None if objects is None else placing.names_of(objects)
    return placing.project(picture, scene, names, lighting)


def backdrop(
    picture: PictureLike,
    *,
    foreground: Objects | None = None,
    scene: bpy.types.Scene | None = None,
) -> Placement:
    """Put a picture behind everything: seen by the camera where no object is; the old world goes on lighting the scene.

    Args:
        foreground: only these stay to be seen before the picture (in Cycles); all objects when None.

    Raises: as ``project``.
    """
    return placing.backdrop(picture, scene, None if foreground is None else placing.names_of(foreground))


def placements(scene: bpy.types.Scene | None = None) -> list[Placement]:
    """What has been put into the scene, oldest first; known also after save and reload."""
    return texturing.placements(scene or bpy.context.scene)


def picture_of(placement: Placement) -> Picture | None:
    """The picture that a placement shows, with its maps; known also after save and reload.

    None where the user has deleted the placement's node group. Raises InvalidInput where what was kept is damaged.
    """
    return placing.picture_of(placement)


def find_picture(image: bpy.types.Image | None) -> Picture | None:
    """The picture behind a Blender image, with its maps; None where this session did not make it."""
    return _picture.find(image)


def forget_pictures() -> None:
    """Drop what this session knows of its pictures; the images and what stands in scenes stay."""
    _picture.forget_all()


def remove_placement(placement: Placement) -> None:
    """Take a projection or a backdrop out of the scene again, without a trace."""
    texturing.remove(placement)


def bake(
    objects: Objects,
    *,
    texels: int | None = None,
    scene: bpy.types.Scene | None = None,
) -> list[bpy.types.Image]:
    """Bake what is projected on objects into images on a new UV layer, one an object; packed into the .blend.

    Args:
        texels: width and height of each image in pixels; 1024 when None.

    Raises:
        InvalidInput: an object that is no mesh, has no faces or shares its mesh, or a silly size.
        SceneError: an object is hidden or not in the scene.
    """
    scene = scene or bpy.context.scene
    named = [placing.object_named(scene, name) for name in placing.names_of(objects)]
    return texturing.bake(scene, named, texels=1024 if texels is None else texels)


def update(placement: Placement) -> Placement:
    """After a change of layout: capture again, keep what stayed, paint again what changed, and place the result.

    Raises:
        InvalidInput: nothing is known of the placement's picture: it, or its node group, was deleted.
        SceneError: its scene or camera is gone. After any error the old picture stands as it did.
    """
    return updating.update(placement, lambda recipe: _start(recipe, 1).result()[0])


def regenerate(picture: PictureLike) -> Picture:
    """Make a picture again from all that it was asked with: same generator and machine, same pixels.

    Raises:
        InvalidInput: a picture that was not made here.
    """
    source = _picture.as_picture(picture)
    if source.recipe.generator == "import":
        raise InvalidInput("This picture was not made here", "Use a picture that generate() or inpaint() returned")
    return _start(source.recipe, 1).result()[0]


def map_images(maps: SceneMaps) -> dict[str, bpy.types.Image]:
    """The maps for the eye as Blender images "Seg semantic_map" …, replaced at each call; by their short names."""
    return {name: images.swapped_image(f"Seg {name}", pixels) for name, pixels in files.maps_images(maps).items()}


def add_camera(scene: bpy.types.Scene | None = None) -> bpy.types.Object:
    """Add a camera that frames all that renders, and make it the scene's. Raises SceneError where nothing does."""
    return _capture.add_framing_camera(scene or bpy.context.scene)


def export_maps(maps: SceneMaps, folder: str | Path) -> list[Path]:
    """Write maps.npz, legend.json, camera.json and the pictures of the four maps; returns what was written.

    Raises:
        StorageError: the folder cannot be written.
    """
    return [*files.save_maps(maps, folder), *files.save_maps_images(maps, folder)]


def _start(recipe: Recipe, count: int) -> Job[list[Picture]]:
    recipe, count = generating.checked(recipe, count), int(count)
    connection = _connection
    return Job(lambda on_event, cancelled: generating.make(recipe, count, connection, on_event, cancelled))
