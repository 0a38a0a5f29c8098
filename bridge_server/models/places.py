"""Where the files of a model lie on this machine. No torch here, no network ever."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from blender_segaddon.protocol.errors import SegAddonError

from .catalogue import Model, Source


class ModelMissing(SegAddonError):
    """A model is known, and its files are not here."""

    code = "model_missing"


def hub_caches(folders: Sequence[Path]) -> list[Path]:
    """Folders laid out as the hub's cache: one in each models folder, then the user's own."""
    own = (
        os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser() / "hub"
    )
    return [*(folder / "hub" for folder in folders), Path(own)]


def locate(source: Source, folders: Sequence[Path]) -> Path | None:
    """The folder (or single file) with all files of ``source``; None where it is not here or not whole."""
    if source.path:
        path = Path(source.path)
        return path if path.exists() else None
    for cache in hub_caches(folders):
        repo = cache / f"models--{source.repo.replace('/', '--')}"
        reference = repo / "refs" / source.revision
        commit = reference.read_text().strip() if reference.is_file() else source.revision
        snapshot = repo / "snapshots" / commit
        if snapshot.is_dir() and _whole(snapshot, source.files):
            return snapshot
    return None


def missing(model: Model, folders: Sequence[Path]) -> list[Source]:
    """The parts that are not here."""
    return [source for source in model.sources if locate(source, folders) is None]


def require(source: Source, model: Model, folders: Sequence[Path]) -> Path:
    """``locate``, or ModelMissing with the command that gets it."""
    found = locate(source, folders)
    if found is None:
        if source.path:
            raise ModelMissing(f"{source.path} of the model {model.id!r} is not there", "Correct its models.toml")
        size = sum(one.size for one in missing(model, folders))
        raise ModelMissing(
            f"The model {model.id!r} is not on this machine",
            f"Get it ({size:.1f} GB): segaddon-bridge models pull {model.id}",
        )
    return found


def _whole(snapshot: Path, patterns: Sequence[str]) -> bool:
    names = [str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.exists() and not path.is_dir()]
    return all(any(fnmatch(name, pattern) for name in names) for pattern in patterns)
