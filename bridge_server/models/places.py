"""Where the files of a model lie on this machine. No torch here, no network ever."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

from blender_segaddon.protocol.errors import SegAddonError

from . import shelves
from .catalogue import Model, Source

SHA256 = re.compile("[0-9a-f]{64}")


class ModelMissing(SegAddonError):
    """A model is known, and its files are not here."""

    code = "model_missing"
    exit_code = 2


def hub_caches(folders: Sequence[Path]) -> list[Path]:
    """Folders laid out as the hub's cache: one in each models folder, then the user's own."""
    own = (
        os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser() / "hub"
    )
    return [*(folder / "hub" for folder in folders), Path(own)]


def locate(source: Source, folders: Sequence[Path]) -> Path | None:
    """The folder (or single file) with all files of ``source``; None where it is not here or not whole.

    Raises:
        InvalidInput: an extra_model_paths.yaml in one of the folders that cannot be read.
    """
    if source.path:
        path = Path(source.path)
        return path if path.exists() else None
    for snapshot in _snapshots(source, folders):
        if is_whole(snapshot, source):
            return snapshot / source.files[0] if source.is_one_file else snapshot
    return _single_file(source, folders)


def repo_folder(cache: Path, repo: str) -> Path:
    """Where a cache of the hub keeps a repository."""
    return cache / f"models--{repo.replace('/', '--')}"


def is_whole(snapshot: Path, source: Source) -> bool:
    """Whether a folder has all files of ``source``: those in its variant, or all of them in full precision."""
    return variant(source, snapshot) is not None


def variant(source: Source, place: Path) -> str | None:
    """The variant in which the files lie in a folder ("" for full precision); None where not all do."""
    names = [path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()]
    patterns = source.files or ("*config.json", "*.safetensors")
    for kind in dict.fromkeys((source.variant, "")):
        plain = [one if kind or not source.variant else one.replace(f".{source.variant}.", ".") for one in patterns]
        if all(any(fnmatch(name, pattern) for name in names) for pattern in plain):
            return kind
    return None


def missing(model: Model, folders: Sequence[Path]) -> list[Source]:
    """The parts that are not here. Raises as ``locate``."""
    return [source for source in model.sources if locate(source, folders) is None]


def pull_command(name: str, everything: bool = False) -> str:
    """What to type to download a model, with the Python that runs here: no PATH needs to know the server."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f"{python} -m bridge_server models pull {name}{' --all' if everything else ''}"


def require(source: Source, model: Model, folders: Sequence[Path]) -> Path:
    """``locate``, or ModelMissing with the command that gets it."""
    found = locate(source, folders)
    if found is None:
        if source.path:
            raise ModelMissing(f"{source.path} of the model {model.id!r} is not there", "Correct its models.toml")
        extra = source not in model.sources
        size = source.size if extra else sum(one.size for one in missing(model, folders))
        needed = f" ({size:.1f} GB)" if size else ""
        what = f"What {model.id!r} needs for reference pictures" if extra else f"The model {model.id!r}"
        raise ModelMissing(f"{what} is not on this machine", f"Get it{needed}: {pull_command(model.id, extra)}")
    return found


def revisions(model: Model, folders: Sequence[Path]) -> list[str]:
    """What the parts of a model are on this machine, for the record of a picture. Raises as ``locate``."""
    found = (locate(source, folders) for source in model.sources)
    return [revision(place) for place in found if place is not None]


def revision(place: Path) -> str:
    """What lies at a place, told from any other.

    Returns:
        "repo@commit" for a snapshot of the hub; else "name sha256:…" of the file, or of all files of the folder.
    """
    for snapshot in (place, *place.parents):
        if snapshot.parent.name == "snapshots":
            repo = snapshot.parents[1].name.removeprefix("models--").replace("--", "/", 1)
            return f"{repo}@{snapshot.name}"
    return f"{place.name} sha256:{_digest(place)}"


def _digest(place: Path) -> str:
    """SHA-256 of a file; of a folder that of the names and digests of what models are made of."""
    if place.is_file():
        status = place.stat()
        return _file_digest(place, status.st_size, status.st_mtime_ns)
    kept = sorted(path for path in place.rglob("*") if path.suffix in (".safetensors", ".json", ".txt", ".model"))
    lines = (f"{path.relative_to(place).as_posix()} {_digest(path)}\n" for path in kept)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@lru_cache(maxsize=1024)
def _file_digest(path: Path, _size: int, _changed: int) -> str:
    """Remembered for as long as the file stays as it is; a cache of the hub names large files by theirs."""
    stored = path.resolve()
    if SHA256.fullmatch(stored.name):
        return stored.name
    with stored.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _snapshots(source: Source, folders: Sequence[Path]) -> Iterator[Path]:
    """The folders of a source in all caches, that of its revision first; of "main" any will do."""
    for cache in hub_caches(folders):
        for repo in (source.repo, *source.also):
            folder = repo_folder(cache, repo)
            reference = folder / "refs" / source.revision
            commit = reference.read_text().strip() if reference.is_file() else source.revision
            first = folder / "snapshots" / commit
            if first.is_dir():
                yield first
            if source.revision == "main" and (folder / "snapshots").is_dir():
                yield from sorted(path for path in (folder / "snapshots").iterdir() if path != first and path.is_dir())


def _single_file(source: Source, folders: Sequence[Path]) -> Path | None:
    """The weights as another program keeps them, known by name and size."""
    known = {name.lower(): size for name, size in source.known}
    if known:
        for kind in ("checkpoints", "controlnet"):
            for path in shelves.files(kind, folders):
                if known.get(path.name.lower()) == path.stat().st_size:
                    return path
    return None
