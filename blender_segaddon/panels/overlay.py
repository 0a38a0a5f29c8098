"""The live overlay: below Scene Maps in the sidebar, and among the viewport's own overlays."""

from __future__ import annotations

import bpy


class _Overlay:
    bl_space_type = "VIEW_3D"
    bl_label = "Overlay"

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.window_manager.segaddon_overlay, "show", text="")

    def draw(self, context: bpy.types.Context) -> None:
        look = context.window_manager.segaddon_overlay
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.active = look.show
        column.row().prop(look, "kind", expand=True)
        column.prop(look, "opacity", slider=True)
        column.prop(look, "names")


class SEGADDON_PT_overlay(_Overlay, bpy.types.Panel):
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_maps"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        super().draw(context)
        column = self.layout.column()
        column.operator("segaddon.class_by_click", icon="EYEDROPPER")
        if context.window_manager.segaddon_overlay.show and not context.space_data.overlay.show_overlays:
            column.label(text="Overlays are off in this view", icon="INFO")


class SEGADDON_PT_viewport_overlay(_Overlay, bpy.types.Panel):
    """In the popover of the viewport's overlays."""

    bl_region_type = "HEADER"
    bl_parent_id = "VIEW3D_PT_overlay"
    bl_label = "Scene Maps"


CLASSES = (SEGADDON_PT_overlay, SEGADDON_PT_viewport_overlay)
