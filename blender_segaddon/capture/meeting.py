"""Lets the thread of a render change evaluated data while Blender's main thread stands still."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_UNTIL_HERE = 2.0
"""seconds that the render waits for the main thread; a longer one is busy with what waits for the render itself"""
_UNTIL_OVER = 30.0
"""seconds that the main thread stands still at most"""


class Meeting:
    """One for each render.

    What is written into evaluated data makes Blender look into all its dependency graphs; it crashes if the main thread
    builds one of them anew at that moment, as it does soon after a scene was added to the file.
    """

    def __init__(self) -> None:
        self._called, self._here, self._over = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def held(self) -> Iterator[None]:
        """In the render's thread: the main thread stands still during the block."""
        self._called.set()
        self._here.wait(_UNTIL_HERE)
        try:
            yield
        finally:
            self._over.set()

    def attend(self) -> None:
        """In the main thread, now and then: stand still if the render asks for it."""
        if self._called.is_set() and not self._over.is_set():
            self._here.set()
            self._over.wait(_UNTIL_OVER)
