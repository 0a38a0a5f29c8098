"""Whether a machine is quiet enough for a measured time to be judged. Standard library only; Linux."""

from __future__ import annotations

import os
import time
from pathlib import Path

QUIET = 0.15
"""Share of the processors that other programs may have."""


class Processors:
    """What they did since this was made."""

    def __init__(self) -> None:
        self._began, self._ours = time.perf_counter(), sum(os.times()[:2])
        self._busy = self._read()

    def others(self) -> float:
        """0 .. 1: the share of all processors' time that other programs had."""
        seconds = (time.perf_counter() - self._began) * (os.cpu_count() or 1)
        return max(0.0, (self._read() - self._busy - (sum(os.times()[:2]) - self._ours)) / seconds)

    @staticmethod
    def _read() -> float:
        """Seconds that all processors were busy since the machine's start."""
        user, nice, system, *_rest = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
