"""The live overlay: below Scene Maps in the sidebar, and among the viewport's own overlays."""

from __future__ import annotations

import bpy


class SEGADDON_PT_overlay(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_maps"
    bl_label = "Overlay"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.window_manager.segaddon_overlay, "show", text="")

    def draw(self, context: bpy.types.Context) -> None:
        look = context.window_manager.segaddon_overlay
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        settings = column.column()
        settings.active = look.show
        settings.row().prop(look, "kind", expand=True)
        settings.prop(look, "opacity", slider=True)
        settings.prop(look, "names")
        column.operator("segaddon.class_by_click", icon="EYEDROPPER")
        if look.show and not context.space_data.overlay.show_overlays:
            column.label(text="Overlays are off in this view", icon="INFO")


def _draw_among_overlays(panel: bpy.types.Panel, context: bpy.types.Context) -> None:
    look = context.window_manager.segaddon_overlay
    row = panel.layout.row(align=True)
    row.prop(look, "show", text="Scene Maps")
    rest = row.row(align=True)
    rest.active = look.show
    rest.prop(look, "kind", text="")
    rest.prop(look, "opacity", text="", slider=True)


CLASSES = (SEGADDON_PT_overlay,)


def register() -> None:
    bpy.types.VIEW3D_PT_overlay.append(_draw_among_overlays)


def unregister() -> None:
    bpy.types.VIEW3D_PT_overlay.remove(_draw_among_overlays)
