"""The scene's shots, and a new one from the view."""

from __future__ import annotations

import bpy

from ..operators import shots


class SEGADDON_PT_shots(bpy.types.Panel):
    bl_label = "Shots"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_main"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column, current = self.layout.column(), shots.shot_of(context.scene)
        rows = column.column(align=True)
        for index, shot in enumerate(context.scene.segaddon_shots):
            row = rows.row(align=True)
            icon = "VIEW_CAMERA" if shot == current else "CAMERA_DATA"
            row.operator("segaddon.use_shot", text="", icon=icon, depress=shot == current).index = index
            row.prop(shot, "name", text="")
            row.operator("segaddon.remove_shot", text="", icon="X").index = index
        column.operator("segaddon.shot_from_view", icon="ADD")
        column.operator("segaddon.generate_from_view", icon="RENDER_STILL")


CLASSES = (SEGADDON_PT_shots,)
