"""The masks of an image: what they cover, alone and together, and how new ones come to it.

Pixels of masks are kept as texts in the image's properties, so that Blender saves and undoes them. Images and masks are
found anew by every operator: undo and file load leave references dangling.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

import bpy
import numpy as np

from .. import api
from ..core import mask_codes, masks, regions
from ..protocol.errors import InvalidInput

_KEPT = 64
"""unpacked masks in memory, 4 MB each at 2048²"""
_traces: dict[str, api.Mask] = {}
"""Masks that segmenters made in this session, by their text: what it takes to refine them by further clicks."""
_MOST_TRACES = 32


def find_image(context: bpy.types.Context, name: str = "") -> bpy.types.Image:
    """The named image, else the one in the Image Editor of the context, else the scene's picture.

    Raises:
        InvalidInput: there is none, or it cannot be retouched; the text says why.
    """
    image = bpy.data.images.get(name) if name else shown_image(context)
    if image is None:
        text = f"There is no image '{name}'" if name else "No picture is open"
        raise InvalidInput(text, "Open a picture that SegAddon made, or any image")
    reason = refusal(image, context.scene)
    if reason:
        raise InvalidInput(*reason)
    return image


def shown_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """What the Image Editor of the context shows, else the scene's picture."""
    space = context.space_data
    if space is not None and space.type == "IMAGE_EDITOR":
        return space.image
    return context.scene.segaddon.picture


def refusal(image: bpy.types.Image, scene: bpy.types.Scene) -> tuple[str, str] | None:
    """(why the image cannot be retouched, what to do about it), None where it can."""
    if image.library is not None:
        return f"'{image.name}' belongs to a linked file", "Make it local: ID Data menu, Make Local"
    if image.source in {"MOVIE", "SEQUENCE", "TILED"}:
        return "Movies, sequences and UDIM tiles cannot be retouched", "Save a single frame or tile and open that"
    if image.type == "COMPOSITING":
        return "The Viewer's pixels change with every update", "Save the picture and open that"
    if 0 in size_of(image, scene):
        return f"Image '{image.name}' has no pixels", "Its file may be missing: reload it, or open another image"
    return None


def size_of(image: bpy.types.Image, scene: bpy.types.Scene) -> tuple[int, int]:
    """(width, height) in pixels; of the Render Result, which tells Python none, that of the scene's renders."""
    if image.type == "RENDER_RESULT":
        render = scene.render
        share = render.resolution_percentage
        width, height = render.resolution_x * share // 100, render.resolution_y * share // 100
        if not (render.use_border and render.use_crop_to_border):
            return width, height
        across = int(render.border_max_x * width) - int(render.border_min_x * width)
        return across, int(render.border_max_y * height) - int(render.border_min_y * height)
    return image.size[0], image.size[1]


def has_maps(image: bpy.types.Image) -> bool:
    """Whether a click can be answered from the scene."""
    return api.seen_in(image) is not None


def active(image: bpy.types.Image) -> bpy.types.PropertyGroup | None:
    """The active mask of an image."""
    record = image.segaddon
    return record.masks[record.active_mask] if 0 <= record.active_mask < len(record.masks) else None


def chosen(mask: bpy.types.PropertyGroup) -> bpy.types.PropertyGroup | None:
    """The candidate that a mask is."""
    found = mask.candidates
    return found[min(mask.candidate, len(found) - 1)] if len(found) else None


def fits(mask: bpy.types.PropertyGroup, size: tuple[int, int]) -> bool:
    """Whether a mask has the size of its image, and can be read."""
    candidate = chosen(mask)
    try:
        return candidate is not None and mask_codes.size(candidate.code) == size
    except InvalidInput:
        return False


def key(image: bpy.types.Image, size: tuple[int, int]) -> tuple[object, ...]:
    """Differs where ``together`` does."""
    parts = [(chosen(one).code, one.clean, one.grow, one.invert, one.mode) for one in _used(image, size)]
    return (image.segaddon.feather, size, *parts)


def together(image: bpy.types.Image, size: tuple[int, int]) -> np.ndarray | None:
    """bool H×W: the masks in use, combined from the first to the last; None where there are none."""
    result: np.ndarray | None = None
    for one in _used(image, size):
        covered = shape_of(one)
        how = one.mode.lower()
        if result is None:
            result = ~covered if how == "subtract" else covered
        else:
            result = masks.combine([result, covered], how)
    return result


def as_given(image: bpy.types.Image, size: tuple[int, int]) -> api.Mask | None:
    """``together`` for ``api``; it knows its things where it is a mask of the scene as it was clicked."""
    array = together(image, size)
    if array is None:
        return None
    used = _used(image, size)
    plain = len(used) == 1 and used[0].mode == "ADD" and not (used[0].clean or used[0].grow or used[0].invert)
    ids = chosen(used[0]).ids.split() if plain else []
    label = ", ".join(chosen(one).label for one in used)
    return api.Mask(array, min(chosen(one).score for one in used), label, tuple(map(int, ids)))


def soft(image: bpy.types.Image, size: tuple[int, int]) -> np.ndarray | None:
    """float32 H×W in 0..1: ``together`` with its soft edge, as it is shown."""
    hard = together(image, size)
    if hard is None or not image.segaddon.feather:
        return None if hard is None else hard.astype(np.float32)
    out = masks.feather(masks.dilate(hard, image.segaddon.feather // 2), image.segaddon.feather // 2)
    return np.maximum(out, hard)


def shape_of(mask: bpy.types.PropertyGroup) -> np.ndarray:
    """bool H×W: what a mask covers, with its numbers. Raises InvalidInput for a damaged text."""
    return shaped(chosen(mask).code, mask.clean, mask.grow, mask.invert)


@lru_cache(_KEPT)
def shaped(code: str, clean: int = 0, grow: int = 0, invert: bool = False) -> np.ndarray:
    """bool H×W of a mask's text with these numbers; see ``ImageMask``. Raises InvalidInput for a damaged text."""
    mask = mask_codes.decode(code)
    if clean:
        mask = regions.remove_islands(regions.fill_holes(mask, clean * clean), clean * clean)
    if grow:
        mask = masks.dilate(mask, grow) if grow > 0 else masks.erode(mask, -grow)
    mask = ~mask if invert else mask
    mask.setflags(write=False)  # it is handed out again
    return mask


def add(image: bpy.types.Image, name: str) -> bpy.types.PropertyGroup:
    """A new mask below the others, which becomes the active one."""
    record = image.segaddon
    mask = record.masks.add()
    mask.name = free_name(image, name)
    record.active_mask = len(record.masks) - 1
    return mask


def remove(image: bpy.types.Image, index: int) -> None:
    """Take a mask out; nothing is open any more."""
    record = image.segaddon
    record.masks.remove(index)
    record.active_mask = max(0, min(record.active_mask, len(record.masks) - 1))
    record.is_open = False
    api.redraw_image_overlay()


def free_name(image: bpy.types.Image, name: str) -> str:
    """The name, with another number where a mask has it."""
    stem = re.sub(r"\.\d{3}$", "", name[:60]) or "Mask"
    taken = {one.name for one in image.segaddon.masks}
    numbered = (f"{stem}.{number:03}" for number in range(1, len(taken) + 2))
    return name[:60] if name and name[:60] not in taken else next(one for one in numbered if one not in taken)


def fill(mask: bpy.types.PropertyGroup, found: Sequence[api.Mask]) -> None:
    """Make ``found`` the candidates of a mask, the first of them the chosen one."""
    mask.candidates.clear()
    mask.candidate = 0
    for one in found:
        candidate = mask.candidates.add()
        candidate.code, candidate.label = mask_codes.encode(one.array), one.label
        candidate.source, candidate.score = one.source, one.score
        candidate.ids = " ".join(map(str, one.ids))
        if one.trace is not None:
            _traces[candidate.code] = one
            for old in list(_traces)[:-_MOST_TRACES]:
                del _traces[old]


def copy(old: bpy.types.PropertyGroup, new: bpy.types.PropertyGroup) -> None:
    """Give a mask all that another one has but its name."""
    fill(new, [])
    new.points.clear()
    for name in ("use", "mode", "clean", "grow", "invert", "box", "by_model"):
        setattr(new, name, getattr(old, name))
    for part, names in (
        ("candidates", ("code", "label", "source", "score", "ids")),
        ("points", ("x", "y", "positive")),
    ):
        for one in getattr(old, part):
            made = getattr(new, part).add()
            for name in names:
                setattr(made, name, getattr(one, name))
    new.candidate = old.candidate


def pad(image: bpy.types.Image, margins: tuple[int, int, int, int]) -> None:
    """Let the masks of an image be as they were after it got margins (left, right, top, bottom) of so many pixels."""
    left, right, top, bottom = margins
    for mask in image.segaddon.masks:
        for one in mask.candidates:
            with suppress(InvalidInput):  # a damaged text stays one
                one.code = mask_codes.encode(np.pad(mask_codes.decode(one.code), ((top, bottom), (left, right))))
        for point in mask.points:
            point.x, point.y = point.x + left, point.y + top
        if any(mask.box):
            mask.box = [place + more for place, more in zip(mask.box, (left, top) * 2, strict=True)]


def refinable(mask: bpy.types.PropertyGroup | None) -> api.Mask | None:
    """What a segmenter gave for this mask in this session, to go on from; None where it must look anew."""
    candidate = None if mask is None else chosen(mask)
    return None if candidate is None else _traces.get(candidate.code)


def forget() -> None:
    """Another file, or no add-on any more."""
    _traces.clear()
    shaped.cache_clear()


def _used(image: bpy.types.Image, size: tuple[int, int]) -> list[bpy.types.PropertyGroup]:
    return [one for one in image.segaddon.masks if one.use and fits(one, size)]
