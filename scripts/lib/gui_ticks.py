"""How long the add-on itself works in Blender's thread at a time, in a window."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from scripts.lib.gui_person import MODULE, addon

LONGEST_TICK = 0.05
"""seconds of our own work in Blender's thread at a time"""

Ticks = list[tuple[float, str]]
"""(seconds, what)"""


@contextlib.contextmanager
def of_generating() -> Iterator[Ticks]:
    """Every tick of captures and of the button Generate."""
    ticks: Ticks = []
    job = sys.modules[f"{MODULE}.capture.background"].CaptureJob
    operator = addon("operators.generation").SEGADDON_OT_generate
    kept = job._advance, operator.modal
    job._advance = _timed(ticks, "capture", kept[0])
    operator.modal = _timed(ticks, "operator", kept[1])
    try:
        yield ticks
    finally:
        job._advance, operator.modal = kept


def longest(ticks: Ticks) -> tuple[float, str]:
    """(seconds of the longest tick, a line with the longest of each kind)."""
    kinds = {kind for _, kind in ticks}
    told = ", ".join(f"{kind} {1000 * max(s for s, k in ticks if k == kind):.0f} ms" for kind in sorted(kinds))
    return max(ticks, default=(0.0, ""))[0], told


def _timed(ticks: Ticks, name: str, function: Callable[..., object]) -> Callable[..., object]:
    """The method, with its seconds noted. Blender counts the arguments of an operator's methods: named one by one."""

    def of_job(self: object) -> object:
        with noted():
            return function(self)

    def of_operator(self: object, context: object, event: object) -> object:
        with noted():
            return function(self, context, event)

    @contextlib.contextmanager
    def noted() -> Iterator[None]:
        began = time.perf_counter()
        yield
        ticks.append((time.perf_counter() - began, name))

    return of_job if name == "capture" else of_operator
