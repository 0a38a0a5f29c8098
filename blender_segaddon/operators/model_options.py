"""What the panel says of a model → keyword arguments of ``api.generate``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from .. import api
from ..core import prompting
from ..protocol.errors import InvalidInput

GUIDES = ("segmentation", "depth", "normal", "lineart")
RENDER = "Render Result"


def model_of(scene: bpy.types.Scene) -> api.ModelInfo | None:
    """What the server said of the scene's model; None for the preview, or where it said nothing."""
    return next((one for one in api.models() if one.id == scene.segaddon.model), None)


def asked(scene: bpy.types.Scene) -> dict[str, Any]:
    """Gathered now: pictures are read, so that they may change while the job runs.

    What the model cannot do is left out, as the panel shows it; where nothing is known of it, the server says so.

    Raises:
        InvalidInput: there is no render or picture to start from.
    """
    settings, model = scene.segaddon.generation, model_of(scene)
    told: dict[str, Any] = {"count": settings.count} | _best_of(settings)
    if not scene.segaddon.model:
        return told
    told |= {"style": settings.style, "draft": settings.quality == "DRAFT"}
    told |= {"region_strength": settings.region_strength, "loras": _loras(settings)}
    if model is None or model.guided:
        told["negative_prompt"] = settings.negative
    if settings.own_sampling:
        told |= {"steps": settings.steps, "guidance": settings.guidance}
    if settings.own_guides:
        told["controls"] = _controls(settings, model)
    if model is None or model.references:
        told["references"] = _references(settings)
    return told | _start(scene)


@dataclass(frozen=True)
class Words:
    """What the look adds to what is asked."""

    added: str
    """to the prompt, "" for nothing"""
    of_classes: dict[str, str]

    def prompt(self, prompt: str) -> str:
        """With what is added; an empty one stays empty: it is composed, or taken from the picture before."""
        return ", ".join(filter(None, (prompt, self.added))) if prompt.strip() else ""

    def composed(self, prompt: str, maps: api.SceneMaps) -> str:
        """As ``prompt``; with words to add, an empty one is composed of the maps here."""
        return self.prompt(prompt or (prompting.compose(maps) if self.added else ""))

    def regions(self, maps: api.SceneMaps) -> dict[str, str]:
        """{object: words} for what is seen; what the artist said of an object goes before what is said of its class."""
        known = {name.lower(): words for name, words in self.of_classes.items()}
        return {
            one.object: known[(one.class_name or "").lower()]
            for one in maps.instances
            if not one.text and (one.class_name or "").lower() in known
        }


def words_of(scene: bpy.types.Scene) -> Words:
    """Gathered now, since the scene may change while the job runs."""
    settings = scene.segaddon.generation
    told = {one.class_name.strip(): one.words for one in settings.class_words if one.use and one.words.strip()}
    return Words(settings.words.strip(), told)


def _best_of(settings: bpy.types.PropertyGroup) -> dict[str, int]:
    return {"best_of": settings.best_of} if settings.best_of > settings.count else {}


def _controls(settings: bpy.types.PropertyGroup, model: api.ModelInfo | None) -> dict[str, tuple[float, ...]]:
    known = GUIDES if model is None else model.controls
    used = {kind: getattr(settings, kind) for kind in GUIDES if kind in known}
    return {kind: (one.weight, min(one.start, one.end), one.end) for kind, one in used.items() if one.use}


def _loras(settings: bpy.types.PropertyGroup) -> dict[str, float]:
    return {one.name: one.weight for one in settings.loras if one.use and one.name}


def _references(settings: bpy.types.PropertyGroup) -> list[api.Reference]:
    used = [one for one in settings.references if one.use and one.image is not None]
    return [api.Reference(api.as_picture(one.image), one.weight, one.object) for one in used]


def _start(scene: bpy.types.Scene) -> dict[str, Any]:
    settings = scene.segaddon.generation
    if settings.start == "NOTHING":
        return {}
    image = scene.segaddon.picture if settings.start == "PICTURE" else bpy.data.images.get(RENDER)
    if image is None:
        what = "picture" if settings.start == "PICTURE" else "render"
        raise InvalidInput(f"There is no {what} to start from", "Make one, or start from noise")
    return {"image": api.as_picture(image), "strength": settings.strength}
