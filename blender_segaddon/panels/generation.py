"""What a model is asked with besides the words, below the button Generate; and the candidates to choose from."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from .. import api
from ..core import passes
from ..operators import model_options, running

_NAMES = {"segmentation": "Classes", "depth": "Depth", "normal": "Normals", "lineart": "Lines"}


class _Part:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_generate"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(context.scene.segaddon.model) and api.has_server()


class SEGADDON_PT_model_options(_Part, bpy.types.Panel):
    bl_label = "Options"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        settings, model = context.scene.segaddon.generation, model_options.model_of(context.scene)
        column = _column(self.layout)
        column.row().prop(settings, "quality", expand=True)
        if model is not None:
            _note(column, iface_("Draws {}").format(_drawn(context.scene, model)))
        column.prop(settings, "style")
        if model is None or model.guided:
            column.prop(settings, "negative")
        column.prop(settings, "region_strength")
        column.prop(settings, "own_sampling")
        if settings.own_sampling:
            column.prop(settings, "steps")
            if model is None or model.guided:
                column.prop(settings, "guidance")
        if model is not None and not model.guided:
            note = column.column(align=True)
            _note(note, "It draws without guidance:")
            _note(note, "words cannot say what to avoid")


class SEGADDON_PT_guides(_Part, bpy.types.Panel):
    bl_label = "Guides"
    bl_order = 3

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.segaddon.generation, "own_guides", text="")

    def draw(self, context: bpy.types.Context) -> None:
        settings, model = context.scene.segaddon.generation, model_options.model_of(context.scene)
        column = self.layout.column()
        if not settings.own_guides:
            _note(column, "As the model does best")
            return
        known = model_options.GUIDES if model is None else model.controls
        for kind in (kind for kind in model_options.GUIDES if kind in known):
            one = getattr(settings, kind)
            row = column.row()
            row.prop(one, "use", text=_NAMES[kind])
            weight = row.row()
            weight.active = one.use
            weight.prop(one, "weight", text="")
            if one.use:
                window = column.row(align=True)
                window.prop(one, "start")
                window.prop(one, "end")


class SEGADDON_PT_start(_Part, bpy.types.Panel):
    bl_label = "Start From"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.segaddon.generation
        column = self.layout.column()
        column.row().prop(settings, "start", expand=True)
        if settings.start != "NOTHING":
            column.prop(settings, "strength")


class SEGADDON_PT_references(_Part, bpy.types.Panel):
    bl_label = "References"
    bl_order = 5

    def draw(self, context: bpy.types.Context) -> None:
        settings, model = context.scene.segaddon.generation, model_options.model_of(context.scene)
        column = self.layout.column()
        if model is not None and not model.references:
            _note(column, "This model takes no reference pictures")
            return
        for index, one in enumerate(settings.references):
            box = column.box().column()
            _head(box, one, "REFERENCES", index).template_ID(one, "image", open="image.open")
            below = box.column(align=True)
            below.active = one.use
            below.prop(one, "weight")
            below.prop(one, "object", text="")
        column.operator("segaddon.add_option", text="Add Picture", icon="ADD").kind = "REFERENCES"


class SEGADDON_PT_loras(_Part, bpy.types.Panel):
    bl_label = "LoRAs"
    bl_order = 6

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        for index, one in enumerate(context.scene.segaddon.generation.loras):
            row = _head(column, one, "LORAS", index)
            row.prop(one, "name", text="")
            row.prop(one, "weight", text="")
        if not api.loras():
            _note(column, "The server has none")
        column.operator("segaddon.add_option", text="Add LoRA", icon="ADD").kind = "LORAS"


def draw_count(column: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """How many pictures are made, and of how many they are the best."""
    row = column.row(align=True)
    row.prop(settings, "count")
    if settings.count < 16:
        best = column.row()
        best.active = settings.best_of > settings.count
        best.prop(settings, "best_of")


def draw_candidates(column: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """The pictures to choose from, each with how well it follows the scene; and more like the one that is chosen."""
    known = [one for one in settings.generation.candidates if one.image is not None]
    grid = column.grid_flow(row_major=True, columns=min(len(known), 4) or 1, even_columns=True, align=True)
    for one in known:
        cell = grid.column(align=True)
        if one.image.preview is not None:
            cell.template_icon(one.image.preview.icon_id, scale=3)
        text = f"{one.agreement:.2f}" if one.agreement else "Choose"
        chosen = one.image == settings.picture
        cell.operator("segaddon.choose_candidate", text=text, depress=chosen).name = one.image.name
    row = column.row(align=True)
    now = running.current
    if now is None or now.operator != "segaddon.variation":
        row.operator("segaddon.variation", text="Vary", icon="MOD_ARRAY")
        row.prop(settings.generation, "amount", text="", slider=True)
    else:
        row.progress(factor=now.job.progress, text=now.job.message)
        row.operator("segaddon.cancel", text="", icon="X")


def _drawn(scene: bpy.types.Scene, model: api.ModelInfo) -> str:
    """The sizes of the passes, and that of the picture."""
    render = scene.render
    scale = render.resolution_percentage / 100
    size = max(int(render.resolution_x * scale), 1), max(int(render.resolution_y * scale), 1)
    drawn = passes.sizes(size, model.native, draft=scene.segaddon.generation.quality == "DRAFT")
    told = ["{} × {}".format(*one) for one in drawn]
    if drawn[-1] != size:
        told.append((iface_("enlarged to {} × {}") if drawn[-1] < size else iface_("reduced to {} × {}")).format(*size))
    return iface_(", then ").join(told) if len(drawn) > 1 else ", ".join(told)


def _head(column: bpy.types.UILayout, one: bpy.types.PropertyGroup, kind: str, index: int) -> bpy.types.UILayout:
    """A row of a list: whether it counts, what the caller puts there, and its removal."""
    row = column.row(align=True)
    row.prop(one, "use", text="")
    inner = row.row(align=True)
    inner.active = one.use
    remove = row.operator("segaddon.remove_option", text="", icon="X")
    remove.kind, remove.index = kind, index
    return inner


def _note(column: bpy.types.UILayout, text: str) -> None:
    row = column.row()
    row.active = False
    row.label(text=text)


def _column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()


CLASSES = (
    SEGADDON_PT_model_options,
    SEGADDON_PT_guides,
    SEGADDON_PT_start,
    SEGADDON_PT_references,
    SEGADDON_PT_loras,
)
