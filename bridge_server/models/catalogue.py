"""What models there are, read from catalogue.toml and from each folder's models.toml. No torch here."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from blender_segaddon.protocol.errors import InvalidInput

Family = Literal["sd15", "sdxl", "zimage", "flux2", "sam2", "grounding-dino"]
"""The last two make masks: of what is clicked on, and of what is named."""
Palette = Literal["ade20k", "coco_panoptic", "instances"]
Finish = Literal["draw", "maps"]
"""How a picture that is larger than the model draws is finished: by drawing once more, or along the exact maps."""
LicenceKind = Literal["commercial", "conditional", "non-commercial", "gated", "own"]
"""Free to use for money; so under conditions; not; only with an account that has accepted it; the user knows."""

_UNION_KINDS = ("depth", "lineart", "normal", "segmentation")
_SHAPE_KINDS = ("depth", "lineart")
"""What guides models that know nothing of classes."""

TRANSFORMERS = ("zimage", "flux2")
"""Families that read text and picture as one sequence, by positions that turn (rotary): their pictures cannot close."""

_MASKING = ("sam2", "grounding-dino")

USER_FILE = "models.toml"
"""In a models folder, or beside server.toml: the user's own models."""

ALL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
"""What a repository of diffusers is made of; a * matches folders too."""

_OWN = Path(__file__).with_name("catalogue.toml")

SHIPPED = Path(__file__).parents[1] / "shipped"
"""What this project has trained itself, where it comes with the server: a models folder that all others go before."""


@dataclass(frozen=True)
class Source:
    """Where the files of one part of a model come from: a repository of the hub, or a place on this machine."""

    repo: str = ""
    revision: str = ""
    files: tuple[str, ...] = ()
    """patterns of what is needed of the repository, () for ``ALL_FILES``; never pickles"""
    variant: str = ""
    """"fp16" where the weights' files are called so"""
    size: float = 0.0
    """GB"""
    also: tuple[str, ...] = ()
    """other repositories with the same files, in caches of other programs"""
    known: tuple[tuple[str, int], ...] = ()
    """the same weights as one file, as other programs keep it: (its name, its bytes); a table in a models.toml"""
    path: str = ""
    """absolute; a folder, or one .safetensors file; then ``repo`` is empty"""
    config: str = ""
    """absolute; a folder of diffusers whose configurations describe the file at ``path``; "" for the family's own"""

    @property
    def is_one_file(self) -> bool:
        """Whether of the repository only one file is needed: it is then loaded without the folder around it."""
        return len(self.files) == 1 and self.files[0].endswith(".safetensors") and "*" not in self.files[0]

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
    """"segmentation", "depth", "normal", "lineart", or "union" for one that does them all; none for flux2, which is
    shown depth and lines as pictures"""
    scheduler: Mapping[str, Any] = field(default_factory=dict)
    """what draws in place of the base's own: {"class": a scheduler of diffusers, …what of its configuration differs}"""
    transformer: Source | None = None
    """one file in place of the base's own transformer: .gguf (2 to 8 bits a weight) or .safetensors; zimage, flux2"""
    lora: Source | None = None
    """one that belongs to the model (few steps): merged into it when it is loaded"""
    adapter: Source | None = None
    """IP-Adapter with its image encoder, for reference pictures; files: the adapter's weights first"""
    guided: bool = True
    """False for distilled models: drawn without guidance, so that a negative prompt has nothing to act through"""
    finish: Finish = "draw"
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
    licence_url: str = ""

    @property
    def draws(self) -> bool:
        """False for what makes masks."""
        return self.family not in _MASKING

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of maps that can guide it."""
        if self.family == "flux2" or ("union" in self.controls and self.family == "zimage"):
            return _SHAPE_KINDS
        return _UNION_KINDS if "union" in self.controls else tuple(self.controls)

    @property
    def references(self) -> bool:
        """Whether it takes reference pictures."""
        return self.adapter is not None or self.family == "flux2"

    @property
    def closes(self) -> bool:
        """Whether it can draw panoramas that close: models with rotary positions cannot."""
        return self.family not in TRANSFORMERS

    @property
    def sources(self) -> tuple[Source, ...]:
        """The parts without which it cannot draw."""
        return self.base, *self.controls.values(), *(one for one in (self.transformer, self.lora) if one)

    @property
    def parts(self) -> tuple[Source, ...]:
        """All parts: also those that only some pictures need."""
        return *self.sources, *((self.adapter,) if self.adapter else ())


def load(folders: Iterable[Path] = ()) -> dict[str, Model]:
    """All models by id: the catalogue's, ours, then those of each folder's models.toml (a later one of an id counts).

    An entry of a models.toml that has an id of the catalogue's changes the fields that it names.

    Raises:
        InvalidInput: a models.toml that cannot be read; the text says what is wrong in which line or entry.
    """
    tables, bases = _tables(_OWN), {}
    found = _models(tables, bases, {}, _OWN)
    for folder in (SHIPPED, *folders):
        file = folder / USER_FILE
        if file.is_file():
            found |= _models(_tables(file), bases, tables, file)
    return found


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", "Correct the file, or move it away") from error


def _models(entries: dict[str, Any], bases: dict[str, Any], shipped: dict[str, Any], path: Path) -> dict[str, Model]:
    """The models of one file; its bases are added to ``bases``, which later files may name."""
    bases |= entries.pop("bases", {})
    models = {}
    for id, entry in entries.items():
        try:
            if not isinstance(entry, dict):
                raise TypeError("a table is needed, such as [my-model]")
            models[id] = _model(id, {**shipped.get(id, {}), **entry}, bases, path.parent)
        except (TypeError, ValueError) as error:
            text = f"The model {id!r} in {path} is not described rightly: {error}"
            raise InvalidInput(text, "docs/models.md says what an entry holds") from error
    return models


def _model(id: str, entry: dict[str, Any], bases: dict[str, Any], folder: Path) -> Model:
    _check_keys(Model, entry, {"id"})
    values = {"title": id, **entry, "id": id, "controls": _controls(entry, folder)}
    base = entry.get("base")
    if isinstance(base, str):
        if base not in bases:
            raise ValueError(f"base: {base!r} is not one of {', '.join(bases)}")
        base = bases[base]
    values["base"] = _source("base", base, folder)
    values |= {part: _source(part, entry[part], folder) for part in ("transformer", "lora", "adapter") if part in entry}
    for name, allowed in _CHOICES.items():
        if (value := values.get(name)) not in (*get_args(allowed), None):
            raise ValueError(f"{name}: {value!r} is not one of {', '.join(get_args(allowed))}")
    if "family" not in values:
        raise ValueError(f"family is missing: one of {', '.join(get_args(Family))}")
    if "transformer" in entry and values["family"] not in TRANSFORMERS:
        raise ValueError(f"transformer: only models of {' and '.join(TRANSFORMERS)} have one")
    if values["family"] == "flux2" and values["controls"]:
        raise ValueError("controls: flux2 takes none, it is shown depth and lines as pictures")
    return Model(**values)


_CHOICES = {"family": Family, "palette": Palette, "finish": Finish, "licence_kind": LicenceKind}


def _controls(entry: dict[str, Any], folder: Path) -> dict[str, Source]:
    controls = entry.get("controls", {})
    if not isinstance(controls, dict):
        raise TypeError("controls: a table is needed")
    return {kind: _source(f"controls.{kind}", one, folder) for kind, one in controls.items()}


def _source(name: str, entry: Any, folder: Path) -> Source:
    if not isinstance(entry, dict):
        raise TypeError(f'{name}: a table is needed, such as {{ path = "folder" }}')
    try:
        _check_keys(Source, entry, set())
        if bool(entry.get("path")) == bool(entry.get("repo")):
            raise ValueError("either a path or a repo is needed")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from error
    values = {**entry, **{key: tuple(entry.get(key, ())) for key in ("files", "also")}}
    values["known"] = tuple(entry.get("known", {}).items())
    for key in ("path", "config"):
        if entry.get(key):
            values[key] = str(folder / Path(entry[key]).expanduser())
    if entry.get("repo"):
        values.setdefault("revision", "main")
    return Source(**values)


def _check_keys(kind: type, entry: dict[str, Any], not_given: set[str]) -> None:
    """Raises ValueError for a key that is none, TypeError for a value of another kind."""
    hints = get_type_hints(kind)
    for key, value in entry.items():
        if key not in hints or key in not_given:
            close = difflib.get_close_matches(key, hints, 1)
            raise ValueError(f"unknown key {key!r}" + (f", did you mean {close[0]!r}?" if close else ""))
        wanted, name = _KINDS.get(hints[key], (object, ""))
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted not in (bool, object)):
            raise TypeError(f"{key}: {value!r:.60} is no {name}")


_KINDS: dict[Any, Any] = {
    str: (str, "text"),
    int: (int, "whole number"),
    float: ((int, float), "number"),
    bool: (bool, "true or false"),
    tuple[str, ...]: (list, "list"),
    tuple[tuple[str, int], ...]: (dict, "table of names and bytes"),
}
"""By the type of a field: what TOML gives for it, and its name for people."""
