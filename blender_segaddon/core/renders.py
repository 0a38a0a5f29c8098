"""Maps beside a rendered picture, and how one tells that they belong to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..protocol.errors import InvalidInput, MapsStale
from .atomic import write_json
from .export import check_formats, export_maps
from .files import load_maps
from .maps import SceneMaps

RENDER_FILE = "render.json"


@dataclass(frozen=True)
class Fingerprint:
    """What a render was made of. Two that are equal were made of the same scene, as far as it can be told cheaply."""

    scene: str
    frame: int
    subframe: float
    """0..1"""
    camera: str
    width: int
    """pixels"""
    height: int
    """pixels"""
    state: str
    """SHA-256 over the scene's objects: names, data, places, what renders, and the camera's lens"""

    def difference(self, other: Fingerprint) -> str:
        """What differs, for people: "frame, camera"; "" where nothing does."""
        mine, its = asdict(self), asdict(other)
        words = {"state": "objects", "width": "size", "height": "size"}
        return ", ".join(dict.fromkeys(words.get(name, name) for name in mine if mine[name] != its[name]))


def maps_folder(picture: str | Path, template: str = "") -> Path:
    """Where the maps of a picture lie: "0001.png.maps" beside it, or what the template says.

    Args:
        template: a path with {folder}, {name} and {stem} of the picture, e.g. "{folder}/maps/{stem}".

    Raises:
        InvalidInput: other words in braces.
    """
    picture = Path(picture)
    try:
        text = (template or "{folder}/{name}.maps").format(folder=picture.parent, name=picture.name, stem=picture.stem)
    except (LookupError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{template!r} is no template of a folder", "Use {folder}, {name} and {stem}") from error
    return Path(text)


def save_render(
    maps: SceneMaps, fingerprint: Fingerprint, picture: str | Path, folder: Path, formats: Sequence[str]
) -> list[Path]:
    """Write the maps of a picture that is there, and what both were made of; returns what was written, as
    ``export_maps``. Raises InvalidInput, StorageError."""
    paths = export_maps(maps, folder, ["npz", *check_formats(formats)])  # load_render reads npz
    about = {"file": Path(picture).name, "sha256": _digest(Path(picture))}
    write_json(folder / RENDER_FILE, {"picture": about, "fingerprint": asdict(fingerprint)})
    return [*paths, folder / RENDER_FILE]


def load_render(picture: str | Path, folder: Path) -> tuple[SceneMaps, Fingerprint]:
    """The maps of a picture file and what it was made of.

    Raises:
        InvalidInput: there is no picture, there are no maps of it, or they are damaged.
        MapsStale: the picture is another one than the maps were made with.
    """
    if not (folder / RENDER_FILE).exists():
        raise InvalidInput(f"There are no maps of {picture}", "Render it again with Scene Maps with Renders on")
    try:
        about = json.loads((folder / RENDER_FILE).read_bytes())
        fingerprint, digest = Fingerprint(**about["fingerprint"]), about["picture"]["sha256"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InvalidInput(f"The maps in {folder} are damaged ({error})", "Render the picture again") from error
    if _digest(Path(picture)) != digest:
        raise MapsStale(
            f"The maps in {folder} belong to an earlier version of {Path(picture).name}",
            "Render the picture again with Scene Maps with Renders on",
        )
    return load_maps(folder), fingerprint


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}", "Give the file of a render") from error
