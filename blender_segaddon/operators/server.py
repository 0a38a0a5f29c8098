"""The bridge server, from the preferences."""

from __future__ import annotations

import bpy

from .. import api
from .reporting import reported


class SEGADDON_OT_check_server(bpy.types.Operator):
    """Start the bridge server if it does not run, and ask it what it is"""

    bl_idname = "segaddon.check_server"
    bl_label = "Check Server"

    def execute(self, _context):
        with reported(self):
            info = api.check_server()
            said = f"Server {info.version} answers" if info else "No server is set: previews are painted in Blender"
            self.report({"INFO"}, said)
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (SEGADDON_OT_check_server,)
