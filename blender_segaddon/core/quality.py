"""What a generator will have trouble with in a capture: said before any time is spent on a picture.

The limits are our own and stand at their names; distances of colours are Euclidean in 8-bit sRGB, which is what a
ControlNet sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..protocol.errors import InvalidInput
from .maps import NO_CLASS, Instance, SceneMaps
from .stems import grouped
from .vocabulary import Vocabulary, load

SEVERITIES = ("info", "warning", "error")
REMEDIES = ("set_class", "select", "move_near_clip", "frame_scene")
"""What one click can do; ``Finding.remedy`` is one of them, or "" """

_UNCLASSED = 0.05
"""of the picture; less without a class is only mentioned"""
_CLOSE_COLOURS = 12.0
"""8-bit sRGB; ADE20K's nearest different colours are 5 apart"""
_VISIBLE = 0.005
"""of the picture; what is smaller is not missed when two classes are confused"""
_EMPTY = 0.02
"""of the picture; less than that shows nothing"""
_IN_THE_WAY = 0.4
"""of the picture, covered by one thing that the camera stands in"""
_FLAT_DEPTH = 0.01
"""range of depth, from its 1st to its 99th percentile, by the farther one; less is no depth"""
_NAMED = 3
"""names in a message; the rest is counted"""


@dataclass(frozen=True)
class Finding:
    """One thing to know about a capture."""

    severity: str
    """one of ``SEVERITIES``"""
    code: str
    """stable name of the kind: "unclassed", "unknown_class", "close_colours", "too_small", "empty", "flat_depth",
    "camera_inside", "by_shape", "inexact\""""
    message: str
    """one line for people"""
    objects: tuple[str, ...] = ()
    """names of the objects that it is about, each once, the largest in the picture first"""
    remedy: str = ""
    """one of ``REMEDIES``, "" where there is none"""
    value: float = 0.0
    """"move_near_clip": the clip start, in scene units, behind which the object is no longer seen"""


@dataclass(frozen=True)
class Report:
    """All findings, the gravest first."""

    findings: tuple[Finding, ...]

    @property
    def severity(self) -> str:
        """The gravest severity, "" where there is nothing to say."""
        return self.findings[0].severity if self.findings else ""

    def summary(self) -> str:
        """One line: "2 warnings: 12 % of the picture has no class (Cube ×14)"."""
        grave = [one for one in self.findings if one.severity != "info"]
        if not grave:
            return "Ready for a picture"
        kind = "error" if self.severity == "error" else "warning"
        count = sum(one.severity == self.severity for one in grave)
        return f"{count} {kind}{'' if count == 1 else 's'}: {grave[0].message}"


def report(maps: SceneMaps, *, model_palette: np.ndarray | None = None, latent_factor: int = 8) -> Report:
    """See ``api.quality``."""
    classes = load(maps.vocabulary)
    palette = _checked(classes.palette if model_palette is None else model_palette, len(classes))
    if latent_factor < 1:
        raise InvalidInput(f"A latent factor of {latent_factor} cannot be", "Give the model's, 8 for most")
    findings = [
        *_unclassed(maps),
        *_unknown_classes(maps),
        *_close_colours(maps, classes, palette),
        *_too_small(maps, latent_factor),
        *_emptiness(maps),
        *_camera_inside(maps, classes),
        *_by_shape(maps),
        *_inexact(maps),
    ]
    return Report(tuple(sorted(findings, key=lambda one: -SEVERITIES.index(one.severity))))


def _checked(palette: np.ndarray, classes: int) -> np.ndarray:
    palette = np.asarray(palette)
    if palette.ndim != 2 or palette.shape[1] != 3 or len(palette) < classes:
        raise InvalidInput(f"A palette of {palette.shape} does not fit {classes} classes", f"Give {classes}×3 colours")
    return palette.astype(np.float64)


def _inexact(maps: SceneMaps) -> Iterator[Finding]:
    for one in maps.inexact:
        message = f"{one.object}: {one.reason}" if one.object else one.reason
        yield Finding("info", "inexact", message, (one.object,) if one.object else ())


def _unclassed(maps: SceneMaps) -> Iterator[Finding]:
    silent = [one for one in maps.instances if one.class_name is None and not one.text]
    bare = [one for one in silent if not one.class_source.startswith("unknown class")]
    share = _share(bare, maps)
    if bare:
        severity = "warning" if share >= _UNCLASSED else "info"
        message = f"No class for {_percent(share)} of the picture: {_named(_names(bare))}"
        yield Finding(severity, "unclassed", message, _names(bare), "set_class")


def _unknown_classes(maps: SceneMaps) -> Iterator[Finding]:
    sources: dict[str, list[Instance]] = {}
    for one in maps.instances:
        if one.class_source.startswith("unknown class"):
            sources.setdefault(one.class_source, []).append(one)
    for source, which in sources.items():
        said = source.removeprefix("unknown class ").partition(" (")[0]
        message = f"{said} is no class of {load(maps.vocabulary).title}: {_named(_names(which))}"
        yield Finding("warning", "unknown_class", message, _names(which), "set_class")


def _close_colours(maps: SceneMaps, classes: Vocabulary, palette: np.ndarray) -> Iterator[Finding]:
    counts = np.bincount(maps.class_map.ravel(), minlength=NO_CLASS + 1)[: len(classes)]
    shown = np.flatnonzero(counts > _VISIBLE * maps.class_map.size)
    for at, first in enumerate(shown):
        for second in shown[at + 1 :]:
            distance = float(np.linalg.norm(palette[first] - palette[second]))
            if distance < _CLOSE_COLOURS:
                pair = f"{classes.classes[first].name} and {classes.classes[second].name}"
                same = "the same color" if distance == 0 else "nearly the same color"
                objects = _names(one for one in maps.instances if one.class_id in (first, second))
                yield Finding("warning", "close_colours", f"The model sees {pair} in {same}", objects, "select")


def _too_small(maps: SceneMaps, factor: int) -> Iterator[Finding]:
    small = [one for one in maps.instances if one.pixels < factor * factor]
    described = [one for one in small if one.text]
    if described:
        message = f"Too small for the model to see their words: {_named(_names(described))}"
        yield Finding("warning", "too_small", message, _names(described), "select")
    elif small:
        message = f"{len(small)} of {len(maps.instances)} things are smaller than {factor}×{factor} pixels"
        yield Finding("info", "too_small", message, _names(small), "select")


def _emptiness(maps: SceneMaps) -> Iterator[Finding]:
    seen = (maps.instance_map > 0) & np.isfinite(maps.depth)
    if seen.mean() < _EMPTY:
        yield Finding(
            "warning", "empty", f"Objects cover only {_percent(seen.mean())} of the picture", (), "frame_scene"
        )
        return
    values = maps.depth[seen]
    near, far = np.percentile(values[:: max(1, values.size // 100_000)], (1, 99))
    if far - near < _FLAT_DEPTH * far:
        message = "All that is seen is equally far: a depth map says nothing here"
        yield Finding("info", "flat_depth", message)


def _camera_inside(maps: SceneMaps, classes: Vocabulary) -> Iterator[Finding]:
    for one in maps.instances:
        known = None if one.class_id == NO_CLASS else classes.classes[one.class_id]
        is_room = known is not None and not known.is_thing  # walls, sky, houses: there one may stand
        if one.around_camera and not is_room and one.pixels > _IN_THE_WAY * maps.instance_map.size:
            message = f"The camera stands inside {one.object!r}"
            yield Finding("error", "camera_inside", message, (one.object,), "move_near_clip", _past(maps, one))


def _by_shape(maps: SceneMaps) -> Iterator[Finding]:
    guessed = [one for one in maps.instances if one.class_source == "geometry"]
    if guessed:
        pairs = dict.fromkeys(f"{one.object} is {one.class_name}" for one in guessed)
        yield Finding("info", "by_shape", f"By their shape alone: {_named(tuple(pairs))}", _names(guessed), "set_class")


def _past(maps: SceneMaps, one: Instance) -> float:
    """Just behind the farthest pixel of an instance."""
    seen = (maps.instance_map == one.id) & np.isfinite(maps.depth)
    return float(maps.depth[seen].max()) * 1.01


def _names(instances: Iterable[Instance]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.object for one in sorted(instances, key=lambda one: -one.pixels)))


def _share(instances: Sequence[Instance], maps: SceneMaps) -> float:
    return sum(one.pixels for one in instances) / maps.instance_map.size


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if share >= 0.01 else "less than 1 %"


def _named(names: Sequence[str]) -> str:
    """ "Cube ×14, Lamp, Box, …", in the order of the names."""
    groups = sorted(grouped(names), key=lambda group: names.index(group[1][0]))
    shown = ", ".join(_counted(stem, group) for stem, group in groups[:_NAMED])
    return shown + (", …" if len(groups) > _NAMED else "")


def _counted(stem: str, group: tuple[str, ...]) -> str:
    return group[0] if len(group) == 1 else f"{stem} ×{len(group)}"
