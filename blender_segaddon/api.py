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

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypedDict, Unpack, overload

import bpy
import numpy as np

from . import capture as _capture
from . import texturing
from .core import files, preview
from .core.maps import SceneMaps
from .core.naming import ClassMatch
from .flows import generating, masking, updating
from .flows import picture as _picture
from .flows.generating import Connection
from .flows.jobs import Job
from .flows.masking import Mask
from .flows.picture import Picture, Recipe
from .protocol.errors import InvalidInput, SceneError, SegAddonError
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

PictureLike = Picture | bpy.types.Image | np.ndarray
MaskLike = Mask | np.ndarray


class GenerateOptions(TypedDict, total=False):
    """Keyword arguments of ``generate``, for type checkers only."""

    maps: SceneMaps | None
    model: str | None
    negative_prompt: str
    seed: int | None
    count: int
    image: PictureLike | None
    strength: float | None


class InpaintOptions(TypedDict, total=False):
    """Keyword arguments of ``inpaint``, for type checkers only."""

    intent: str
    strength: float
    count: int
    seed: int | None
    model: str | None


_connection = Connection()
_placed: dict[str, str] = {}
"""Placement's name → key of the picture that it shows. Removed placements stay: undo brings them back."""


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
    start = None if image is None else _fitting(_picture.as_picture(image), maps)
    recipe = Recipe(
        maps=maps,
        generator=model or preview.NAME,
        prompt=prompt,
        negative_prompt=negative_prompt,
        seed=_seed(seed),
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
    objects: Iterable[str | bpy.types.Object] | None = None,
) -> list[Mask]:
    """Masks of what is meant, best first. Exact: they come from the instance map of the picture.

    Give exactly one of ``points`` (with ``labels`` 1 or 0), ``box`` (x0, y0, x1, y1), ``text`` and ``objects``; pixels
    count from the top left corner.

    Raises:
        InvalidInput: none or several of them, nothing found, or a picture that was not made from a scene.
    """
    _source, maps = _with_maps(picture)
    if sum(given is not None for given in (points, box, text, objects)) != 1:
        raise InvalidInput("segment() needs to know what is meant", "Give one of points, box, text and objects")
    if points is not None:
        return masking.from_points(maps, points, labels)
    if box is not None:
        return masking.from_box(maps, box)
    if text is not None:
        return masking.from_text(maps, text)
    return masking.from_objects(maps, [one if isinstance(one, str) else one.name for one in objects or ()])


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
        intent: "replace", "change" (keeps the structure) or "remove".
        strength, count, seed, model, wait: as in ``generate``.

    Raises:
        InvalidInput: an empty mask, one of another size, an unknown intent.
    """
    if intent not in ("replace", "change", "remove", "extend"):
        raise InvalidInput(f"Unknown intent '{intent}'", "Choose one of: replace, change, remove, extend")
    source = _picture.as_picture(picture)
    recipe = Recipe(
        maps=source.maps,
        generator=model or preview.NAME,
        prompt=prompt,
        seed=_seed(seed),
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
    objects: Iterable[bpy.types.Object | str] | None = None,
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
    source, maps = _with_maps(picture)
    scene = _scene_of(maps, scene)
    names = None if objects is None else [one if isinstance(one, str) else one.name for one in objects]
    linear = texturing.to_scene_linear(source.pixels, scene).pixels
    placement = texturing.project(scene, linear, maps, objects=names, lighting=lighting, name=_short_name(source))
    _placed[placement.name] = source.key
    return placement


def backdrop(picture: PictureLike, *, scene: bpy.types.Scene | None = None) -> Placement:
    """Put a picture behind everything: seen by the camera where no object is; the old world goes on lighting the scene.

    Raises: as ``project``.
    """
    source, maps = _with_maps(picture)
    scene = _scene_of(maps, scene)
    linear = texturing.to_scene_linear(source.pixels, scene).pixels
    placement = texturing.backdrop(scene, linear, maps, name=_short_name(source))
    _placed[placement.name] = source.key
    return placement


def placements(scene: bpy.types.Scene | None = None) -> list[Placement]:
    """What has been put into the scene, oldest first; known also after save and reload."""
    return texturing.placements(scene or bpy.context.scene)


def picture_of(placement: Placement) -> Picture | None:
    """The picture that a placement shows, None when it was made in another session."""
    return _picture.recall(_placed.get(placement.name, ""))


def find_picture(image: bpy.types.Image | None) -> Picture | None:
    """The picture behind a Blender image, with its maps; None where this session did not make it."""
    return _picture.find(image)


def forget_pictures() -> None:
    """Drop what this session knows of its pictures; the images and what stands in scenes stay."""
    _picture.forget_all()
    _placed.clear()


def remove_placement(placement: Placement) -> None:
    """Take a projection or a backdrop out of the scene again, without a trace."""
    texturing.remove(placement)


def bake(
    objects: Iterable[bpy.types.Object],
    *,
    texels: int | None = None,
    scene: bpy.types.Scene | None = None,
) -> list[bpy.types.Image]:
    """Bake what is projected on objects into images on a new UV layer, one an object; packed into the .blend.

    Args:
        texels: width and height of each image in pixels; 1024 when None.

    Raises:
        InvalidInput: an object that is no mesh or has no faces.
    """
    return texturing.bake(scene or bpy.context.scene, list(objects), texels=texels or 1024)


def update(placement: Placement) -> Placement:
    """After a change of layout: capture again, keep what stayed, paint again what changed, and place the result.

    Raises:
        InvalidInput: the placement's picture is not known in this session (generate and place it again), or its camera
            is gone.
    """
    source = picture_of(placement)
    if source is None or source.maps is None:
        raise InvalidInput(
            f"The picture of '{placement.name}' was made in another session",
            "Generate a picture and place it again",
        )
    scene = _scene_of(source.maps, None)
    camera = scene.objects.get(source.maps.camera.name)
    if camera is None:
        raise SceneError(f"Camera '{source.maps.camera.name}' is gone", "Make it again, or generate a new picture")
    old = source.maps
    remove_placement(placement)
    maps = capture(scene, camera, (old.width, old.height), vocabulary=old.vocabulary, background=old.background)
    changed = updating.changed_pixels(old, maps)
    fresh = source
    if changed.any():
        recipe = replace(source.recipe, maps=maps, image=source.pixels, mask=changed, intent="extend")
        fresh = _start(recipe, 1).result()[0]
    place = project if placement.kind == "projection" else backdrop
    return place(Picture(fresh.pixels, replace(fresh.recipe, maps=maps), fresh.metadata), scene=scene)


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
    made = {}
    for name, pixels in files.maps_images(maps).items():
        old = bpy.data.images.get(f"Seg {name}")
        made[name] = images.display_image(f"Seg {name}", pixels)
        if old is not None:
            # whole images are swapped: Blender's undo does not bring back pixels that were set in place
            old.user_remap(made[name])
            bpy.data.images.remove(old)
            made[name].name = f"Seg {name}"
    return made


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
    generating.check(recipe, count)
    connection = _connection
    return Job(lambda on_event, cancelled: generating.make(recipe, count, connection, on_event, cancelled))


def _with_maps(picture: PictureLike) -> tuple[Picture, SceneMaps]:
    source = _picture.as_picture(picture)
    return source, _maps_of(source, picture)


def _maps_of(source: Picture, given: PictureLike) -> SceneMaps:
    if source.maps is not None:
        return source.maps
    if isinstance(given, bpy.types.Image) and _picture.is_ours(given):
        raise InvalidInput(f"The maps of '{given.name}' are no longer in memory", "Generate the picture again")
    raise InvalidInput("This picture was not made from a scene", "Use a picture that generate() returned")


def _short_name(picture: Picture) -> str:
    return picture.image.name.removeprefix("Seg ")


def _scene_of(maps: SceneMaps, scene: bpy.types.Scene | None) -> bpy.types.Scene:
    found = scene or bpy.data.scenes.get(maps.scene)
    if found is None:
        raise SceneError(f"Scene '{maps.scene}' is gone", "Capture and generate again")
    return found


def _fitting(picture: Picture, maps: SceneMaps) -> np.ndarray:
    height, width = picture.pixels.shape[:2]
    if (width, height) != (maps.width, maps.height):
        raise InvalidInput(
            f"The picture has {width}×{height} pixels, the maps {maps.width}×{maps.height}",
            "Capture at the size of the picture",
        )
    return picture.pixels


def _seed(seed: int | None) -> int:
    return random.randrange(generating.MAX_SEED + 1) if seed is None else seed
