"""Checkpoints that other programs keep: each is offered as a model, with the ControlNets of its family."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.errors import InvalidInput

from . import shelves
from .catalogue import Family, Model, Source

_LONGEST_HEADER = 100 << 20
"""Bytes; safetensors' own limit."""
_PATTERNS: dict[str, str] = {"sd15": "sd15-seg", "sdxl": "sdxl-union"}
"""The model of the catalogue that gives a checkpoint of a family everything but its base."""
_FIRST_LAYER = "model.diffusion_model.input_blocks.0.0.weight"
_TEXT = {"sd15": "cond_stage_model.transformer.", "sdxl": "conditioner.embedders.1."}


def checkpoints(folders: Sequence[Path], described: Mapping[str, Model]) -> dict[str, Model]:
    """A model for each checkpoint of SD 1.5 and SDXL in the folders that no described model is made of.

    Its id is the file's name without suffix, in small letters and dashes. Raises InvalidInput as ``shelves.files``.
    """
    known = {name.lower() for model in described.values() for source in model.sources for name, _ in source.known}
    used = {source.path for model in described.values() for source in model.sources}
    models: dict[str, Model] = {}
    for path in shelves.files("checkpoints", folders):
        family = None if path.name.lower() in known or str(path) in used else family_of_checkpoint(path)
        if family is not None:
            id = re.sub(r"[^a-z0-9.]+", "-", path.stem.lower()).strip("-")
            models.setdefault(id, _model(id, path, described[_PATTERNS[family]]))
    return models


def _model(id: str, path: Path, like: Model) -> Model:
    base = Source(path=str(path))
    return replace(like, id=id, title=path.stem, base=base, licence="", licence_kind="own", licence_url="")


def family_of_checkpoint(path: Path) -> Family | None:
    """What a checkpoint is one of; None for what is none, and for inpainting and other families."""
    try:
        tensors = header(path)
    except InvalidInput:
        return None
    first = tensors.get(_FIRST_LAYER, {}).get("shape", [0, 0])
    if first[1:2] != [4]:
        return None
    return next((family for family, start in _TEXT.items() if any(name.startswith(start) for name in tensors)), None)  # pyright: ignore[reportReturnType]


def header(path: Path) -> dict[str, Any]:
    """What a safetensors file says of its tensors, by name. Raises InvalidInput: it is no such file."""
    try:
        status = path.stat()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", "Check the path") from error
    return _header(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=512)
def _header(path: Path, _size: int, _changed: int) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > _LONGEST_HEADER:
                raise ValueError("its header is too long")
            return json.loads(file.read(size))
    except (OSError, ValueError, struct.error) as error:
        raise InvalidInput(f"{path} is no safetensors file: {error}", "Get it again") from error
