"""How the server does, and the pictures that it still makes."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from .. import api
from ..operators import server

_GIB = 1 << 30


def _line(state: api.ServerState | str | None) -> tuple[str, str, str]:
    """(a word, a line, icon) for the server's state."""
    if state is None:
        return "Off", "Starts with the next picture", "RADIOBUT_OFF"
    if isinstance(state, str):
        return "Problem", state, "ERROR"
    if state.lent:
        return "Paused", "Waits for Blender's render", "PAUSE"
    busy = "Working" if state.running else "Ready"
    waiting = iface_(", {} waiting").format(state.queued) if state.queued else ""
    return busy, iface_(busy) + waiting, "RADIOBUT_ON"


class SEGADDON_PT_server(bpy.types.Panel):
    bl_label = "Server"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_main"
    bl_order = 9
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return api.has_server()

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        row = self.layout.row()
        row.active = False
        row.label(text=_line(server.seen.state)[0])

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column()
        state = server.seen.state
        _word, text, icon = _line(state)
        column.label(text=text, icon=icon)
        if isinstance(state, api.ServerState):
            known = iface_("Version {}, {} connected").format(state.version, state.clients)
            column.label(text=known, translate=False, icon="BLANK1")
            if state.total_bytes:
                free, total = state.free_bytes / _GIB, state.total_bytes / _GIB
                left = iface_("{:.1f} of {:.1f} GB free on {}").format(free, total, state.device)
                column.label(text=left, translate=False, icon="BLANK1")
        row = column.row(align=True)
        row.operator("segaddon.check_server", icon="CHECKMARK")
        free = row.row(align=True)
        free.enabled = isinstance(state, api.ServerState)
        free.operator("segaddon.free_gpu", icon="MEMORY")


class SEGADDON_PT_unfinished(bpy.types.Panel):
    bl_label = "Unfinished Pictures"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_main"
    bl_order = 0

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return bool(server.seen.unfinished)

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for one in server.seen.unfinished:
            row = column.row(align=True)
            row.label(text=one.prompt or one.scene, translate=False, icon="TIME")
            row.operator("segaddon.collect", text="", icon="IMPORT").key = one.key
            row.operator("segaddon.discard", text="", icon="X").key = one.key


CLASSES = (SEGADDON_PT_server, SEGADDON_PT_unfinished)
