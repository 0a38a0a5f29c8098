"""Renders of one scene by Blender in its own thread, and the pictures that are decoded of them in one of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace

import bpy

from ..core import geometry
from ..core.maps import SceneMaps
from . import cycles, ids_engine
from .fingerprint import fingerprint
from .meeting import Meeting
from .outlines import FineLook
from .scene_maps import Seen
from .shot import View

_CLOSER_BAND = 1 << 19
"""parts of pixels that a closer look renders at once: edits wait for so long"""
_LONGEST_WAIT = 10.0
"""seconds until a render that has not begun is given up: an undo took it"""


class Exposure:
    """One render under way, and what it keeps in the file."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._stack = ExitStack()
        self._thread: threading.Thread | None = None
        self._silent: ids_engine.HandlersSilent | None = None
        self._failure: BaseException | None = None
        self.seen: Seen | None = None
        self.maps: SceneMaps | None = None
        try:
            self._session = self._stack.enter_context(cycles.session(view, once=True))
            _leave_one_processor(self._session.copy.scene.render)
            self._session.begin(view)
            self._stack.callback(self.give_handlers_back)
            self._expose(0, view.size[1])
        except BaseException:
            self._stack.close()
            raise

    def _expose(self, top: int, lines: int) -> None:
        """Begin to render some lines."""
        self.meeting = Meeting()
        self._job = self._session.job(top, lines)
        self._job.visit = self._visit
        copy = self._session.copy
        self._silent = ids_engine.HandlersSilent(ids_engine.RENDER_HANDLERS + ids_engine.FRAME_HANDLERS)
        ids_engine.start(self._job, copy.scene, copy.view_layer)
        self._started = time.monotonic()

    def look_closer(self, maps: SceneMaps) -> Generator[None, None, SceneMaps | None]:
        """The maps with outlines, once Blender has rendered them band by band; None where the scene has changed."""
        scene, before = self._view.scene, fingerprint(self._view.scene)
        look = FineLook(maps)
        self._session.begin(replace(self._view, size=look.size))
        look.simplify(self._session)
        for top, lines in look.bands(_CLOSER_BAND):
            while self._is_at_work():
                yield
            self._view.check_cancelled()
            self.give_handlers_back()
            if fingerprint(scene) != before:
                return None
            self._expose(top, lines)
            while self.is_rendering():
                yield
            self._job.check()
            look.take(top, self._job.passes)
        self._in_thread(look.compare)
        while self.is_developing():
            yield
        return look.outlined

    def _visit(self, depsgraph: bpy.types.Depsgraph) -> bool:
        """In Blender's thread: frame handlers have had their chance, so others' may run again."""
        try:
            with self.meeting.held():
                return self._session.visit(depsgraph)
        finally:
            if self._silent is not None:
                self._silent.restore(ids_engine.FRAME_HANDLERS)

    def give_handlers_back(self) -> None:
        """All that were silenced."""
        if self._silent is not None:
            self._silent.restore()

    def has_rendered(self) -> bool:
        """Blender's thread needs the scene no more."""
        return self._job.ended

    def is_rendering(self) -> bool:
        """Raises Stopped where Blender gave up before the end."""
        if self._job.ended:
            return False
        if not self._is_at_work():
            raise ids_engine.Stopped
        return True

    def _is_at_work(self) -> bool:
        """Whether Blender may still need the copy. A render that waits for another (of a preview) does not count as
        running before it begins."""
        if bpy.app.is_job_running("RENDER"):
            return True
        return self.is_there() and not self._job.begun and time.monotonic() - self._started < _LONGEST_WAIT

    def is_there(self) -> bool:
        """Whether the copy of the scene is; undo and other files take it away."""
        try:
            self._session.copy.scene.name  # noqa: B018
        except ReferenceError:
            return False
        return True

    def develop(self) -> None:
        """Decode what was rendered, in a thread; ``seen`` is there once it has ended."""
        self._job.check()
        self._in_thread(self._decode)

    def finish(self, maps: SceneMaps) -> None:
        """Find classes by shape, in a thread; ``maps`` is there once it has ended."""

        def classify() -> None:
            self.maps = geometry.classified(maps)

        self._in_thread(classify)

    def _decode(self) -> None:
        plate = cycles.Plate(self._view.size)
        plate.develop(0, self._job.passes, self._session.rows)
        self._job.passes = {}
        self.seen = Seen.of(self._session.shot(plate))

    def _in_thread(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - thread boundary: is_developing raises it
                self._failure = error

        self._thread = threading.Thread(target=run, name="segaddon maps", daemon=True)
        self._thread.start()

    def is_developing(self) -> bool:
        """Raises what went wrong."""
        if self._thread.is_alive():
            return True
        if self._failure is not None:
            raise self._failure
        return False

    def close(self) -> bool:
        """Take the copy out of the file; False while Blender still renders it: nothing in Python may stop that."""
        if self._is_at_work():
            return False
        self._stack.close()
        return True


def _leave_one_processor(render: bpy.types.RenderSettings) -> None:
    """To the window, which is redrawn meanwhile. ``threads`` is what there is, or the fewer that were set."""
    if render.threads_mode == "AUTO":
        render.threads, render.threads_mode = max(1, render.threads - 1), "FIXED"
