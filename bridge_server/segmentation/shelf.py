"""What networks saw of pictures, on disk: a picture that is opened again is not looked at again.

A file is known by the picture's SHA-256, the part of it and the network's weights: another network of the same name has
other files. They hold numbers alone (safetensors), and the least recently used go.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .segmenter import Embedding

logger = logging.getLogger(__name__)

_SUFFIX = ".safetensors"
_FORMAT = 1
"""Another number for features that are made in another way."""
_BEGUN_SECONDS = 3600.0
"""after which a file that is still being written is nobody's"""
_PIECES, _PIECE = 64, 1 << 16
"""of a file of weights that are read to know it, and their bytes: a whole one takes seconds"""


class Shelf:
    """A folder of embeddings.

    Args:
        folder: made when the first one is kept; its files are for the user alone.
        most: bytes that they take at most.
    """

    def __init__(self, folder: Path, most: int = 2 << 30) -> None:
        self._folder = folder
        self._most = most

    def get(self, key: Sequence[object]) -> Embedding | None:
        """What was kept under a key, None where nothing was, or what was is damaged."""
        from safetensors import SafetensorError, safe_open

        path = self._path(key)
        try:
            with safe_open(path, "pt") as file:
                height, width = (int(side) for side in (file.metadata() or {})["size"].split())
                features = [file.get_tensor(str(number)) for number in range(len(file.keys()))]
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, LookupError, ValueError) as error:
            logger.warning("%s is damaged (%s); it is made again", path.name, type(error).__name__)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return Embedding((height, width), features, sum(one.numel() * one.element_size() for one in features))

    def put(self, key: Sequence[object], embedding: Embedding) -> None:
        """Keep an embedding whose features are tensors; a full disk is no error."""
        from safetensors.torch import save

        features = {str(number): one.contiguous() for number, one in enumerate(embedding.features)}
        data = save(features, {"size": f"{embedding.size[0]} {embedding.size[1]}"})
        path = self._path(key)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
            part.replace(path)
            self._forget()
        except OSError as error:
            logger.warning("what was seen of a picture cannot be kept: %s", error)
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _path(self, key: Sequence[object]) -> Path:
        text = "\n".join(str(part) for part in (_FORMAT, *key))
        return self._folder / (hashlib.sha256(text.encode()).hexdigest() + _SUFFIX)

    def _forget(self) -> None:
        """The least recently used first; and what a worker that was killed had begun to write."""
        for path in self._folder.glob("*.part"):
            if time.time() - path.stat().st_mtime > _BEGUN_SECONDS:
                path.unlink(missing_ok=True)
        found = [(path.stat(), path) for path in self._folder.glob(f"*{_SUFFIX}")]
        total = sum(status.st_size for status, _ in found)
        for status, path in sorted(found, key=lambda one: one[0].st_mtime_ns):
            if total <= self._most:
                return
            path.unlink(missing_ok=True)
            total -= status.st_size


def fingerprint(path: Path) -> str:
    """What tells the weights at a path (a file, or a folder with safetensors and config.json) from others: a SHA-256
    over their sizes and over pieces from all over them."""
    files = [path] if path.is_file() else sorted([*path.glob("*.safetensors"), *path.glob("*config.json")])
    digest = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as opened:
            for number in range(_PIECES):
                opened.seek(max(0, size - _PIECE) * number // (_PIECES - 1))
                digest.update(opened.read(_PIECE))
    return digest.hexdigest()


def can_hold(features: Any) -> bool:
    """Whether a segmenter's features are tensors; those without weights are made anew in no time."""
    return isinstance(features, list) and all(hasattr(one, "element_size") for one in features)
