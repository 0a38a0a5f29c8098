"""A picture made again: from its record alone where nothing else is left, and how near the new one is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.maps import SceneMaps
from ..core.provenance import maps_digest
from ..protocol.codec import from_json
from ..protocol.errors import InvalidInput
from ..protocol.messages import ModelOptions
from . import asking
from .picture import Picture, Recipe

AGAIN = "again"
"""In a picture's metadata: "identical", or "approximate" and why."""

_STACK = ("maps", "revisions", "device", "precision", "threads", "mode", "torch", "diffusers", "numpy", "version")
"""Entries of the metadata that a picture's bits depend on, besides what was asked."""


def recipe_of(meta: Mapping[str, Any], maps: SceneMaps) -> Recipe:
    """The recipe of a picture of which only the record is left (in a Blender image or a PNG file).

    Args:
        meta: as ``Picture.meta``.
        maps: of its scene, captured anew at its size.

    Raises:
        InvalidInput: a record that is incomplete, or a picture that began with others, which a record does not hold.
    """
    if meta.get("started_from") or meta.get("references") or meta.get("masked"):
        hint = "Generate it anew, from the same pictures"
        raise InvalidInput("This picture was made from others, and its record does not hold them", hint)
    try:
        texts = {
            name: text for name, text in meta["texts"].items() if any(one.object == name for one in maps.instances)
        }
        return Recipe(
            maps=asking.with_texts(maps, texts),
            generator=meta["generator"],
            prompt=meta["prompt"],
            negative_prompt=meta["negative_prompt"],
            seed=meta["seed"],
            intent=meta["intent"],
            strength=meta["strength"],
            options=from_json(ModelOptions, meta["options"]),
            style=meta["style"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"The record of this picture is incomplete: {error}", "Generate it anew") from error


def judged(made: Picture, before: Picture) -> Picture:
    """``made``, with how it came out beside ``before`` in its metadata."""
    same = made.pixels.shape == before.pixels.shape and bool((made.pixels == before.pixels).all())
    made.metadata[AGAIN] = "identical" if same else f"approximate: {_reason(made, before.metadata)}"
    return made


def _reason(made: Picture, before: Mapping[str, Any]) -> str:
    now = dict(made.metadata)
    if "maps" in before and made.maps is not None:
        now["maps"] = maps_digest(made.maps)
    changed = [
        f"{name} was {before[name]}, is {now.get(name)}"
        for name in _STACK
        if before.get(name, now.get(name)) != now.get(name)
    ]
    return "; ".join(changed) or "the generator does not repeat itself here"
