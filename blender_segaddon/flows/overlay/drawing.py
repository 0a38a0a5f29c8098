"""What the overlay knows of the scenes and regions that are shown, and how it draws over one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import bpy
import numpy as np

from ...capture.gpu import LiveScene, Thing
from ...core import vocabulary as vocabularies
from ...core.colourise import instance_color
from ...core.labels import Label, declutter
from . import paint
from .region import RegionPicture, viewpoint

Kind = Literal["SEMANTIC", "INSTANCE"]

_REST = 0.15
"""seconds without a change after which names are placed anew; until then they stay at their things"""
_MOST_NAMES = 60
_GAP = 3.0
"""pixels between two names at a scale of 1"""
_APART = 0.14
"""share of the viewport's diagonal between two names that are the same"""
_NO_CLASS_COLOR = (0.62, 0.62, 0.62, 0.0)


@dataclass(frozen=True)
class OverlaySettings:
    """How the overlay looks."""

    kind: Kind = "SEMANTIC"
    """colours and names of classes, or of the single instances"""
    opacity: float = 0.5
    """0..1"""
    names: bool = True
    vocabulary: str = "ade20k"


class Overlay:
    """There while the overlay is shown. Nothing in it refers to Blender's data but by name."""

    def __init__(self, settings: OverlaySettings) -> None:
        self.settings = settings
        self.marked = 0
        """id of the instance that stands out"""
        self.names_are_due = False
        """whether the last drawing showed names at the places of an earlier view"""
        self._last_change = 0.0
        self._scenes: dict[tuple[str, str], LiveScene] = {}
        self._regions: dict[int, RegionPicture] = {}
        self._tables: dict[int, tuple[tuple[object, ...], Any, np.ndarray]] = {}

    def note(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Blender has evaluated something anew."""
        for scene in self._scenes.values():
            scene.note(depsgraph)

    def forget(self) -> None:
        """After an undo nothing holds any more."""
        for scene in self._scenes.values():
            scene.forget()

    def forget_names(self) -> None:
        """What things are called, or are said to be, may have changed."""
        for scene in self._scenes.values():
            scene.forget_names()

    def seconds_to_rest(self) -> float:
        """How long nothing may change until the view counts as resting; 0 if it does."""
        return max(0.0, self._last_change + _REST - time.monotonic())

    def thing_at(self, context: bpy.types.Context, x: int, y: int) -> tuple[int, Thing] | None:
        """What the region of ``context`` shows at a pixel (from the lower left), with its id."""
        scene = self._scene(context)
        number = self._region(context.region).id_at(x, y)
        return (number, scene.things[number - 1]) if 0 < number <= len(scene.things) else None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw over the region of ``context``."""
        scene, picture, view = self._scene(context), self._region(context.region), viewpoint(context)
        scene.update(context.evaluated_depsgraph_get())
        if picture.draw(scene, context):
            self._last_change = time.monotonic()
        table, colors = self._table(scene)
        paint.paint(picture.ids, table, self.settings.opacity, self.marked)
        if self.settings.names:
            if picture.names_are_due and (picture.is_new or not self.seconds_to_rest()):
                picture.find_names(view)
            self._write(scene, picture.names(view), colors, float(np.hypot(view.width, view.height)))
        self.names_are_due = self.settings.names and picture.names_are_due

    def _write(
        self, scene: LiveScene, places: list[tuple[int, float, float]], colors: np.ndarray, across: float
    ) -> None:
        scale = bpy.context.preferences.system.ui_scale
        labels, shades = [], []
        for number, x, y in places:
            if number <= len(scene.things):
                text = _text(scene.things[number - 1], self.settings.kind)
                labels.append(Label(text, x, y, *paint.label_size(text, scale)))
                shades.append(tuple(colors[number].tolist()))
        kept = declutter(labels, gap=_GAP * scale, apart=_APART * across)[:_MOST_NAMES]
        paint.write([(labels[index], shades[index]) for index in kept], scale)

    def _scene(self, context: bpy.types.Context) -> LiveScene:
        key = (context.scene.name, context.view_layer.name)
        if key not in self._scenes:
            self._scenes[key] = LiveScene(self.settings.vocabulary)
        return self._scenes[key]

    def _region(self, region: bpy.types.Region) -> RegionPicture:
        address = region.as_pointer()
        if address not in self._regions:
            there = {one.as_pointer() for area in views() for one in area.regions}
            self._regions = {key: one for key, one in self._regions.items() if key in there}
            self._regions[address] = RegionPicture()
        return self._regions[address]

    def _table(self, scene: LiveScene) -> tuple[Any, np.ndarray]:
        state = (scene.version, self.settings.kind)
        known = self._tables.get(id(scene))
        if known is None or known[0] != state:
            colors = _colors(scene.things, self.settings)
            known = self._tables[id(scene)] = (state, paint.color_table(colors), colors)
        return known[1:]


def views() -> Iterator[bpy.types.Area]:
    """The 3D Views of all windows."""
    for window in bpy.context.window_manager.windows:
        yield from (area for area in window.screen.areas if area.type == "VIEW_3D")


def _text(thing: Thing, kind: Kind) -> str:
    if kind == "INSTANCE":
        return thing.object
    return (thing.match.class_name or f"{thing.object} ?").capitalize()


def _colors(things: list[Thing], settings: OverlaySettings) -> np.ndarray:
    """float32 N+1×4 for ``paint.color_table``."""
    colors = np.zeros((len(things) + 1, 4), np.float32)
    if settings.kind == "INSTANCE":
        for number in range(1, len(colors)):
            colors[number] = (*(np.array(instance_color(number)) / 255), 1.0)
        return colors
    palette = vocabularies.load(settings.vocabulary).palette / 255
    for number, thing in enumerate(things, start=1):
        known = thing.match.class_name is not None
        colors[number] = (*palette[thing.match.class_id], 1.0) if known else _NO_CLASS_COLOR
    return colors
