"""One tab, three parts: what things are, the picture, and what has been put into the scene."""

from __future__ import annotations

import bpy

from .. import api
from ..operators import running


class SEGADDON_PT_main(bpy.types.Panel):
    bl_label = "Scene to Picture"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        if context.scene.camera is None:
            layout.label(text="The scene has no camera", icon="INFO")
            layout.operator("segaddon.add_camera", icon="CAMERA_DATA")
        self._maps(context, layout.column())
        self._generate(context, layout.column())
        self._results(context, layout.column())

    def _maps(self, context: bpy.types.Context, column: bpy.types.UILayout) -> None:
        settings = context.scene.segaddon
        column.label(text="Scene Maps", icon="RENDERLAYERS")
        column.prop(settings, "background")
        column.operator("segaddon.capture", icon="RESTRICT_RENDER_OFF")
        row = column.row(align=True)
        row.prop(settings, "class_name")
        row.operator("segaddon.set_class", text="", icon="CHECKMARK").class_name = settings.class_name

    def _generate(self, context: bpy.types.Context, column: bpy.types.UILayout) -> None:
        settings = context.scene.segaddon
        column.separator()
        column.label(text="Picture", icon="IMAGE_DATA")
        column.prop(settings, "prompt")
        column.prop(settings, "random_seed")
        seed = column.column()
        seed.active = not settings.random_seed
        seed.prop(settings, "seed")
        if running.job is not None:
            column.progress(factor=running.job.progress, text=running.job.message)
        else:
            column.operator("segaddon.generate", icon="RENDER_STILL")
        column.label(text="Preview: procedural, not a model")

    def _results(self, context: bpy.types.Context, column: bpy.types.UILayout) -> None:
        settings = context.scene.segaddon
        column.separator()
        column.label(text="Into the Scene", icon="SCENE_DATA")
        column.prop(settings, "picture")
        column.operator("segaddon.project", icon="MOD_UVPROJECT")
        column.operator("segaddon.backdrop", icon="WORLD")
        column.prop(settings, "retouch_prompt")
        column.operator("segaddon.retouch_object", icon="BRUSH_DATA")
        for placement in api.placements(context.scene):
            row = column.row(align=True)
            row.label(text=placement.name, icon="WORLD" if placement.kind == "backdrop" else "MOD_UVPROJECT")
            row.operator("segaddon.update_placement", text="", icon="FILE_REFRESH").name = placement.name
            row.operator("segaddon.remove_placement", text="", icon="X").name = placement.name


CLASSES = (SEGADDON_PT_main,)
