"""Entries in Blender's own menus: what stands in a menu is also found by its search (F3)."""

from __future__ import annotations

import bpy


class SEGADDON_MT_render(bpy.types.Menu):
    """Below Render."""

    bl_label = "Scene to Picture"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("segaddon.capture", icon="RENDERLAYERS")
        layout.operator("segaddon.generate", icon="RENDER_STILL")
        layout.operator("segaddon.variation", icon="MOD_ARRAY")
        layout.separator()
        layout.operator("segaddon.project", icon="MOD_UVPROJECT")
        layout.operator("segaddon.backdrop", icon="WORLD")
        layout.operator("segaddon.next_view", icon="RENDERLAYERS")
        layout.operator("segaddon.apply_bake", icon="TEXTURE")
        layout.separator()
        layout.operator("segaddon.save_look", icon="ASSET_MANAGER")
        layout.operator("segaddon.export_maps", icon="EXPORT")


class SEGADDON_MT_image(bpy.types.Menu):
    """In the Image Editor, below Image."""

    bl_label = "Retouch"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("segaddon.retouch_pick", icon="EYEDROPPER")
        layout.operator("segaddon.mask_paint", icon="BRUSH_DATA")
        layout.separator()
        layout.operator("segaddon.inpaint", icon="BRUSH_DATA")
        layout.operator("segaddon.remove", icon="TRASH")
        layout.operator("segaddon.extend", icon="FULLSCREEN_ENTER")


def _render(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.menu("SEGADDON_MT_render")


def _view(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("segaddon.shot_from_view", icon="CAMERA_DATA")
    self.layout.operator("segaddon.generate_from_view", icon="RENDER_STILL")


def _image(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    if context.space_data.image is not None:
        self.layout.separator()
        self.layout.menu("SEGADDON_MT_image")


_MENUS = (("TOPBAR_MT_render", _render), ("VIEW3D_MT_view", _view), ("IMAGE_MT_image", _image))


def register() -> None:
    for name, draw in _MENUS:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    for name, draw in _MENUS:
        getattr(bpy.types, name).remove(draw)


CLASSES = (SEGADDON_MT_render, SEGADDON_MT_image)
