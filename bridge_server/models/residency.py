"""Which generators stay loaded: those used last, within the device's memory."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..generators import Generator, Loaded

logger = logging.getLogger(__name__)


@dataclass
class _Held:
    loaded: Loaded
    size: int
    used: float


class Residency:
    """The loaded generators of a worker, the least recently used first.

    Args:
        budget: how many bytes all of them together may take now, asked before each load; it is given the bytes that
            they take already.
    """

    def __init__(self, budget: Callable[[int], int]) -> None:
        self._budget = budget
        self._held: dict[str, _Held] = {}

    def sizes(self) -> dict[str, int]:
        """Bytes by name, the least recently used first."""
        return {name: held.size for name, held in self._held.items()}

    def is_loaded(self, name: str) -> bool:
        """True when the next ``get`` takes no time."""
        return name in self._held

    def get(self, generator: Generator) -> Loaded:
        """The generator, loaded now if need be; others go before, the least recently used first, until it fits."""
        held = self._held.pop(generator.name, None)
        if held is None:
            self._make_room(generator.size)
            held = _Held(generator.load(), generator.size, 0.0)
            logger.info("%s loaded", generator.name)
        held.used = time.monotonic()
        self._held[generator.name] = held
        return held.loaded

    def unload(self, name: str) -> None:
        """Free one generator; nothing if it is not loaded."""
        if held := self._held.pop(name, None):
            held.loaded.unload()
            gc.collect()
            logger.info("%s unloaded", name)

    def unload_all(self, but: str = "") -> None:
        """Free all but one."""
        for name in [name for name in self._held if name != but]:
            self.unload(name)

    def unload_idle(self, seconds: float) -> list[str]:
        """Free what has not been used for this long: its names."""
        now = time.monotonic()
        idle = [name for name, held in self._held.items() if now - held.used >= seconds]
        for name in idle:
            self.unload(name)
        return idle

    def yield_memory(self) -> None:
        """Move everything off the device, ready to come back."""
        for held in self._held.values():
            held.loaded.to_host()

    def take_back(self) -> None:
        """Move everything onto the device again."""
        for held in self._held.values():
            held.loaded.to_device()

    def _make_room(self, size: int) -> None:
        while self._held:
            taken = sum(held.size for held in self._held.values())
            if not size or taken + size <= self._budget(taken):
                return
            self.unload(next(iter(self._held)))
