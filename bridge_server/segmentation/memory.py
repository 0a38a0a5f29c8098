"""What was seen of pictures, kept so that no click looks at the same part of a picture twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .segmenter import Embedding

Window = tuple[int, int, int, int]
"""(x0, y0, x1, y1) of a part of a picture"""
Key = tuple[str, str, Window]
"""Segmenter, SHA-256 of the picture, part of it"""


class Embeddings:
    """The least recently used go first.

    Args:
        most: bytes that are kept at most; the newest is kept whatever its size.
    """

    def __init__(self, most: int = 512 << 20) -> None:
        self._most = most
        self._held: dict[Key, Embedding] = {}
        self.encoded: Counter[str] = Counter()
        """how often each segmenter has looked at a picture"""

    def get(self, key: Key, encode: Callable[[], Embedding]) -> Embedding:
        """What is kept, else what ``encode`` gives."""
        found = self.find(key)
        if found is None:
            found = encode()
            self.encoded[key[0]] += 1
        return self.keep(key, found)

    def find(self, key: Key) -> Embedding | None:
        """What is kept, which is then the most recently used; None where nothing is."""
        found = self._held.pop(key, None)
        if found is not None:
            self._held[key] = found
        return found

    def keep(self, key: Key, one: Embedding) -> Embedding:
        """Keep what was made, or read, elsewhere; gives it back."""
        self._held.pop(key, None)
        self._held[key] = one
        self._forget()
        return one

    def forget(self, segmenter: str) -> None:
        """Drop what one segmenter has seen: its files may be others by the time it is loaded again."""
        self._held = {key: one for key, one in self._held.items() if key[0] != segmenter}

    def _forget(self) -> None:
        total = sum(one.nbytes for one in self._held.values())
        for key in list(self._held)[:-1]:
            if total <= self._most:
                return
            total -= self._held.pop(key).nbytes
