"""A picture and all that made it; what people hold in scripts, and what the buttons work on."""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from ..core import seen
from ..core.maps import SceneMaps
from ..core.png import encode_png
from ..core.provenance import digest, maps_digest
from ..core.seen import Seen
from ..protocol.codec import to_json
from ..protocol.errors import InvalidInput, SegAddonError
from ..protocol.messages import ModelOptions
from ..texturing import images
from ..texturing.render_result import read_render
from . import light as _light
from . import rendering

log = logging.getLogger(__name__)

_META = "seg_picture"
"""Custom property of a Blender image: the picture's metadata as JSON."""
TOKEN = "seg_token"
"""Custom property of what shows a picture (its Blender image, a placement's group): its key in ``_session``.

Names would not do: they change, and other files use the same ones."""

PARENT = "seg_parent"
"""Custom property of a picture's image: the token of the picture that it was made from."""

_SEEN = "seg_seen"
"""Custom property of a picture's image: what it shows, for clicks in other sessions; ``core.seen``."""

_REMEMBERED = 32
"""Pictures; each holds its maps, 13 MB at 1024×576."""
_session: dict[str, Picture] = {}
"""The last pictures of this Blender session by token, oldest first: how an image finds its maps again."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture of what something should look like."""

    pixels: np.ndarray
    """uint8 H×W×3, any size"""
    weight: float = 1.0
    """0 .. 2"""
    instances: tuple[int, ...] = ()
    """ids in the instance map that it is for; none: the whole picture"""


@dataclass(frozen=True, eq=False)
class Recipe:
    """Everything a picture was asked with; the same recipe gives the same pixels."""

    maps: SceneMaps | None
    generator: str = "preview"
    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 0
    """0 .. 2**32-1"""
    image: np.ndarray | None = None
    """uint8 H×W×3, or float32 in 0..1 (display-referred): what the picture starts from"""
    mask: np.ndarray | None = None
    """bool H×W: what of ``image`` is painted anew"""
    intent: str = "replace"
    strength: float = 1.0
    """0 .. 1"""
    softness: float = 0.0
    """pixels beyond the mask over which the result runs out into ``image``"""
    after: bool = False
    """the maps show what is to be seen afterwards, not what ``image`` shows"""
    options: ModelOptions = field(default_factory=ModelOptions)
    style: str = ""
    """name of the style that is in the prompts already"""
    references: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class _Files:
    """A picture as Blender keeps it."""

    png: bytes
    """empty for a 32-bit picture"""
    seen: bytes
    """empty where its maps are not known"""


@dataclass(eq=False)
class Picture:
    """A finished picture, display-referred sRGB, row 0 at the top."""

    pixels: np.ndarray
    """uint8 H×W×3"""
    recipe: Recipe
    metadata: dict[str, str] = field(default_factory=dict)
    """what the generator said of it: versions, words understood, whether it was a model"""
    floats: np.ndarray | None = None
    """float32 H×W×3 in 0..1, display-referred: ``pixels`` before they were rounded; None for a picture of bytes"""
    light: np.ndarray | None = None
    """float32 H×W×4, scene-linear, alpha premultiplied: of a 32-bit picture; None for a picture of bytes"""
    alpha: np.ndarray | None = None
    """uint8 H×W, straight: of a picture of bytes that is transparent somewhere"""
    parent: str = ""
    """token of the picture that it was made from, "" for none"""
    _token: str = field(default_factory=lambda: secrets.token_hex(8))
    _files: _Files | None = None
    """what ``prepare`` made, until it is used"""

    def prepare(self) -> None:
        """Do now, in whatever thread, what else the first call of ``image`` does in Blender's: a second at 2048²."""
        self._files = self._encoded()

    def _encoded(self) -> _Files:
        _ = self.meta  # takes the sums of the maps, which are remembered
        png = b"" if self.light is not None else encode_png(self.pixels if self.alpha is None else self.array)
        return _Files(png, seen.encode(self.maps) if self._has_maps else b"")

    @property
    def _has_maps(self) -> bool:
        return self.maps is not None and self.maps.instance_map.shape == self.pixels.shape[:2]

    @property
    def array(self) -> np.ndarray:
        """uint8 H×W×4, row 0 at the top, straight alpha; a copy."""
        alpha = np.full(self.pixels.shape[:2], 255, np.uint8) if self.alpha is None else self.alpha
        return np.concatenate([self.pixels, alpha[..., None]], axis=-1)

    @property
    def maps(self) -> SceneMaps | None:
        """The maps that the picture was made from, None for a picture from elsewhere."""
        return self.recipe.maps

    @property
    def meta(self) -> dict[str, Any]:
        """Plain values: what was asked, the size and what the generator reported.

        With the scene that is enough to make the picture again, unless it began with another one.
        """
        recipe = self.recipe
        return {
            "generator": recipe.generator,
            "prompt": recipe.prompt,
            "negative_prompt": recipe.negative_prompt,
            "seed": recipe.seed,
            "strength": recipe.strength,
            "style": recipe.style,
            "intent": recipe.intent,
            "options": to_json(recipe.options),
            **_of_maps(recipe.maps),
            "started_from": "" if recipe.image is None else digest(recipe.image),
            "references": ", ".join(digest(one.pixels) for one in recipe.references),
            "width": self.pixels.shape[1],
            "height": self.pixels.shape[0],
            **self.metadata,
        }

    @property
    def image(self) -> bpy.types.Image:
        """The Blender image with these pixels, made at the first call; packed, so that it survives save and reload."""
        found = self._found_image()
        if found is not None:
            return found
        name = f"Seg {self.title}"
        files, self._files = self._files or self._encoded(), None
        if self.light is not None:
            made = images.light_image(name, self.light)
            made.use_view_as_render = True  # as the render that it was made of
        else:
            made = images.encoded_image(name, files.png)
        made[_META], made[TOKEN] = json.dumps(self.meta), remember(self)
        if self._has_maps:
            made[_SEEN] = files.seen
        if self.parent:
            made[PARENT] = self.parent
        return made

    @property
    def token(self) -> str:
        """By which its image, and what was made from it, know it; kept in the .blend."""
        return self._token

    @property
    def title(self) -> str:
        """One short line: what the artist calls its image, else the prompt."""
        found = self._found_image()
        if found is not None:
            return found.name.removeprefix("Seg ")
        made_by = self.recipe.intent if self.recipe.mask is not None else self.recipe.generator
        words = "".join(letter if letter.isprintable() else " " for letter in self.recipe.prompt).split()
        return (" ".join(words) or made_by)[:50].strip()

    def _found_image(self) -> bpy.types.Image | None:
        return next((one for one in bpy.data.images if one.get(TOKEN) == self._token), None)


def _of_maps(maps: SceneMaps | None) -> dict[str, Any]:
    if maps is None:
        return {"texts": {}}
    return {"texts": {one.object: one.text for one in maps.instances if one.text}, "maps": maps_digest(maps)}


PictureLike = Picture | bpy.types.Image | np.ndarray


def as_picture(source: PictureLike) -> Picture:
    """What a function was given, as a Picture.

    Args:
        source: a Picture; a Blender image (one that this session made finds its maps again, with the pixels that it
            has now); or an array H×W×3 or H×W×4, uint8 or float 0..1, display-referred sRGB, row 0 at the top.

    Raises:
        InvalidInput: another type or shape, an image without pixels, or a Render Result before the first render.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, bpy.types.Image):
        if source.type == "RENDER_RESULT":
            return _of_light(read_render(bpy.context.scene).pixels)
        if 0 in source.size:
            raise InvalidInput(
                f"Image '{source.name}' has no pixels",
                "Its file may be missing: reload it, or use another image",
            )
        return _of_image(source)
    if isinstance(source, np.ndarray):
        return Picture(_display_bytes(source), Recipe(maps=None, generator="import"))
    raise InvalidInput(
        f"A picture cannot be made from {type(source).__name__}", "Give a Picture, a Blender image or an array"
    )


def record_of(image: bpy.types.Image) -> dict[str, Any] | None:
    """What an image says of how it was made, also in another session; None where it says nothing."""
    return json.loads(image[_META]) if _META in image else None


def of_array(array: np.ndarray, recipe: Recipe, metadata: dict[str, str]) -> Picture:
    """A picture that a generator made: uint8 H×W×3, or float32 in 0..1."""
    if array.dtype == np.uint8:
        return Picture(array, recipe, metadata)
    return Picture(_display_bytes(array), recipe, metadata, floats=array)


def padded(picture: Picture, margins: tuple[tuple[int, int], tuple[int, int]]) -> Picture:
    """The picture on a larger canvas, ((top, bottom), (left, right)) pixels more; its border is repeated there."""

    def wider(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else np.pad(array, (*margins, (0, 0)), mode="edge")

    pixels = np.pad(picture.pixels, (*margins, (0, 0)), mode="edge")
    recipe = Recipe(maps=None, generator="import")
    return Picture(pixels, recipe, floats=wider(picture.floats), light=wider(picture.light))


def remember(picture: Picture, token: str = "") -> str:
    """Keep a picture for this session; gives the token that ``recall`` finds it by, ``token`` if it had one before."""
    picture._token = token or picture._token
    _session[picture._token] = picture
    for old in list(_session)[:-_REMEMBERED]:
        del _session[old]
    return picture._token


def recall(token: str) -> Picture | None:
    """What was kept under a token in this session, None where nothing was."""
    return _session.get(token)


def find(image: bpy.types.Image | None) -> Picture | None:
    """The picture that this session made for the image, None where it knows none (any more)."""
    return None if image is None else recall(image.get(TOKEN, ""))


def with_maps(source: PictureLike) -> tuple[Picture, SceneMaps]:
    """``as_picture`` for what needs the scene. Raises InvalidInput also where there are no maps."""
    picture = as_picture(source)
    if picture.maps is not None:
        return picture, picture.maps
    raise no_maps(source)


def no_maps(source: PictureLike) -> InvalidInput:
    """What to say of a picture without maps where they are needed."""
    if isinstance(source, bpy.types.Image) and TOKEN in source:
        return InvalidInput(f"The maps of '{source.name}' are no longer in memory", "Generate the picture again")
    if isinstance(source, bpy.types.Image) and source.type == "RENDER_RESULT":
        hint = "Turn on Scene Maps with Renders and render again, or click to ask the model"
        return InvalidInput("This render was made without maps, so its objects are not known", hint)
    return InvalidInput(
        "This picture was not made from a scene, so nothing is known of what it shows",
        "Use a picture that generate() returned, or give inpaint() a mask of your own",
    )


def seen_in(source: PictureLike) -> SceneMaps | Seen | None:
    """The objects that a picture shows, also of another session; None where they are not known. Reads no pixels.

    Of a render they are known where it was made with its maps. Raises InvalidInput for what is no picture.
    """
    if not isinstance(source, bpy.types.Image):
        return as_picture(source).maps
    if source.type == "RENDER_RESULT" or (source.filepath and not source.get(TOKEN)):
        return _rendered(source)
    known = find(source)
    found = known.maps if known is not None else _kept(source)
    return found if found is not None and (found.width, found.height) == tuple(source.size) else None


def _rendered(image: bpy.types.Image) -> SceneMaps | None:
    try:
        return rendering.maps_beside(image)
    except SegAddonError:  # rendered without, or they are another render's
        return None


def _kept(image: bpy.types.Image) -> Seen | None:
    """What an earlier session wrote into the file."""
    data = image.get(_SEEN)
    if not isinstance(data, bytes):
        return None
    try:
        return _decoded(data)
    except InvalidInput as error:
        log.warning("%s: %s", image.name, error)
        return None


@lru_cache(maxsize=4)
def _decoded(data: bytes) -> Seen:
    return seen.decode(data)


def forget_all() -> None:
    """Drop what the session remembers (the add-on is being disabled, or another file was loaded)."""
    _session.clear()


def _of_light(light: np.ndarray) -> Picture:
    """Of float32 H×W×4 light."""
    floats = _light.shown(light, bpy.context.scene)
    return Picture(_display_bytes(floats), Recipe(maps=None, generator="import"), floats=floats, light=light)


def _of_image(image: bpy.types.Image) -> Picture:
    known = recall(image.get(TOKEN, ""))
    if image.is_float and not image.colorspace_settings.is_data:
        made = _of_light(images.read_image(image))
        if known is None or known.pixels.shape != made.pixels.shape:
            return made
        if known.light is not None and np.array_equal(known.light, made.light):
            return known
        made.recipe, made.metadata = known.recipe, known.metadata
        return made
    values = images.read_image(image)
    pixels, alpha = _display_bytes(values[..., :3]), _alpha_bytes(values[..., 3])
    if known is None or known.pixels.shape != pixels.shape:
        return Picture(pixels, Recipe(maps=None, generator="import"), alpha=alpha)
    if (known.pixels == pixels).all() and (known.alpha is None) == (alpha is None):
        return known
    return Picture(pixels, known.recipe, known.metadata, alpha=alpha)  # painted on since


def _alpha_bytes(alpha: np.ndarray) -> np.ndarray | None:
    """uint8 H×W of 0..1, None where all is opaque."""
    return None if alpha.min() >= 1 else (np.clip(alpha, 0, 1) * 255 + 0.5).astype(np.uint8)


def _display_bytes(array: np.ndarray) -> np.ndarray:
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        raise InvalidInput(f"A picture array has shape H×W×3 or H×W×4, not {array.shape}", "Check the array")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array[..., :3])
    if not np.issubdtype(array.dtype, np.floating):
        raise InvalidInput(f"A picture array holds uint8 or floats in 0..1, not {array.dtype}", "Convert it first")
    if not np.isfinite(array).all():
        raise InvalidInput("The picture array holds values that are not numbers", "Check the array")
    return (np.clip(array[..., :3], 0, 1) * 255 + 0.5).astype(np.uint8)
