"""The segmenters by name: what is found in the models folders. Only the worker imports what makes the masks."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from blender_segaddon.protocol.errors import InvalidInput

from .models.catalogue import SHIPPED
from .models.places import hub_caches, pull_command

Kind = Literal["sam2", "sam", "classical", "detector"]

FOLDERS = ("sams", "sam2", "grounding-dino", "models/sams", "models/sam2", "models/grounding-dino")
"""Below a models folder: ours, and those that other programs use when the models folder is one of theirs."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")

_TYPES: dict[str, Kind] = {"sam2": "sam2", "sam2_video": "sam2", "grounding-dino": "detector"}
"""``model_type`` of config.json"""
_NEEDED: dict[Kind, str] = {
    "sam2": "transformers",
    "sam": "segment_anything",
    "classical": "cv2",
    "detector": "transformers",
}
"""What a kind runs on; it is not imported here."""


@dataclass(frozen=True)
class SegmenterFiles:
    """One segmenter (or detector of things by their names) and where it lies."""

    name: str
    kind: Kind
    path: Path | None = None
    """.pth file of a "sam", folder of the others, None for "classical\""""

    @property
    def is_model(self) -> bool:
        """False for what works without weights."""
        return self.kind != "classical"

    @property
    def is_shipped(self) -> bool:
        """Our own small one."""
        return self.path is not None and SHIPPED in self.path.parents

    @property
    def size(self) -> int:
        """Bytes of its weights: about what it takes of a device's memory."""
        if self.path is None:
            return 0
        files = [self.path] if self.path.is_file() else self.path.glob("*.safetensors")
        return sum(file.stat().st_size for file in files)


CLASSICAL = SegmenterFiles("classical", "classical")


def available(models_dirs: Sequence[Path]) -> tuple[SegmenterFiles, ...]:
    """Everything that can be used now, the best first: SAM 2 before SAM, small before large, ours, "classical" last.

    Looked up anew each time: models come while the server runs. Small before large since each follows a click well and
    the large ones take ten times as long; name one to use it.
    """
    named = [one for one in _found((*models_dirs, SHIPPED)) if _NAME.fullmatch(one.name)]
    found = {one.name: one for one in reversed(named)}  # the first of a name counts
    usable = [one for one in (*found.values(), CLASSICAL) if importlib.util.find_spec(_NEEDED[one.kind])]
    rank = list(_NEEDED)
    return tuple(sorted(usable, key=lambda one: (rank.index(one.kind), one.is_shipped, one.size, one.name)))


def choose(models_dirs: Sequence[Path], name: str) -> SegmenterFiles:
    """The segmenter of this name, the best for "". Raises InvalidInput with the list of names."""
    offered = [one for one in available(models_dirs) if one.kind != "detector"]
    if not name and offered:
        return offered[0]
    for one in offered:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in offered)
    raise InvalidInput(f"There is no segmenter {name!r:.80}", f"Choose one of: {names}" if names else _INSTALL)


def detector(models_dirs: Sequence[Path]) -> SegmenterFiles:
    """What finds things by their names. Raises InvalidInput where there is none."""
    for one in available(models_dirs):
        if one.kind == "detector":
            return one
    raise InvalidInput(
        "Finding things in any picture by words needs a Grounding DINO model, and none is here",
        f"Get one with: {pull_command('grounding-dino-tiny')}",
    )


_INSTALL = "Install opencv-python-headless into the server's environment, or the models' packages"


def _found(models_dirs: Sequence[Path]) -> Iterator[SegmenterFiles]:
    for folder in (models_dir / name for models_dir in models_dirs for name in FOLDERS):
        for path in sorted(folder.glob("*.pth")):
            yield SegmenterFiles(path.stem, "sam", path)
        for path in sorted(folder.glob("*/config.json")):
            yield from _described(path, path.parent.name)
    for cache in hub_caches(models_dirs):
        for path in sorted(cache.glob("models--*/snapshots/*/config.json")):
            yield from _described(path, path.parents[2].name.rpartition("--")[2])


def _described(config: Path, name: str) -> Iterator[SegmenterFiles]:
    """The folder of a config.json, if it is of a kind that we know and has weights that are no pickle."""
    try:
        kind = _TYPES.get(json.loads(config.read_text("utf-8")).get("model_type", ""))
    except (OSError, ValueError, AttributeError):
        return
    if kind and any(config.parent.glob("*.safetensors")):
        yield SegmenterFiles(name, kind, config.parent)
