"""What people write → what a request holds: controls, LoRAs, texts of regions, styles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from ..core import styles
from ..core import vocabulary as vocabularies
from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput
from ..protocol.messages import Control, ControlKind, LoraUse, ModelOptions

ControlsLike = Mapping[str, float | Sequence[float]] | Iterable[Control]
"""{"depth": 0.5} (weight) or {"depth": (0.5, 0.0, 0.6)} (weight, start, end), or the controls themselves."""


def options(
    *,
    steps: int | None = None,
    guidance: float | None = None,
    controls: ControlsLike | None = None,
    region_strength: float | None = None,
    loras: Mapping[str, float] | None = None,
    draft: bool = False,
) -> ModelOptions:
    """Options as the wire has them; ranges are checked where the request is. Raises InvalidInput for a wrong kind."""
    return ModelOptions(
        steps=steps,
        guidance=None if guidance is None else _number("guidance", guidance),
        controls=None if controls is None else _controls(controls),
        region_strength=ModelOptions.region_strength if region_strength is None else float(region_strength),
        loras=tuple(LoraUse(name, _number(name, weight)) for name, weight in (loras or {}).items()),
        draft=draft,
    )


def with_texts(maps: SceneMaps, texts: Mapping[str, str]) -> SceneMaps:
    """The maps with words for some of what they show, in place of the artist's own.

    Args:
        texts: object name, or class name of the maps' vocabulary → words. An object's name goes before its class.

    Raises:
        InvalidInput: a name that is neither an object in sight nor a class; or nothing in sight is of that class.
    """
    known = vocabularies.load(maps.vocabulary)
    by_object = {one.object for one in maps.instances} & set(texts)
    classes = {name: known.lookup(name).id for name in texts if name not in by_object}
    by_class = {class_id: texts[name] for name, class_id in classes.items()}
    unseen = [name for name, class_id in classes.items() if not any(one.class_id == class_id for one in maps.instances)]
    if unseen:
        raise InvalidInput(f"The camera sees no {unseen[0]}", "Name objects or classes that are in the picture")
    changed = tuple(
        replace(one, text=texts.get(one.object, by_class.get(one.class_id, one.text))) for one in maps.instances
    )
    return replace(maps, instances=changed)


def styled(prompt: str, negative: str, style: str, files: Iterable[Path] = ()) -> tuple[str, str]:
    """Prompt and negative prompt in a style; as they are where it is "". Raises InvalidInput for an unknown one."""
    return styles.find(style, files).apply(prompt, negative) if style else (prompt, negative)


def _controls(controls: ControlsLike) -> tuple[Control, ...]:
    if not isinstance(controls, Mapping):
        return tuple(controls)
    return tuple(_control(kind, value) for kind, value in controls.items())


def _control(kind: str, value: float | Sequence[float]) -> Control:
    if kind not in get_args(ControlKind):
        raise InvalidInput(f"There is no control by {kind!r}", f"Choose among: {', '.join(get_args(ControlKind))}")
    values = [value] if isinstance(value, int | float) else list(value)
    if not 1 <= len(values) <= 3:
        raise InvalidInput(
            f"The control {kind!r} has {len(values)} numbers", "Give its weight, or (weight, start, end)"
        )
    return Control(kind, *(_number(kind, one) for one in values))  # pyright: ignore[reportArgumentType]


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{name} cannot be {value!r}", "Give a number")
    return float(value)
