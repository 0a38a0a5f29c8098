"""Masks: what is meant on a picture."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..core import masks
from ..core.maps import SceneMaps
from ..core.seen import Seen
from ..flows import generating, masking, placing, segmenting
from ..flows import picture as _picture
from ..flows.jobs import Job
from ..flows.masking import SCENE, Mask
from ..flows.picture import PictureLike
from ..flows.segmenting import Question
from ..protocol.errors import InvalidInput
from ..texturing import images
from ..texturing.render_result import read_render
from .kinds import MaskLike, Objects
from .server import connection


def segment(
    picture: PictureLike,
    *,
    points: Sequence[tuple[float, float]] | None = None,
    labels: Sequence[int] | None = None,
    box: tuple[float, float, float, float] | None = None,
    text: str | None = None,
    objects: Objects | None = None,
    model: str | None = None,
    refine: Mask | None = None,
    within: MaskLike | None = None,
    several: bool = True,
    sharp: bool | None = None,
) -> list[Mask]:
    """Masks of what is meant, best first; ``Mask.source`` says what made each.

    A picture that was made from a scene knows its objects: a click gives the whole object exactly and at once, without
    a model. Everything else goes to a segmenter of the bridge server: SAM 2, SAM, or "classical" without weights.

    Args:
        points: (x, y) in pixels from the top left corner, with ``labels``: 1 meant (all, when None), 0 not meant.
        box: (x0, y0, x1, y1); for a segmenter it may come with points.
        text: what to find, in words; for a segmenter this takes a Grounding DINO model.
        objects: scene objects or their names.
        model: "scene" for the maps alone, a segmenter's name as ``segmenters`` lists them, "best" for the best of
            these; None: the maps where the picture has any, else the best segmenter.
        refine: a segmenter's mask of before; ``points`` are then all clicks so far, the new ones too.
        within: a mask that the result lies within: a part of an object, when that is the object's own mask.
        several: up to three candidates, else the one best. One click may mean a part or the whole of a thing.
        sharp: True looks once more, closely, at where the mask is; None does so on large pictures.

    Raises:
        InvalidInput: nothing or too much is meant, a place outside the picture, nothing found, an unknown model, a
            mask of another picture. BridgeError: the server failed.
    """
    given = {"points": points, "box": box, "text": text, "objects": objects}
    maps = _picture.seen_in(picture) if model in (None, SCENE) and refine is None and within is None else None
    if objects is not None or model == SCENE or maps is not None:
        maps = maps if maps is not None else _picture.seen_in(picture)
        if maps is None:
            raise _picture.no_maps(picture)
        names = None if objects is None else placing.names_of(objects)
        return masking.find(maps, points=points, labels=labels, box=box, text=text, objects=names)
    if all(one is None for one in given.values()):
        raise InvalidInput("segment() needs to know what is meant", "Give points, box, text or objects")
    return start_segment(
        picture,
        points=points,
        labels=labels,
        box=box,
        text=text,
        model=model,
        refine=refine,
        within=within,
        several=several,
        sharp=sharp,
    ).result()


def start_segment(
    picture: PictureLike,
    *,
    points: Sequence[tuple[float, float]] | None = None,
    labels: Sequence[int] | None = None,
    box: tuple[float, float, float, float] | None = None,
    text: str | None = None,
    model: str | None = None,
    refine: Mask | None = None,
    within: MaskLike | None = None,
    several: bool = True,
    sharp: bool | None = None,
) -> Job[list[Mask]]:
    """Ask a segmenter as ``segment`` does, never the scene's maps, and go on at once.

    Raises as ``segment``, some of it from the job's ``result()``.
    """
    pixels, there = _picture.as_picture(picture).pixels, connection()
    question = Question(
        points=masking.checked_points(points),
        labels=labels,
        box=masking.checked_box(box),
        text=text or "",
        model=_model(model),
        refine=refine,
        within=_region(within, pixels),
        several=several,
        sharp=sharp,
    )
    return Job(lambda *_: _found(segmenting.ask(pixels, question, there)))


def _found(found: list[Mask]) -> list[Mask]:
    """Those that cover anything."""
    if not any(one.array.any() for one in found):
        raise InvalidInput("Nothing was found there", "Click on the middle of the thing, or draw a box around it")
    return [one for one in found if one.array.any()]


def seen_in(picture: PictureLike) -> SceneMaps | Seen | None:
    """The objects that a picture shows, for masks of them: of one that was generated, also in an earlier session, or
    rendered with its maps. None of others. Quick; reads no pixels of images."""
    return _picture.seen_in(picture)


def alpha_mask(image: bpy.types.Image) -> Mask:
    """What an image's alpha covers, half of it or more; also of the Render Result.

    Raises:
        InvalidInput: it covers nothing, or everything (an image without alpha does).
    """
    rendered = image.type == "RENDER_RESULT"
    pixels = read_render(bpy.context.scene).pixels if rendered else images.read_image(image)
    covered = masks.from_alpha(pixels)
    if covered.all() or not covered.any():
        text = f"The alpha of '{image.name}' covers {'everything' if covered.any() else 'nothing'}"
        raise InvalidInput(text, "For a render turn on Transparent in its Film settings")
    return Mask(covered, 1.0, "Alpha", source="alpha")


def mask_image(name: str, mask: MaskLike) -> bpy.types.Image:
    """A Blender image of a mask, white where it covers, to paint on with Blender's brushes."""
    return images.mask_image(name, mask.array if isinstance(mask, Mask) else np.asarray(mask, bool))


def painted_mask(image: bpy.types.Image) -> np.ndarray:
    """float32 H×W, row 0 at the top, 0 .. 1: how white an image of ``mask_image`` is now."""
    return images.read_image(image)[..., :3].mean(axis=-1)


def everything(picture: PictureLike, *, model: str | None = None) -> list[Mask]:
    """A mask of every thing in a picture: each instance of its scene, largest first, or all that a segmenter finds.

    Args:
        model: as in ``segment``.

    Raises:
        InvalidInput, BridgeError: as ``segment``.
    """
    maps = _picture.seen_in(picture) if model in (None, SCENE) else None
    if maps is not None:
        return masking.everything(maps)
    if model == SCENE:
        raise _picture.no_maps(picture)
    pixels = _picture.as_picture(picture).pixels
    return segmenting.ask(pixels, Question(wanted="everything", model=_model(model)), connection())


def prepare_masks(picture: PictureLike, *, model: str | None = None) -> Job[None]:
    """Have the server look at a picture now, so that the first click on it is answered as fast as the second.

    Returns at once. The job's ``result()`` raises as ``segment``; nobody need ask for it.
    """
    pixels, there = _picture.as_picture(picture).pixels, connection()
    question = Question(wanted="prepare", model=_model(model))

    def work(*_: object) -> None:
        segmenting.ask(pixels, question, there)

    return Job(work)


def look_ahead(picture: PictureLike) -> Job[None] | None:
    """``prepare_masks`` where that is cheap: the server runs, on a GPU, and has a segmenter with weights.

    Else None. Never waits, starts no server.
    """
    sender = generating.sender(connection())
    presence = None if sender is None else sender.bridge.presence
    if presence is None or presence.state is None or presence.state.device in ("", "cpu"):
        return None
    return prepare_masks(picture) if presence.segmenters[:1] not in ((), ("classical",)) else None


def segmenters() -> tuple[str, ...]:
    """What makes masks besides the scene's own maps, the best first; the server is started when it does not run.

    Raises:
        BridgeError: it cannot be started or does not answer.
    """
    info = generating.server_info(connection())
    return () if info is None else info.segmenters


def known_segmenters() -> tuple[str, ...]:
    """As ``segmenters``, as far as the server has told; () where none has been seen. Never waits, starts nothing."""
    sender = generating.sender(connection())
    return () if sender is None else sender.bridge.presence.segmenters


def _model(model: str | None) -> str:
    return "" if model in (None, "best") else model


def _region(within: MaskLike | None, pixels: np.ndarray) -> np.ndarray | None:
    if within is None:
        return None
    region = within.array if isinstance(within, Mask) else np.asarray(within)
    if region.dtype != np.bool_ or region.shape != pixels.shape[:2]:
        height, width = pixels.shape[:2]
        raise InvalidInput("The mask of within does not fit", f"It must be boolean with {width}×{height} pixels")
    return region
