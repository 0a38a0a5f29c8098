"""Where programs keep models as single files: ComfyUI, A1111 and those that share their folders. No torch here."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from blender_segaddon.protocol.errors import InvalidInput

logger = logging.getLogger(__name__)

Kind = Literal["checkpoints", "controlnet", "loras"]

PATHS_FILE = "extra_model_paths.yaml"
"""ComfyUI's list of further folders, in its own folder."""

_NAMES: dict[Kind, tuple[str, ...]] = {
    "checkpoints": ("checkpoints", "Stable-diffusion"),
    "controlnet": ("controlnet", "ControlNet", "extensions/sd-webui-controlnet/models"),
    "loras": ("loras", "Lora", "LyCORIS"),
}
"""ComfyUI's names (ours too), then A1111's; each below a program's folder or its models."""


def files(kind: Kind, folders: Sequence[Path]) -> Iterator[Path]:
    """Every .safetensors file of a kind that is kept in these folders, the first folder's first; none twice.

    Raises:
        InvalidInput: an extra_model_paths.yaml that cannot be read.
    """
    seen: set[Path] = set()
    for shelf in shelves(kind, folders):
        for path in sorted(shelf.rglob("*.safetensors")):
            real = path.resolve()
            if real not in seen and path.is_file():
                seen.add(real)
                yield path


def shelves(kind: Kind, folders: Sequence[Path]) -> list[Path]:
    """The folders that there are for a kind. Raises InvalidInput as ``files``."""
    candidates = []
    for folder in folders:
        candidates += [folder / place / name for place in (".", "models") for name in _NAMES[kind]]
        candidates += [path for listed, path in _listed(folder / PATHS_FILE) if listed == kind]
    return [path for path in candidates if path.is_dir()]


def _listed(file: Path) -> list[tuple[str, Path]]:
    """(kind, folder) of every line in an extra_model_paths.yaml; none where there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return []
    return _parsed(file, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _parsed(file: Path, _changed: int) -> list[tuple[str, Path]]:
    try:
        import yaml
    except ImportError:  # it comes with what models run on
        logger.warning("%s is passed over: PyYAML is not installed", file)
        return []
    try:
        groups = yaml.safe_load(file.read_text("utf-8"))
        if not isinstance(groups, dict):
            raise ValueError("it holds no groups of folders")
    except (OSError, ValueError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())
        raise InvalidInput(f"{file} cannot be read: {text}", "Correct it as ComfyUI needs it") from error
    return [entry for group in groups.values() if isinstance(group, dict) for entry in _group(group, file.parent)]


def _group(group: dict, folder: Path) -> Iterator[tuple[str, Path]]:
    """One group: paths are relative to its base_path, which is relative to the file; a value may have many lines."""
    base = folder / _expanded(str(group.get("base_path") or "."))
    for kind, value in group.items():
        if kind in ("base_path", "is_default") or not isinstance(value, str):
            continue
        for line in value.splitlines():
            if line.strip():
                yield kind, base / _expanded(line.strip())


def _expanded(path: str) -> str:
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - as ComfyUI does
