"""Changes what lies under a mask: another material, another colour, or nothing but the surroundings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np

from ...protocol.errors import InvalidInput
from ...protocol.messages import Intent
from ..camera import Camera
from ..inpainting.smooth import spread
from ..maps import BACKGROUND, NO_CLASS, SceneMaps
from . import families, painter
from .colour import from_linear, rgb, to_bytes, to_linear
from .families import Material
from .noise import hash01
from .reveal import grow, with_thing, without
from .words import Reading

_F = np.float32
_NEW_CLASS = NO_CLASS - 1
_RING = 12
"""pixels around the mask that show what light the image has"""
ROUND = frozenset(
    {"leaves", "tree", "flowers", "fur", "food", "rock", "person", "fabric", "leather", "plastic", "ceramic"}
)
"""Recipes of things without flat sides."""
SURFACES = frozenset(
    {
        "wall",
        "building",
        "sky",
        "floor",
        "ceiling",
        "road",
        "windowpane",
        "grass",
        "sidewalk",
        "earth",
        "mountain",
        "curtain",
        "water",
        "sea",
        "house",
        "rug",
        "field",
        "sand",
        "skyscraper",
        "path",
        "stairs",
        "runway",
        "river",
        "hill",
        "land",
        "dirt track",
        "lake",
        "roof",
        "window",
        "mirror",
        "glass",
    }
)
"""Nouns of what covers the surface that is there, instead of standing before it."""
INTENTS = get_args(Intent)


def repaint_mask(
    image: np.ndarray,
    mask: np.ndarray,
    maps: SceneMaps | None,
    prompt: str,
    seed: int,
    intent: str,
    strength: float,
    on_step: Callable[[int, int], None] | None,
) -> np.ndarray:
    """See ``repaint``."""
    _check(image, mask, maps, intent, strength)
    if not mask.any():
        return image.copy()
    if intent in ("remove", "extend"):
        painted = _taken_away(image, mask, maps, prompt, seed, on_step)
    else:
        painted = _new_thing(image, mask, maps, prompt, seed, on_step)
        if intent == "change":
            painted = _recolour(image, mask, painted, painter.read_prompt(prompt))
    result = image.copy()
    old = image[mask].astype(_F)
    result[mask] = to_bytes(old + (painted[mask].astype(_F) - old) * _F(strength))
    return result


def _check(image: np.ndarray, mask: np.ndarray, maps: SceneMaps | None, intent: str, strength: float) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InvalidInput(f"The image is {image.dtype} {image.shape}", "Give uint8 H×W×3.")
    if mask.shape != image.shape[:2] or mask.dtype != bool:
        raise InvalidInput(f"The mask is {mask.dtype} {mask.shape}", f"Give bool {image.shape[:2]} like the image.")
    if maps is not None and maps.depth.shape != mask.shape:
        raise InvalidInput(f"The maps are {maps.depth.shape}, the image {mask.shape}", "Use the maps of this image.")
    if intent not in INTENTS:
        raise InvalidInput(f"Unknown intent '{intent}'", f"Choose one of: {', '.join(INTENTS)}.")
    if not 0 <= strength <= 1:
        raise InvalidInput(f"Strength {strength} is out of range", "Choose 0 to 1.")


def _new_thing(
    image: np.ndarray,
    mask: np.ndarray,
    maps: SceneMaps | None,
    prompt: str,
    seed: int,
    on_step: Callable[[int, int], None] | None,
) -> np.ndarray:
    """uint8 H×W×3: the scene with what the prompt names under the mask, in the light of the image; the rest is free."""
    scene_maps = maps if maps is not None else flat_maps(mask.shape)
    reading = painter.read_prompt(prompt)
    material = material_for(reading, scene_maps, mask, seed)
    if maps is None or _stands_alone(reading, scene_maps, mask):
        scene_maps = with_thing(scene_maps, mask, material[0] in ROUND)
    changed = replace(
        scene_maps,
        class_map=np.where(mask, np.uint16(_NEW_CLASS), scene_maps.class_map),
        instance_map=np.where(mask, np.uint32(scene_maps.instance_map.max() + 1), scene_maps.instance_map),
    )
    painted = _painted_near(changed, mask, prompt, seed, on_step, {_NEW_CLASS: ("", material)})
    return _matched(image, mask, painted, maps is not None)


def _painted_near(
    maps: SceneMaps,
    mask: np.ndarray,
    prompt: str,
    seed: int,
    on_step: Callable[[int, int], None] | None,
    forced: dict[int, tuple[str, Material]],
) -> np.ndarray:
    """uint8 H×W×3: the picture of the maps, painted in the rows of the mask and a little around; 0 elsewhere."""
    near = np.flatnonzero(grow(mask, _RING).any(1))
    rows = range(int(near[0]), int(near[-1]) + 1, 32)
    step = painter.Steps(on_step, len(rows) + painter.STAGES)
    scene = painter.prepare(maps, prompt, seed, step, forced)
    painted = np.zeros((*mask.shape, 3), np.uint8)
    for start in rows:
        band = slice(start, min(start + 32, mask.shape[0]))
        painted[band] = to_bytes(painter.render(scene, band))
        step()
    return painted


def _stands_alone(reading: Reading, maps: SceneMaps, mask: np.ndarray) -> bool:
    """Whether the prompt names a thing and the mask is not simply one of the scene's objects."""
    noun = reading.subject.noun
    if noun in SURFACES or (not noun and reading.subject.recipe not in ROUND):
        return False
    ids, count = np.unique(maps.instance_map[mask], return_counts=True)
    most = int(count.argmax())
    whole = int((maps.instance_map == ids[most]).sum())
    return bool(ids[most] == BACKGROUND or count[most] < 0.8 * mask.sum() or count[most] < 0.5 * whole)


def _taken_away(
    image: np.ndarray,
    mask: np.ndarray,
    maps: SceneMaps | None,
    prompt: str,
    seed: int,
    on_step: Callable[[int, int], None] | None,
) -> np.ndarray:
    """uint8 H×W×3: the surroundings go on under the mask; with maps as surfaces, without as what the picture shows."""
    if maps is None or mask.all():
        painter.Steps(on_step, 1)()
        return fill(image, mask, seed)
    cleared = without(maps, mask)
    painted = _painted_near(cleared, mask, prompt, seed, on_step, {})
    ring = grow(mask, _RING) & ~mask
    result = painted.copy()
    for one in np.unique(cleared.class_map[mask]):
        here, seen = mask & (cleared.class_map == one), ring & (maps.class_map == one)
        if not seen.any():
            seen = ring
        there, own = (np.median(to_linear(picture[seen]), 0) for picture in (image, painted))
        gain = np.round(np.clip((there + 0.01) / (own + 0.01), 0.1, 4), 4).astype(_F)
        result[here] = from_linear(to_linear(painted[here]) * gain)
    return result


def material_for(reading: Reading, maps: SceneMaps, mask: np.ndarray, seed: int) -> Material:
    """Recipe and colours for the prompt's subject; what is not said stays as the thing under the mask was."""
    names = families.class_names(maps.vocabulary)
    most = int(np.bincount(maps.class_map[mask]).argmax())
    recipe, palette = families.material_of(names[most] if most < len(names) else None)
    wish = reading.subject
    if wish.noun in families.MATERIALS:
        recipe, palette = families.MATERIALS[wish.noun]
    if wish.recipe:
        recipe, palette = families.in_recipe(recipe, wish.recipe, palette)
    if recipe == "sky" and not wish.colour:
        return recipe, palette
    recipe = "plaster" if recipe == "sky" else recipe
    if wish.colour:
        painted = not wish.recipe and recipe not in _GROWN  # "turquoise": paint that covers the wood of a boat
        return recipe, (wish.colour if painted else _natural(wish.colour, recipe),)
    return recipe, (palette[int(hash01(seed, 32)[0] * len(palette))],)


_GROWN = ("leaves", "grass", "rock")
"""Materials that nobody paints."""


def _natural(colour: str, recipe: str) -> str:
    """Half-way to the material's own colour: "red brick" is not as red as a red car."""
    if recipe not in ("brick", "wood", "planks", "rock", "leaves", "leather", "grass", "roof"):
        return colour
    own = families.RECIPE_COLOURS.get(recipe, (colour,))[0]
    mean = ((int(colour[k : k + 2], 16) + int(own[k : k + 2], 16)) // 2 for k in (1, 3, 5))
    return "#" + "".join(f"{value:02x}" for value in mean)


def flat_maps(shape: tuple[int, int]) -> SceneMaps:
    """Maps of a wall that faces the camera, 6 m wide: for pictures of which nothing is known."""
    height, width = shape
    projection = np.diag([1.0, width / height, -1.0, 0.0])
    projection[2, 3], projection[3, 2] = -0.2, -1.0
    upright = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 1.5], [0, 0, 0, 1]], float)
    normal = np.zeros((height, width, 3), _F)
    normal[..., 2] = 1
    return SceneMaps(
        instance_map=np.zeros(shape, np.uint32),
        class_map=np.full(shape, NO_CLASS, np.uint16),
        depth=np.full(shape, 3.0, _F),
        normal=normal,
        instances=(),
        camera=Camera("PERSP", width, height, 0.1, 100.0, upright, projection),
        background="",
    )


def _matched(image: np.ndarray, mask: np.ndarray, painted: np.ndarray, known: bool) -> np.ndarray:
    """``painted`` brought to the light of ``image``: both show the same things in the ring around the mask."""
    ring = grow(mask, _RING) & ~mask
    if not ring.any():
        return painted
    there = np.median(to_linear(image[ring]), 0)
    here = np.median(to_linear(painted[ring]), 0) if known else np.full(3, max(float(there.mean()), 0.05) ** 0.5 * 0.5)
    ratio = np.clip((there + 0.01) / (here + 0.01), 0.2, 2.0)
    if not known:
        ratio = ratio.mean().repeat(3)
    bright = float(np.clip(ratio.mean(), 0.25, 1.6))
    gain = np.round(bright * np.clip(ratio / ratio.mean(), 0.6, 1.6) ** 0.5, 4).astype(_F)
    result = painted.copy()
    result[mask] = from_linear(to_linear(painted[mask]) * gain)
    return result


def _recolour(image: np.ndarray, mask: np.ndarray, painted: np.ndarray, reading: Reading) -> np.ndarray:
    """The light and shade of ``image`` with the colour of ``painted`` (and, where a material is named, its texture)."""
    old, new = to_linear(image[mask]), to_linear(painted[mask])
    weights = np.array((0.2126, 0.7152, 0.0722), _F)
    old_grey, new_grey = (one * weights for one in (old, new))
    old_grey, new_grey = old_grey.sum(1), new_grey.sum(1)
    shading = old_grey / max(float(np.round(old_grey.mean(dtype=np.float64), 5)), 1e-3)
    named = reading.subject.colour
    base = np.array(rgb(named), _F) if named else np.round(new.mean(0, dtype=np.float64), 5).astype(_F)
    level = max(float(base @ weights), 1e-3) ** 0.75 * max(float(old_grey.mean(dtype=np.float64)), 1e-3) ** 0.25
    light = base * _F(level / max(float(base @ weights), 1e-3)) * np.clip(shading, 0.05, 3)[:, None]
    if reading.subject.recipe:
        light *= np.clip(new_grey / max(float(new_grey.mean(dtype=np.float64)), 1e-3), 0.4, 1.8)[:, None] ** _F(0.5)
    result = image.copy()
    result[mask] = from_linear(light)
    return result


def fill(image: np.ndarray, mask: np.ndarray, seed: int) -> np.ndarray:
    """uint8 H×W×3: the surroundings mirrored into the mask from both sides, so that what runs across goes on.

    What no source reaches is filled smoothly.
    """
    smooth = _smooth_fill(image.astype(_F), ~mask, seed)
    across, across_weight = _mirrored(image, mask)
    down, down_weight = (one.swapaxes(0, 1) for one in _mirrored(image.swapaxes(0, 1), mask.T))
    mixed = np.where((across_weight > 0)[..., None], across, np.where((down_weight > 0)[..., None], down, smooth))
    # leaning towards the smooth fill keeps large masks from showing two mirrored halves
    mixed += (smooth - mixed) * _F(0.5)
    result = image.copy()
    result[mask] = to_bytes(mixed)[mask]
    return result


def _mirrored(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(float32 H×W×3, float32 H×W weight 0..1): rows mirrored over both ends of each masked run, cross-faded."""
    height, width = mask.shape
    x = np.broadcast_to(np.arange(width), mask.shape)
    left = np.maximum.accumulate(np.where(mask, -1, x), 1)
    right = np.minimum.accumulate(np.where(mask, 2 * width, x)[:, ::-1], 1)[:, ::-1]
    rows = np.arange(height)[:, None]
    total, weight = np.zeros(image.shape, _F), np.zeros(mask.shape, _F)
    for end, source in ((left, 2 * left - x + 1), (right, 2 * right - x - 1)):
        valid = mask & (end >= 0) & (end < width) & (source >= 0) & (source < width)
        at = np.clip(source, 0, width - 1)
        valid &= ~mask[rows, at]
        own, other = np.abs(x - end).astype(_F), np.where(end is left, np.abs(right - x), np.abs(x - left)).astype(_F)
        share = np.clip(_F(0.5) + (other / (own + other + _F(1e-6)) - _F(0.5)) * 3, _F(0.001), 1) * valid
        total += image[rows, at] * share[..., None]
        weight += share
    return total / np.maximum(weight, _F(1e-6))[..., None], weight


def _smooth_fill(image: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
    """What is known goes on smoothly, with a little grain on top; grey where nothing is known."""
    if not known.any():
        return np.full(image.shape, _F(128))
    y, x = np.meshgrid(np.arange(known.shape[0]), np.arange(known.shape[1]), indexing="ij")
    return spread(image, known) + (hash01(x, y, seed)[..., None] - _F(0.5)) * _F(4)
