"""Looks of the file, words that belong to them, and presets: below Generate; and looks in the Asset Browser."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from .. import api
from ..operators.looks import PRESETS


class _Part:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_generate"
    bl_options = {"DEFAULT_CLOSED"}


class SEGADDON_PT_presets(PresetPanel, bpy.types.Panel):
    """In the header of Generate."""

    bl_label = "Generate Presets"
    bl_space_type = "VIEW_3D"
    preset_subdir = PRESETS
    preset_operator = "script.execute_preset"
    preset_add_operator = "segaddon.add_preset"


class SEGADDON_PT_looks(_Part, bpy.types.Panel):
    bl_label = "Looks"
    bl_order = 0

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column()
        rows = column.column(align=True)
        for one in api.looks():
            row = rows.row(align=True)
            icon = {"icon_value": one.preview.icon_id} if one.preview is not None else {"icon": "ASSET_MANAGER"}
            row.operator("segaddon.apply_look", text=one.name, translate=False, **icon).name = one.name
            row.operator("segaddon.remove_look", text="", icon="X").name = one.name
        column.operator("segaddon.save_look", icon="ADD")


class SEGADDON_PT_words(_Part, bpy.types.Panel):
    bl_label = "Words"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.segaddon.generation
        column = self.layout.column()
        column.prop(settings, "words", text="", placeholder="Added to Every Prompt")
        for index, one in enumerate(settings.class_words):
            row = column.row(align=True)
            row.prop(one, "use", text="")
            inner = row.split(factor=0.4, align=True)
            inner.active = one.use
            inner.prop(one, "class_name", text="", placeholder="Class")
            inner.prop(one, "words", text="", placeholder="Words")
            remove = row.operator("segaddon.remove_option", text="", icon="X")
            remove.kind, remove.index = "CLASS_WORDS", index
        column.operator("segaddon.add_option", text="Add Class", icon="ADD").kind = "CLASS_WORDS"


def _menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """A look of any library can be applied from its context menu."""
    asset = context.asset
    if asset is None or api.LOOK_TAG not in asset.metadata.tags:
        return
    self.layout.separator()
    apply = self.layout.operator("segaddon.apply_look", icon="SHADERFX")
    apply.name, apply.file = asset.name, asset.full_library_path


def register() -> None:
    bpy.types.ASSETBROWSER_MT_context_menu.append(_menu)


def unregister() -> None:
    bpy.types.ASSETBROWSER_MT_context_menu.remove(_menu)


CLASSES = (SEGADDON_PT_presets, SEGADDON_PT_looks, SEGADDON_PT_words)
