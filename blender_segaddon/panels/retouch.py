"""The panel in the Image Editor's sidebar, from top to bottom as the work goes: mask, what becomes of it, history."""

from __future__ import annotations

import textwrap

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from .. import api
from ..operators import retouch_history, retouch_masks, retouch_paint
from .main import action
from .models import draw_choice

_STEPS = 12
"""of the history that are shown; older ones are counted"""
_SOURCES = {
    "scene": "Scene object",
    "classical": "Classical, no model",
    "masks": "Combined",
    "painted": "Painted",
    "alpha": "Transparency",
}
_WORDLESS = {"REMOVE", "EXTEND"}


class SEGADDON_MT_segmenter(bpy.types.Menu):
    bl_label = "Segmenter"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator("segaddon.set_segmenter", text="Best Segmenter").name = ""
        self.layout.separator()
        known = api.known_segmenters()
        for name in known:
            text = iface_("{}: no model").format(name) if name == "classical" else name
            self.layout.operator("segaddon.set_segmenter", text=text, translate=False).name = name
        if not known:
            self.layout.label(text="The server has not told yet what it has", icon="INFO")


class SEGADDON_UL_masks(bpy.types.UIList):
    """A mask a row: whether it is used, its name, how it goes together with those above it."""

    def draw_item(self, context, layout, data, item, _icon, _active_data, _active_property):
        layout.use_property_split = False  # a row has no label
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        size = retouch_masks.size_of(data.id_data, context.scene)
        fits = retouch_masks.fits(item, size)
        name = row.row(align=True)
        name.active = item.use and fits
        name.prop(item, "name", text="", emboss=False, icon="NONE" if fits else "ERROR")
        row.prop(item, "mode", text="", icon_only=True, emboss=False)
        row.prop(item, "invert", text="", icon="SELECT_DIFFERENCE", emboss=item.invert)


class _Tab:
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "SegAddon"


class _Part(_Tab):
    bl_parent_id = "SEGADDON_PT_image"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        image = context.space_data.image
        usable = image is not None and retouch_masks.refusal(image, context.scene) is None
        return usable and retouch_paint.painted_for(image) is None


class SEGADDON_PT_image(_Tab, bpy.types.Panel):
    bl_label = "Retouch"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.window_manager.segaddon_masks, "show", text="", icon="OVERLAY", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        column, image = self.layout.column(), context.space_data.image
        if image is None:
            _note(column, context, "Open a picture that SegAddon made, or any image", "INFO")
            return
        refusal = retouch_masks.refusal(image, context.scene)
        if refusal:
            _note(column, context, ". ".join(refusal), "ERROR")
            return
        if retouch_paint.painted_for(image) is not None:
            _painting(column, context, image)
            return
        width, height = retouch_masks.size_of(image, context.scene)
        column.label(text=image.name, translate=False, icon="IMAGE_DATA")
        maps = "clicks find its objects" if retouch_masks.has_maps(image) else "clicks ask the server's model"
        _note(column, context, f"{width} × {height} px, {iface_(maps)}", "BLANK1", active=False)


class SEGADDON_PT_image_mask(_Part, bpy.types.Panel):
    bl_label = "Mask"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        image = context.space_data.image
        record, column = image.segaddon, _column(self.layout)
        row = column.row(align=True)
        row.operator("segaddon.retouch_pick", icon="EYEDROPPER")
        row.operator("segaddon.mask_of", text="", icon="OBJECT_DATA").what = "SELECTED"
        row.operator("segaddon.mask_of", text="", icon="VIEWZOOM").what = "TEXT"
        row.operator("segaddon.mask_of", text="", icon="IMAGE_ALPHA").what = "ALPHA"
        action(column, "segaddon.mask_paint", "BRUSH_DATA")
        _segmenter(column, context)
        if not len(record.masks):
            _note(column, context, "No masks yet: click on a thing, or take the objects selected in the scene", "INFO")
            return
        _list(column, record)
        mask = retouch_masks.active(image)
        if mask is not None:
            _mask(column, context, mask, retouch_masks.fits(mask, retouch_masks.size_of(image, context.scene)))
        column.prop(record, "feather")


class SEGADDON_PT_image_inpaint(_Part, bpy.types.Panel):
    bl_label = "Inpaint"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.segaddon.retouch
        column = _column(self.layout)
        if len(context.space_data.image.segaddon.results):
            _results(column, context)
            return
        row = column.split(factor=0.4)  # as wide as the labels below
        name = row.row()
        name.alignment = "RIGHT"
        name.label(text="Model")
        draw_choice(row, column, context.scene.segaddon.model)
        words = column.row()
        words.active = settings.intent not in _WORDLESS
        words.prop(settings, "prompt")
        column.prop(settings, "intent")
        if settings.intent == "EXTEND":
            _margins(column, settings)
        strength = column.row()
        strength.active = settings.intent != "REMOVE"
        strength.prop(settings, "strength", slider=True)
        column.prop(settings, "count")
        buttons = column.column(align=True)
        action(buttons, "segaddon.inpaint", "BRUSH_DATA", n_("Inpaint", "Operator"))
        action(buttons, "segaddon.remove", "TRASH", n_("Remove", "Operator"))


class SEGADDON_PT_image_history(_Part, bpy.types.Panel):
    bl_label = "History"
    bl_order = 3

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        self.layout.operator("segaddon.purge_results", text="", icon="TRASH", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        image = context.space_data.image
        column = self.layout.column(align=True)
        steps = retouch_history.steps_of(image)
        if not steps:
            _note(
                column,
                context,
                "No steps yet: what you accept is listed here, and any step can be gone back to",
                "INFO",
            )
            return
        first = max(0, len(steps) - _STEPS)
        if first:
            column.label(text=iface_("{} older steps").format(first), translate=False, icon="BLANK1")
        for number, one in enumerate(steps[first:], start=first):
            here = one.image == image
            icon = "RADIOBUT_ON" if here else "RADIOBUT_OFF"
            row = column.row()
            row.alignment = "LEFT"
            row.operator("segaddon.history_show", text=one.did, translate=False, icon=icon, emboss=False).step = number
        column.separator()
        if api.render_patch(context.scene) is not None:
            action(column, "segaddon.patch_remove", "NODE_COMPOSITING")


def _list(column: bpy.types.UILayout, record: bpy.types.PropertyGroup) -> None:
    row = column.row()
    row.template_list("SEGADDON_UL_masks", "", record, "masks", record, "active_mask", rows=4)
    buttons = row.column(align=True)
    buttons.operator("segaddon.mask_copy", text="", icon="DUPLICATE")
    buttons.operator("segaddon.mask_remove", text="", icon="REMOVE")
    buttons.separator()
    buttons.operator("segaddon.mask_move", text="", icon="TRIA_UP").direction = "UP"
    buttons.operator("segaddon.mask_move", text="", icon="TRIA_DOWN").direction = "DOWN"
    buttons.separator()
    buttons.operator("segaddon.mask_bake", text="", icon="SELECT_EXTEND")


def _mask(column: bpy.types.UILayout, context: bpy.types.Context, mask: bpy.types.PropertyGroup, fits: bool) -> None:
    candidate = retouch_masks.chosen(mask)
    if candidate is None:
        return
    if not fits:
        _note(column, context, "This mask is of another size than the picture, and does not count", "ERROR")
        return
    source = iface_(_SOURCES.get(candidate.source, candidate.source))
    score = "" if candidate.score >= 1 else iface_(", score {:.2f}").format(candidate.score)
    row = column.row(align=True)
    _note(row.column(), context, f"{candidate.label or iface_('By clicks')} ({source}{score})", "BLANK1", active=False)
    if len(mask.candidates) > 1:
        _steps(
            column,
            "segaddon.mask_candidate",
            "Candidate",
            min(mask.candidate, len(mask.candidates) - 1),
            len(mask.candidates),
        )
    numbers = column.column(align=True)
    numbers.prop(mask, "clean")
    numbers.prop(mask, "grow")


def _painting(column: bpy.types.UILayout, context: bpy.types.Context, image: bpy.types.Image) -> None:
    """While a mask is painted: of what, and the two ways back."""
    name = image.segaddon.painted_name
    text = iface_("Painting '{}'").format(name) if name else iface_("Painting a new mask")
    column.label(text=text, translate=False, icon="BRUSH_DATA")
    _note(column, context, "White masks, black (Ctrl, or X) takes away", "BLANK1", active=False)
    row = column.row(align=True)
    row.operator("segaddon.mask_painted", text="Done", icon="CHECKMARK")
    row.operator("segaddon.mask_painted", text="Discard", icon="X").discard = True


def _segmenter(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What answers clicks that the scene does not."""
    row = column.row()
    row.menu("SEGADDON_MT_segmenter", text=context.scene.segaddon.retouch.segmenter or "Best Segmenter")


def _margins(column: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    grid = column.column(align=True)
    for number, name in enumerate(("Left", "Right", "Top", "Bottom")):
        grid.prop(settings, "margins", index=number, text=name)
    action(grid, "segaddon.extend", "FULLSCREEN_ENTER")


def _results(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    record = context.space_data.image.segaddon
    number = min(record.result, len(record.results) - 1)
    _note(column, context, record.results[number].did, "IMAGE_DATA")
    if len(record.results) > 1:
        _steps(column, "segaddon.result_next", "Candidate", number, len(record.results))
    column.prop(context.scene.segaddon.retouch, "wipe", slider=True)
    row = column.row(align=True)
    row.operator("segaddon.result_accept", text="Accept", icon="CHECKMARK")
    row.operator("segaddon.result_discard", text="Discard", icon="X")


def _steps(column: bpy.types.UILayout, operator: str, label: str, number: int, count: int) -> None:
    row = column.row(align=True)
    row.operator(operator, text="", icon="TRIA_LEFT").step = -1
    middle = row.row(align=True)
    middle.alignment = "CENTER"
    middle.label(text=iface_("{} {} of {}").format(iface_(label), number + 1, count), translate=False)
    row.operator(operator, text="", icon="TRIA_RIGHT").step = 1


def _column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()


def _note(column: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str, active: bool = True) -> None:
    """A text on as many lines as the sidebar needs."""
    scale = context.preferences.system.ui_scale
    letters = max(16, int((context.region.width / scale - 70) / 6.5))
    lines = column.column(align=True)
    lines.scale_y, lines.active = 0.85, active
    for number, line in enumerate(textwrap.wrap(iface_(text), letters) or [""]):
        lines.label(text=line, translate=False, icon="BLANK1" if number else icon)


CLASSES = (
    SEGADDON_MT_segmenter,
    SEGADDON_UL_masks,
    SEGADDON_PT_image,
    SEGADDON_PT_image_mask,
    SEGADDON_PT_image_inpaint,
    SEGADDON_PT_image_history,
)
