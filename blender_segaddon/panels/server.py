"""How the server does, and the pictures that it still makes."""

from __future__ import annotations

import bpy

from .. import api
from ..operators import server

_GIB = 1 << 30


def _line(state: api.ServerState | str | None) -> tuple[str, str]:
    """(text, icon) for the server's state."""
    if state is None:
        return "Starts with the next picture", "RADIOBUT_OFF"
    if isinstance(state, str):
        return state, "ERROR"
    if state.lent:
        return "Waits for Blender's render", "PAUSE"
    busy = "Working" if state.running else "Ready"
    waiting = f", {state.queued} waiting" if state.queued else ""
    return f"{busy}{waiting}", "RADIOBUT_ON"


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
        text, _icon = _line(server.seen.state)
        row.label(text=text if len(text) < 20 else "Problem")

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column()
        state = server.seen.state
        text, icon = _line(state)
        column.label(text=text, icon=icon)
        if isinstance(state, api.ServerState):
            column.label(text=f"Version {state.version}, {state.clients} connected", icon="BLANK1")
            if state.total_bytes:
                free, total = state.free_bytes / _GIB, state.total_bytes / _GIB
                column.label(text=f"{free:.1f} of {total:.1f} GB free on {state.device}", icon="BLANK1")
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
            row.label(text=one.prompt or one.scene, icon="TIME")
            row.operator("segaddon.collect", text="", icon="IMPORT").key = one.key
            row.operator("segaddon.discard", text="", icon="X").key = one.key


CLASSES = (SEGADDON_PT_server, SEGADDON_PT_unfinished)
