"""One tab, from top to bottom as the work goes: what things are, the picture, a retouch, and back into the scene."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from .. import api
from ..operators import running
from . import generation, looks, models

_ON_PLACEMENTS = ("segaddon.update_placement", "segaddon.repaint_view")
"""Buttons that stand beside each picture in the scene; how far they are is shown above all."""
_LABELS = 0.4
"""Width of the labels, as in Blender's split layout."""
_MAPS = (
    (("Semantic", "Seg semantic_map"), ("Instances", "Seg instance_map")),
    (("Depth", "Seg depth"), ("Normals", "Seg normal")),
)
"""(label, name of the Blender image), two in a row."""
_KINDS = {
    "projection": ("Seg Projection ", "MOD_UVPROJECT"),
    "backdrop": ("Seg Backdrop ", "WORLD"),
    "plane": ("Seg Plane ", "IMAGE_PLANE"),
    "reference": ("Seg Reference ", "CAMERA_DATA"),
    "compositor": ("Seg Compositor ", "NODE_COMPOSITING"),
}
"""Kind of a placement → (what its name begins with, icon)."""
_LIGHTING = {"unlit": "SHADING_SOLID", "shadows": "SHADING_RENDERED", "lit": "LIGHT_SUN"}
"""How a projection is lit → icon"""


class _Tab:
    """What all panels share."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"


class _Part(_Tab):
    bl_parent_id = "SEGADDON_PT_main"


class SEGADDON_PT_main(_Tab, bpy.types.Panel):
    bl_label = "Scene to Picture"

    def draw(self, context: bpy.types.Context) -> None:
        if context.scene.camera is None:
            column = self.layout.column()
            column.label(text="The scene has no camera", icon="ERROR")
            column.operator("segaddon.add_camera", icon="CAMERA_DATA")


class SEGADDON_PT_maps(_Part, bpy.types.Panel):
    bl_label = "Scene Maps"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        column = _column(self.layout)
        _class_row(column, context.active_object)
        column.prop(context.scene.segaddon, "background")
        action(column, "segaddon.capture", "RENDERLAYERS")
        if _MAPS[0][0][1] in bpy.data.images:
            grid = column.column(align=True)
            for pair in _MAPS:
                row = grid.row(align=True)
                for label, image in pair:
                    row.operator("segaddon.show_image", text=label).name = image


class SEGADDON_PT_generate(_Part, bpy.types.Panel):
    bl_label = "Generate"
    bl_order = 2

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        looks.SEGADDON_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.segaddon
        column = _column(self.layout)
        column.prop(settings, "prompt")
        if api.has_server():
            models.draw_choice(_labelled(column, "Model"), column, settings.model)
        row = column.row(align=True)
        seed = row.row(align=True)
        seed.active = not settings.random_seed
        seed.prop(settings, "seed")
        row.prop(settings, "random_seed", text="", icon="FILE_REFRESH")
        generation.draw_count(column, settings.generation)
        action(
            column,
            "segaddon.generate",
            "RENDER_STILL",
            n_("Generate", "Operator") if settings.model else n_("Generate Preview", "Operator"),
        )
        if not settings.model:
            note = column.row()
            note.active = False
            note.label(text="Procedural preview, not a model")


class SEGADDON_PT_retouch(_Part, bpy.types.Panel):
    bl_label = "Retouch"
    bl_order = 3

    def draw(self, context: bpy.types.Context) -> None:
        column = _column(self.layout)
        active = context.active_object
        _labelled(column, "Object").label(text=active.name if active else "None active", translate=active is None)
        column.prop(context.scene.segaddon, "retouch_prompt")
        action(column, "segaddon.retouch_object", "BRUSH_DATA")


class SEGADDON_PT_results(_Part, bpy.types.Panel):
    bl_label = "Results"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        column = _column(self.layout)
        _picture(column, context.scene.segaddon)
        buttons = column.column(align=True)
        buttons.operator("segaddon.project", icon="MOD_UVPROJECT")
        buttons.operator("segaddon.backdrop", icon="WORLD")
        buttons.menu("SEGADDON_MT_more_places", text="More Places", icon="DOWNARROW_HLT")
        placed = api.placements(context.scene)
        if placed:
            _placements(column, placed)
            if any(one.kind == "projection" for one in placed):
                _views(column)
            if context.space_data.shading.type in ("WIREFRAME", "SOLID"):
                column.operator("segaddon.view_result", icon="SHADING_RENDERED")


class SEGADDON_MT_more_places(bpy.types.Menu):
    bl_label = "More Places"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator("segaddon.image_plane", icon="IMAGE_PLANE")
        self.layout.operator("segaddon.reference", icon="CAMERA_DATA")
        self.layout.operator("segaddon.compositor_input", icon="NODE_COMPOSITING")
        self.layout.separator()
        self.layout.operator("segaddon.use_camera", icon="VIEW_CAMERA")


def _column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()


def _labelled(column: bpy.types.UILayout, label: str) -> bpy.types.UILayout:
    """A row with a label as properties have it; for what is no property."""
    row = column.split(factor=_LABELS)
    left = row.column()
    left.alignment = "RIGHT"
    left.label(text=label)
    return row.row()


def _class_row(column: bpy.types.UILayout, active: bpy.types.Object | None) -> None:
    """What the active object is taken for; a click changes it for all that are selected."""
    text = iface_("None active")
    if active is not None:
        try:
            text = (api.class_of(active).class_name or iface_("No class")).capitalize()
        except api.SegAddonError:
            text = iface_("No class list")  # the panel of the classes says what is wrong with the user's file
    _labelled(column, "Class").operator("segaddon.set_class", text=text, translate=False)


def action(layout: bpy.types.UILayout, operator: str, icon: str, text: str | None = None) -> None:
    """The button (``text`` in place of its own), or how far what it started is."""
    now = running.current
    if now is None or now.operator != operator:
        layout.operator(operator, icon=icon, **({} if text is None else {"text": text}))
        return
    row = layout.row(align=True)
    row.progress(factor=now.job.progress, text=running.told(now.job), translate=False)
    row.operator("segaddon.cancel", text="", icon="X")


def _picture(column: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    image = settings.picture
    if image is None:
        column.label(text="No picture yet")
        return
    if image.preview is not None:
        column.template_icon(image.preview.icon_id, scale=7)
    row = column.row(align=True)
    row.prop(settings, "picture", text="")
    row.operator("segaddon.show_image", text="", icon="WINDOW").name = image.name
    if api.find_picture(image) is None:
        column.label(text="Made in another session", icon="INFO")
    generation.draw_candidates(column, settings)


def _placements(column: bpy.types.UILayout, placed: list[api.Placement]) -> None:
    column.separator()
    column.label(text="In the Scene")
    if running.current is not None and running.current.operator in _ON_PLACEMENTS:
        action(column, running.current.operator, "NONE")
    for one in placed:
        _placement(column.box(), one)


def _placement(box: bpy.types.UILayout, one: api.Placement) -> None:
    """Thumbnail, name, camera and prompt of a picture in the scene, and what can be done with it."""
    prefix, icon = _KINDS[one.kind]
    about = api.about_placement(one)
    split = box.row()
    if about.image is not None and about.image.preview is not None:
        split.template_icon(about.image.preview.icon_id, scale=2.6)
    column = split.column(align=True)
    head = column.row(align=True)
    head.active = one.shown
    head.label(text=one.name.removeprefix(prefix), translate=False, icon=icon)
    row = column.row(align=True)
    if about.camera:
        row.label(text=about.camera, translate=False, icon="CAMERA_DATA")
    if one.kind == "projection":
        lit = row.operator_menu_enum("segaddon.set_lighting", "lighting", text="", icon=_LIGHTING[one.lighting])
        lit.name = one.name
    for operator, symbol in (
        ("show_placement", "HIDE_OFF" if one.shown else "HIDE_ON"),
        ("update_placement", "FILE_REFRESH"),
        ("repaint_view", "SHADERFX"),
        ("send_to_image_editor", "IMAGE_DATA"),
        ("remove_placement", "X"),
    ):
        row.operator(f"segaddon.{operator}", text="", icon=symbol).name = one.name


def _views(column: bpy.types.UILayout) -> None:
    column.separator()
    buttons = column.column(align=True)
    row = buttons.row(align=True)
    action(row, "segaddon.suggest_camera", "OUTLINER_OB_CAMERA")
    row.operator("segaddon.show_coverage", text="Coverage", icon="IMAGE_ZDEPTH")
    action(buttons, "segaddon.next_view", "RENDERLAYERS")
    action(column, "segaddon.apply_bake", "TEXTURE")


CLASSES = (
    SEGADDON_MT_more_places,
    SEGADDON_PT_main,
    SEGADDON_PT_maps,
    SEGADDON_PT_generate,
    SEGADDON_PT_retouch,
    SEGADDON_PT_results,
)
