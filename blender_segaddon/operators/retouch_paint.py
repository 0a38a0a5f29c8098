# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Masks painted by hand, with Blender's own brushes.

While a mask is painted, it is an image of its own in Blender's paint mode, white where it covers: every brush, its
pressure and falloff, and the undo of strokes are Blender's. Over it the editor shows the picture, with the mask as
a tint.
"""

import bpy
import numpy as np
from bpy.props import BoolProperty

from .. import api
from ..protocol.errors import InvalidInput
from . import retouch_history, retouch_masks
from .retouch_list import OnImage

_INSIDE = 0.5
"""Of white: from here on a pixel is masked."""


def painted_for(image: bpy.types.Image | None) -> bpy.types.Image | None:
    """The picture whose mask is painted on this image, None where it is no such image."""
    return None if image is None else image.segaddon.painted_for


def pack_painted() -> None:
    """Before the file is saved: strokes that are not packed would be lost."""
    for image in bpy.data.images:
        if image.is_dirty and image.packed_file and (image.segaddon.painted_for or api.record_of(image)):
            image.pack()


class SEGADDON_OT_mask_paint(OnImage, bpy.types.Operator):
    """Paint on the active mask, or a new one, with Blender's brushes: white masks, black takes away"""

    bl_idname = "segaddon.mask_paint"
    bl_label = "Paint Mask"

    @staticmethod
    def refusal(image):
        if len(image.segaddon.results):
            return "There are results to choose from", "Accept or discard them first"
        return None

    def do(self, context, image):
        begun = retouch_history.painting_of(image)
        if begun is not None:  # somebody looked at something else meanwhile
            retouch_history.swap_in_editors(image, begun)
            return
        size = retouch_masks.size_of(image, context.scene)
        mask = retouch_masks.active(image)
        if mask is not None and not retouch_masks.fits(mask, size):
            raise InvalidInput("This mask is of another size than the picture", "Delete it, or choose another one")
        name = "Painted" if mask is None else mask.name
        covered = np.zeros(size[::-1], bool) if mask is None else retouch_masks.shape_of(mask)
        made = api.mask_image(f"{name} of {image.name}"[:60], covered)
        made.segaddon.painted_for, made.segaddon.painted_name = image, "" if mask is None else mask.name
        retouch_history.swap_in_editors(image, made)
        _begin_white(context)


class _Painting(OnImage):
    """For an image on which a mask is painted."""

    @staticmethod
    def refusal(image):
        painting = painted_for(image) is not None
        return None if painting else ("No mask is being painted here", "Use Paint Mask on a picture first")


class SEGADDON_OT_mask_painted(_Painting, bpy.types.Operator):
    """Go back to the picture, with the mask as it was painted"""

    bl_idname = "segaddon.mask_painted"
    bl_label = "Finish Painting Mask"

    discard: BoolProperty(name="Discard", description="Leave the mask as it was before", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context, properties):
        return "Go back to the picture, the mask as it was before" if properties.discard else cls.__doc__

    def do(self, _context, image):
        picture, name = painted_for(image), image.segaddon.painted_name
        if not self.discard:
            covered = api.painted_mask(image) >= _INSIDE
            if not covered.any():
                raise InvalidInput("Nothing is painted", "Paint with white, or use Discard")
            _take(picture, name, covered)
        image.pack()  # undo brings it back as it is now
        retouch_history.swap_in_editors(image, picture)
        bpy.data.images.remove(image)


def _take(picture: bpy.types.Image, name: str, covered: np.ndarray) -> None:
    """What was painted becomes the mask of this name, or a new one where there is none."""
    record = picture.segaddon
    number = record.masks.find(name) if name else -1
    mask = retouch_masks.add(picture, name or "Painted") if number < 0 else record.masks[number]
    record.active_mask = len(record.masks) - 1 if number < 0 else number
    before = retouch_masks.chosen(mask)
    label = before.label if before is not None else mask.name
    retouch_masks.fill(mask, [api.Mask(covered, 1.0, label, source="painted")])
    mask.points.clear()
    mask.box, mask.by_model, mask.use = (0, 0, 0, 0), False, True
    mask.clean, mask.grow, mask.invert = 0, 0, False  # they are in what was painted
    record.is_open = False


def _begin_white(context: bpy.types.Context) -> None:
    """The brush paints white, and black with Ctrl or X."""
    tools = context.tool_settings
    settings = tools.image_paint
    of_all = settings if hasattr(settings, "unified_paint_settings") else tools  # of all modes together before 5.0
    unified = of_all.unified_paint_settings
    colors = unified if unified.use_unified_color else settings.brush
    if colors is not None:
        colors.color, colors.secondary_color = (1, 1, 1), (0, 0, 0)


CLASSES = (SEGADDON_OT_mask_paint, SEGADDON_OT_mask_painted)
