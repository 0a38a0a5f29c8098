"""The models as a whole: what is known, what of it is here, and what may be used. No torch here, no network ever."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from blender_segaddon.protocol.errors import InvalidInput, SegAddonError

from . import catalogue, found, places
from .catalogue import LicenceKind, Model

State = Literal["here", "missing", "refused"]


class LicenceRefused(SegAddonError):
    """The server's settings do not allow a model's licence."""

    code = "licence_refused"
    exit_code = 2


@dataclass(frozen=True)
class Entry:
    """One model as it stands on this machine."""

    model: Model
    state: State
    to_get: float
    """GB that are not here"""
    where: tuple[Path, ...]
    """what lies here of its parts"""
    hint: str
    """what to do, "" where nothing is to be done"""


@dataclass(frozen=True)
class Library:
    """Models in folders.

    Args:
        folders: models folders; of two descriptions of one model the last folder's counts.
        licences: the kinds of licence that are allowed, () for all.
    """

    folders: tuple[Path, ...] = ()
    licences: tuple[LicenceKind, ...] = ()

    @cached_property
    def models(self) -> dict[str, Model]:
        """All that are known, by id: described ones, then checkpoints found in other programs' folders.

        Raises:
            InvalidInput: a models.toml or extra_model_paths.yaml that cannot be read.
        """
        described = catalogue.load(self.folders)
        return {**found.checkpoints(self.folders, described), **described}

    def entries(self) -> list[Entry]:
        """How every model stands, in the catalogue's order. Raises as ``models``."""
        return [self.entry(model) for model in self.models.values()]

    def entry(self, model: Model) -> Entry:
        """How one model stands. Raises InvalidInput as ``models``."""
        parts = {source: places.locate(source, self.folders) for source in dict.fromkeys(model.sources)}
        lacking = [source for source, place in parts.items() if place is None]
        where = tuple(dict.fromkeys(place for place in parts.values() if place is not None))
        to_get = sum(source.size for source in lacking)
        state, hint = self._judge(model, lacking)
        return Entry(model, state, to_get, where, hint)

    def find(self, name: str) -> Model:
        """The model of this name, here or not. Raises InvalidInput with the nearest names, LicenceRefused."""
        model = self.models.get(name)
        if model is None:
            close = difflib.get_close_matches(name, self.models, 3)
            hint = f"Did you mean {' or '.join(close)}?" if close else f"There are: {', '.join(self.models)}"
            raise InvalidInput(f"There is no model {name!r:.80}", hint)
        if not self._is_allowed(model):
            raise LicenceRefused(*_refusal(model, self.licences))
        return model

    def require(self, name: str) -> Model:
        """The model of this name, with all files here. Raises as ``find``, and ModelMissing."""
        model = self.find(name)
        for source in model.sources:
            places.require(source, model, self.folders)
        return model

    def _judge(self, model: Model, lacking: Sequence[catalogue.Source]) -> tuple[State, str]:
        if not self._is_allowed(model):
            return "refused", ". ".join(_refusal(model, self.licences))
        if lacking:
            own = next((source.path for source in lacking if source.path), "")
            return "missing", f"{own} is not there" if own else places.pull_command(model.id)
        return "here", ""

    def _is_allowed(self, model: Model) -> bool:
        return not self.licences or model.licence_kind in self.licences


def _refusal(model: Model, licences: Sequence[LicenceKind]) -> tuple[str, str]:
    text = f"The licence of {model.id!r} ({model.licence or 'not stated'}: {model.licence_kind}) is not allowed here"
    return text, f"The setting licences allows: {', '.join(licences)}"
