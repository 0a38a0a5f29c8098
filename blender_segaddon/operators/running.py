"""The one job that the buttons have under way; panels show it."""

from __future__ import annotations

import bpy

from .. import api

job: api.Job[list[api.Picture]] | None = None
"""None when nothing runs."""


def stop() -> None:
    """Cancel and wait: the add-on is being disabled."""
    global job  # noqa: PLW0603  # one at a time, by design
    if job is not None:
        job.cancel()
        job = None


class Modal:
    """Mixin of operators that start a job: waits in ``execute``, never blocks the window in ``invoke``."""

    def start(self, context: bpy.types.Context) -> api.Job[list[api.Picture]]:
        """Gather inputs and start the job."""
        raise NotImplementedError

    def finish(self, context: bpy.types.Context, pictures: list[api.Picture]) -> None:
        """Put the pictures where they belong."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        from .reporting import reported

        with reported(self):  # pyright: ignore[reportArgumentType]  # mixed into an Operator
            self.finish(context, self.start(context).result())
            return {"FINISHED"}
        return {"CANCELLED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        from .reporting import reported

        global job  # noqa: PLW0603
        with reported(self):  # pyright: ignore[reportArgumentType]
            job = self.start(context)
            self._timer = context.window_manager.event_timer_add(0.1, window=context.window)
            context.window_manager.modal_handler_add(self)  # pyright: ignore[reportArgumentType]
            return {"RUNNING_MODAL"}
        return {"CANCELLED"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if job is None:
            return self._end(context, {"CANCELLED"})
        if event.type == "ESC":
            job.cancel()
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        context.workspace.status_text_set(f"Generating: {job.message} – Esc to cancel")
        for area in context.screen.areas:
            area.tag_redraw()
        return self._collect(context) if job.done() else {"PASS_THROUGH"}

    def _collect(self, context: bpy.types.Context) -> set[str]:
        from .reporting import reported

        finished = job
        with reported(self):  # pyright: ignore[reportArgumentType]
            if finished is not None:
                self.finish(context, finished.result())
                return self._end(context, {"FINISHED"})
        return self._end(context, {"CANCELLED"})

    def _end(self, context: bpy.types.Context, outcome: set[str]) -> set[str]:
        global job  # noqa: PLW0603
        job = None
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)
        return outcome
