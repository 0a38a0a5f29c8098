"""Maps as files, and maps with Blender's own renders."""

from __future__ import annotations

import textwrap

import bpy

from .. import api

_LINE = 36
"""letters; as many as the sidebar shows at its usual width"""


class SEGADDON_PT_export(bpy.types.Panel):
    bl_label = "Files and Renders"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_maps"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.segaddon
        column = self.layout.column()
        column.operator("segaddon.export_maps", icon="EXPORT")
        if api.has_bakes():
            column.operator("segaddon.export_usd", icon="EXPORT")
        column.prop(settings, "maps_with_renders")
        if settings.maps_with_renders:
            note = column.column(align=True)
            note.active = False
            for line in textwrap.wrap(api.render_status(), _LINE):
                note.label(text=line)


CLASSES = (SEGADDON_PT_export,)
