"""The one job that the buttons have under way; panels show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from .. import api
from .reporting import reported

Job = api.Job | api.CaptureJob | api.Sequel | api.BakeJob | api.Errand

_HARMLESS = {
    "TIMER",
    "MOUSEMOVE",
    "INBETWEEN_MOUSEMOVE",
    "MIDDLEMOUSE",
    "WHEELUPMOUSE",
    "WHEELDOWNMOUSE",
    "TRACKPADPAN",
    "TRACKPADZOOM",
    "NDOF_MOTION",
    "WINDOW_DEACTIVATE",
}
"""Events that change nothing in the scene: people may look around at any time."""
_ESCAPE = n_("Esc: Cancel")
_TICK = 0.1
"""seconds between two looks at the job"""
_STOP_SECONDS = 2.0
"""How long Blender waits for the job's thread when the add-on goes away under it; a step of the preview is shorter."""


@dataclass(frozen=True)
class Running:
    """A job, and what waits for it. Holds names: undo and file load leave references dangling."""

    job: Job
    operator: str
    """bl_idname of what started it"""
    scene: str
    timer: bpy.types.Timer


current: Running | None = None
"""None when nothing runs."""


def is_idle(cls: type) -> bool:
    """For ``poll``: whether no job runs; says so if one does."""
    if current is not None:
        text = "Maps or a picture are being made; Esc cancels"
        cls.poll_message_set(text)  # pyright: ignore[reportAttributeAccessIssue]
        return False
    return True


def told(job: Job) -> str:
    """How far it is and how long it takes yet, in a few words."""
    left = getattr(job, "seconds_left", None)
    if left is None or job.done():
        return job.message
    told = iface_("{:.0f} min left").format(left / 60) if left >= 90 else iface_("{:.0f} s left").format(left)
    return f"{job.message}, {told}"


def _edits_wait() -> bool:
    """Blender may crash when something is deleted while it reads the scene in another thread."""
    job = current.job if current is not None else None
    return isinstance(job, (api.CaptureJob, api.Sequel, api.BakeJob, api.Errand)) and job.holds_scene()


def stop() -> None:
    """Another file is being loaded, or the add-on is being disabled: a server goes on with the picture, which can be
    collected later; one that is painted here ends."""
    running = _let_go()
    if running is not None:
        running.job.let_go()
        running.job.wait(_STOP_SECONDS)


def _let_go() -> Running | None:
    global current  # one at a time, by design
    running, current = current, None
    if running is not None:
        bpy.context.window_manager.event_timer_remove(running.timer)
        for workspace in bpy.data.workspaces:
            workspace.status_text_set(None)
        redraw()
    return running


def redraw() -> None:
    """The sidebars alone: a rendered viewport beside them would start over."""
    areas = [area for window in bpy.context.window_manager.windows for area in window.screen.areas]
    shown = {"VIEW_3D", "IMAGE_EDITOR"}
    for region in [region for area in areas if area.type in shown for region in area.regions]:
        if region.type == "UI":
            region.tag_redraw()


class Modal:
    """Mixin of operators that start a job: waits in ``execute``, never blocks the window in ``invoke``."""

    def start(self, context: bpy.types.Context) -> Job:
        """Gather inputs and start the job."""
        raise NotImplementedError

    def begin(self, context: bpy.types.Context) -> Job:
        """As ``start``, where nothing may hold up the window."""
        return self.start(context)

    def finish(self, context: bpy.types.Context, scene: bpy.types.Scene, made: Any) -> None:
        """Put what the job made where it belongs; ``scene`` is where the job was started."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        with reported(self):  # pyright: ignore[reportArgumentType]  # mixed into an Operator
            self.finish(context, context.scene, self.start(context).result())
            return {"FINISHED"}
        return {"CANCELLED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        global current  # noqa: PLW0603
        if bpy.app.background:
            return self.execute(context)
        with reported(self):  # pyright: ignore[reportArgumentType]
            job = self.begin(context)
            job.done()  # an errand begins its render now: of two modal operators the later one hears Esc first
            manager = context.window_manager
            timer = manager.event_timer_add(_TICK, window=context.window)
            current = Running(job, type(self).bl_idname, context.scene.name, timer)  # pyright: ignore
            manager.modal_handler_add(self)  # pyright: ignore[reportArgumentType]
            context.workspace.status_text_set(iface_(_ESCAPE))
            redraw()
            return {"RUNNING_MODAL"}
        return {"CANCELLED"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if current is None:  # stopped from outside
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            current.job.cancel()
            redraw()
            return {"RUNNING_MODAL"}
        if event.type == "TIMER":
            if current.job.done():
                return self._collect(context)
            context.workspace.status_text_set(f"{told(current.job)}    {iface_(_ESCAPE)}")
            redraw()
        if event.type in _HARMLESS:
            return {"PASS_THROUGH"}
        waits = _edits_wait()
        if isinstance(current.job, api.Sequel) and (waits or event.value == "PRESS"):
            current.job.give_way()  # also between two renders: what opens now may edit during the next
        return {"RUNNING_MODAL"} if waits else {"PASS_THROUGH"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Blender ends the operator: the window closes, or another file is being loaded."""
        stop()

    def _collect(self, context: bpy.types.Context) -> set[str]:
        running = _let_go()
        with reported(self):  # pyright: ignore[reportArgumentType]
            if running is not None:
                scene = bpy.data.scenes.get(running.scene, context.scene)
                self.finish(context, scene, running.job.result())
                return {"FINISHED"}
        return {"CANCELLED"}
