"""What models there are, read from catalogue.toml and from each models folder's models.toml. No torch here."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from blender_segaddon.protocol.errors import InvalidInput

Family = Literal["sd15", "sdxl", "zimage"]
Palette = Literal["ade20k", "coco_panoptic", "instances"]
LicenceKind = Literal["commercial", "conditional", "gated", "own"]

_UNION_KINDS = ("depth", "lineart", "normal", "segmentation")
_ZIMAGE_KINDS = ("depth", "lineart")

USER_FILE = "models.toml"
"""In a models folder: the user's own models."""

_OWN = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class Source:
    """Where the files of one part of a model come from: a repository of the hub, or a place on this machine."""

    repo: str = ""
    revision: str = ""
    files: tuple[str, ...] = ()
    """patterns of what is needed of the repository; nothing else is ever pulled (pickles least of all)"""
    variant: str = ""
    """"fp16" where the weights' files are called so"""
    size: float = 0.0
    """GB"""
    path: str = ""
    """absolute; a folder, or for a base also one .safetensors file; then ``repo`` is empty"""

    @property
    def title(self) -> str:
        """Repository and revision, or the name of the folder or file."""
        return f"{self.repo} {self.revision}" if self.repo else Path(self.path).name


@dataclass(frozen=True)
class Model:
    """One entry of the catalogue."""

    id: str
    title: str
    family: Family
    base: Source
    controls: Mapping[str, Source]
    """"segmentation", "depth", "normal", "lineart", or "union" for one that does them all"""
    scheduler: Mapping[str, Any] = field(default_factory=dict)
    """what draws in place of the base's own: {"class": a scheduler of diffusers, …what of its configuration differs}"""
    lora: Source | None = None
    """one that belongs to the model (few steps): merged into it when it is loaded"""
    adapter: Source | None = None
    """IP-Adapter with its image encoder, for reference pictures; files: the adapter's weights first"""
    guided: bool = True
    """False for distilled models: drawn without guidance, so that a negative prompt has nothing to act through"""
    palette: Palette = "ade20k"
    """colours of the segmentation control: a vocabulary's, or one an instance"""
    native: int = 512
    """side in pixels of the square that the model was trained on"""
    steps: int = 25
    guidance: float = 7.0
    """classifier-free guidance; at 1 the negative prompt has no effect"""
    memory: float = 0.0
    """GB at the native size in half precision, 0 where nobody measured it"""
    licence: str = ""
    licence_kind: LicenceKind = "own"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of maps that can guide it."""
        if "union" not in self.controls:
            return tuple(self.controls)
        return _ZIMAGE_KINDS if self.family == "zimage" else _UNION_KINDS

    @property
    def closes(self) -> bool:
        """Whether it can draw panoramas that close: models with rotary positions cannot."""
        return self.family != "zimage"

    @property
    def sources(self) -> tuple[Source, ...]:
        """The parts without which it cannot draw."""
        return self.base, *self.controls.values(), *((self.lora,) if self.lora else ())

    @property
    def parts(self) -> tuple[Source, ...]:
        """All parts: also those that only some pictures need."""
        return *self.sources, *((self.adapter,) if self.adapter else ())


def load(folders: Iterable[Path] = ()) -> dict[str, Model]:
    """All models by id: the catalogue's own, then those of each folder's models.toml (a later one of an id counts).

    Raises:
        InvalidInput: a models.toml that cannot be read; the text says what is wrong in which entry.
    """
    found = _read(_OWN)
    for folder in folders:
        if (folder / USER_FILE).is_file():
            found |= _read(folder / USER_FILE)
    return found


def _read(path: Path) -> dict[str, Model]:
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", "Correct the file, or move it away") from error
    models, bases = {}, entries.pop("bases", {})
    for id, entry in entries.items():
        try:
            if isinstance(entry["base"], str):
                entry["base"] = bases[entry["base"]]
            models[id] = _model(id, entry, path.parent)
        except (KeyError, TypeError, ValueError) as error:
            text = f"The model {id!r} in {path} is not described rightly: {error}"
            raise InvalidInput(text, "docs/models.md says what an entry holds") from error
    return models


def _model(id: str, entry: dict[str, Any], folder: Path) -> Model:
    _known(Model, entry, {"id"})
    values = {**entry, "id": id, "base": _source(entry["base"], folder)}
    values["controls"] = {kind: _source(one, folder) for kind, one in entry["controls"].items()}
    values |= {part: _source(entry[part], folder) for part in ("lora", "adapter") if part in entry}
    model = Model(**values)
    for value, allowed in ((model.family, Family), (model.palette, Palette), (model.licence_kind, LicenceKind)):
        if value not in get_args(allowed):
            raise ValueError(f"{value!r} is not one of {', '.join(get_args(allowed))}")
    return model


def _source(entry: dict[str, Any], folder: Path) -> Source:
    _known(Source, entry, set())
    values = {**entry, "files": tuple(entry.get("files", ()))}
    if bool(entry.get("path")) == bool(entry.get("repo")):
        raise ValueError("each part has either a path or a repo")
    if entry.get("path"):
        values["path"] = str(folder / entry["path"])
    elif not entry.get("revision"):
        raise ValueError("a repo needs its revision")
    return Source(**values)


def _known(kind: type, entry: dict[str, Any], not_given: set[str]) -> None:
    unknown = set(entry) - {one.name for one in fields(kind)} | set(entry) & not_given
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}")
