# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""The bridge server: how it does, the pictures that it still makes, and the GPU that it shares with Blender."""

import contextlib
from dataclasses import dataclass

import bpy
from bpy.props import StringProperty

from .. import api
from . import running
from .generation import keep
from .reporting import reported

_TICK = 1.0
"""seconds between two looks at the server"""
_GPU_ENGINES = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH")


@dataclass(frozen=True)
class Seen:
    """What panels show of the server."""

    state: api.ServerState | str | None = None
    unfinished: tuple[api.Unfinished, ...] = ()
    """pictures of the open file that can be collected"""
    models: tuple[api.ModelInfo, ...] = ()


seen = Seen()
"""As of the last look."""


def look() -> None:
    """See how the server does, and redraw the panels where that has changed."""
    global seen  # noqa: PLW0603
    try:
        here = bpy.data.filepath
        now = Seen(api.server_state(), tuple(one for one in api.unfinished() if one.file == here), api.models())
    except api.SegAddonError as error:  # a server address that is none, no home folder
        now = Seen(str(error))
    if now != seen:
        seen = now
        running.redraw()


def _tick() -> float:
    look()
    with contextlib.suppress(api.SegAddonError):  # shown by ``look``
        api.attend_server(True)
    return _TICK


def renders_on_gpu(scene: bpy.types.Scene) -> bool:
    """Whether a render of the scene needs the GPU that the server's models are on."""
    if scene.render.engine == "CYCLES":
        return scene.cycles.device == "GPU"
    return scene.render.engine in _GPU_ENGINES


@bpy.app.handlers.persistent
def _on_render(scene, *_more) -> None:
    if renders_on_gpu(scene):
        _lend(True)


@bpy.app.handlers.persistent
def _after_render(_scene, *_more) -> None:
    _lend(False)


def _lend(lend: bool) -> None:
    with contextlib.suppress(api.SegAddonError):  # a render must not fail for a server that cannot be used
        api.lend_gpu(lend)


_HANDLERS = (("render_init", _on_render), ("render_complete", _after_render), ("render_cancel", _after_render))


def register() -> None:
    """Watch the server, in a window; step aside for renders, everywhere."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=_TICK, persistent=True)


def unregister() -> None:
    """Leave the server and the renders alone."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    api.leave_server()


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


class SEGADDON_OT_free_gpu(bpy.types.Operator):
    """Have the server give back all GPU memory now; the next picture takes a little longer"""

    bl_idname = "segaddon.free_gpu"
    bl_label = "Free GPU"

    def execute(self, _context):
        with reported(self):
            api.free_gpu()
            self.report({"INFO"}, "The server holds no GPU memory")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_collect(running.Modal, bpy.types.Operator):
    """Get the picture that was being made when the file was closed, with the maps that it was made from"""

    bl_idname = "segaddon.collect"
    bl_label = "Collect Picture"
    bl_options = {"UNDO", "INTERNAL"}

    key: StringProperty(name="Key", description="Which picture", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context):
        return running.is_idle(cls)

    def start(self, _context):
        one = api.find_unfinished(self.key)
        self._scene = one.scene
        return api.resume(one, wait=False)

    def finish(self, context, scene, pictures):
        scene = bpy.data.scenes.get(self._scene, scene)
        for picture in reversed(pictures):  # the first one stays in view
            keep(context, scene, picture)
        look()
        self.report({"INFO"}, f"Made '{pictures[0].image.name}'")


class SEGADDON_OT_discard(bpy.types.Operator):
    """Do not want this picture any more; the server stops making it"""

    bl_idname = "segaddon.discard"
    bl_label = "Discard Picture"
    bl_options = {"INTERNAL"}

    key: StringProperty(name="Key", description="Which picture", options={"SKIP_SAVE"})

    def execute(self, _context):
        with reported(self):
            api.discard(self.key)
            look()
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (SEGADDON_OT_check_server, SEGADDON_OT_free_gpu, SEGADDON_OT_collect, SEGADDON_OT_discard)
