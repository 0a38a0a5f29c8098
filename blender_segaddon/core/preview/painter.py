"""Puts the picture together: recipes on surfaces, light on recipes, haze over all of it, in bands of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..maps import NO_CLASS, SceneMaps
from . import families, sky, style
from . import light as lighting
from .colour import develop, rgb, to_bytes
from .families import Material
from .geometry import Geometry, dot, survey, turn
from .noise import hash01, sample
from .patch import Look, Patch
from .words import Reading, Wish, read

_F = np.float32
_BAND = 1 << 16
"""Pixels of a band: its arrays stay in the processor's cache."""

COMMON = frozenset(
    {
        "grass",
        "soil",
        "sand",
        "water",
        "asphalt",
        "paving",
        "plaster",
        "planks",
        "tiles",
        "mountain",
        "concrete",
    }
)
"""Recipes of what is often made of many pieces: all instances of a class get the same colour, and no seam shows."""
_THINGS_OF_PLANKS = frozenset({"box", "barrel", "basket", "boat", "booth", "fence", "hovel"})

STAGES = 8
"""Steps that ``prepare`` counts."""

OnStep = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Scene:
    """All that stays the same over the bands of one picture."""

    geometry: Geometry
    reading: Reading
    seed: int
    light: lighting.Light
    materials: dict[int, tuple[str, Material]]
    """class id → (class name, material), wishes applied"""
    open: np.ndarray
    """float32 H×W: contact shade, 0..1"""
    lit: np.ndarray
    """float32 H×W: sun or shadow, 0..1"""
    keys: np.ndarray
    """float32 3×(N+1)"""
    plain: bool
    """facades get no painted windows, since the scene models them"""


def paint_scene(maps: SceneMaps, prompt: str, seed: int, on_step: OnStep | None) -> np.ndarray:
    """uint8 H×W×3, display-referred sRGB; see ``paint``."""
    step = Steps(on_step, len(list(_bands(maps))) + STAGES + 1)
    scene = prepare(maps, prompt, seed, step)
    picture = np.empty((maps.height, maps.width, 3), _F)
    for rows in _bands(maps):
        picture[rows] = render(scene, rows)
        step()
    picture = style.finish(picture, scene.geometry, scene.reading.mood, seed)
    step()
    return to_bytes(picture)


class Steps:
    """Counts the stages for ``on_step``."""

    def __init__(self, on_step: OnStep | None, total: int) -> None:
        self.on_step, self.total, self.done = on_step, total, 0

    def __call__(self) -> None:
        self.done += 1
        if self.on_step:
            self.on_step(self.done, self.total)


def prepare(
    maps: SceneMaps,
    prompt: str,
    seed: int,
    step: Callable[[], None],
    forced: dict[int, tuple[str, Material]] | None = None,
) -> Scene:
    """Looks at the whole picture: geometry, light, shade. ``forced`` replaces the materials of class ids."""
    names = families.class_names(maps.vocabulary)
    reading = read_prompt(prompt)
    geometry = survey(maps, names)
    materials = {**_materials(maps, names, reading, seed), **(forced or {})}
    shares = _shares(geometry, maps, names)
    for part in ("points", "normals", "yaw", "extent"):
        getattr(geometry, part)
        step()
    light = lighting.arrange(geometry, reading.mood, shares, names, seed)
    open_ = lighting.contact(geometry)
    step()
    open_ = lighting.enlarge(open_, geometry)
    step()
    lit = lighting.shadow(geometry, light)
    step()
    lit = lighting.enlarge(lit, geometry)
    step()
    return Scene(geometry, reading, seed, light, materials, open_, lit, geometry.keys(seed), _models_windows(shares))


def read_prompt(prompt: str) -> Reading:
    """The prompt, with the words of the ADE20K classes as nouns."""
    return read(prompt, families.nouns())


def _materials(maps: SceneMaps, names: tuple[str, ...], reading: Reading, seed: int) -> dict[int, tuple[str, Material]]:
    result = {}
    for index in np.flatnonzero(np.bincount(maps.class_map.ravel(), minlength=NO_CLASS + 1)):
        name = names[index] if index < len(names) else ""
        result[int(index)] = (name, _wished(families.material_of(name), name, reading, seed))
    return result


def _wished(material: Material, name: str, reading: Reading, seed: int) -> Material:
    recipe, palette = material
    if recipe == "tree":
        palette = reading.mood.leaves
    elif name == "grass":
        palette = reading.mood.grass
    wish = reading.wishes.get(name)
    if wish and wish.recipe and recipe != "sky":
        recipe, palette = families.in_recipe(recipe, wish.recipe, palette)
    elif recipe in COMMON and len(palette) > 1:
        palette = (palette[int(hash01(seed, 31)[0] * len(palette))],)
    return recipe, palette


def _shares(geometry: Geometry, maps: SceneMaps, names: tuple[str, ...]) -> dict[str, float]:
    classes = maps.class_map[geometry.coarse].ravel()
    count = np.bincount(classes, minlength=NO_CLASS + 1)
    return {name: float(count[index]) / classes.size for index, name in enumerate(names) if count[index]}


def _models_windows(shares: dict[str, float]) -> bool:
    windows = shares.get("windowpane", 0.0)
    return windows > 0.01 * sum(shares.get(name, 0.0) for name in ("building", "house", "skyscraper")) > 0


def _bands(maps: SceneMaps) -> Iterator[slice]:
    rows = max(1, _BAND // max(maps.width, 1))
    for start in range(0, maps.height, rows):
        yield slice(start, min(start + rows, maps.height))


def render(scene: Scene, rows: slice) -> np.ndarray:
    """float32 rows×W×3 in 0..255: these rows of the picture."""
    light = _band_light(scene, rows)
    mood = scene.reading.mood
    warmth = mood.warmth + (0.15 if scene.light.indoors else 0.0)
    return develop(
        light, mood.exposure * (1.06 if scene.light.indoors else 1.0), mood.contrast, mood.saturation, warmth
    )


def _band_light(scene: Scene, rows: slice) -> np.ndarray:
    maps, geometry = scene.geometry.maps, scene.geometry
    classes = maps.class_map[rows]
    result = np.zeros((3, *classes.shape), _F)
    flat = result.reshape(3, -1)
    flat_classes = classes.ravel()
    for index in np.flatnonzero(np.bincount(flat_classes, minlength=1)):
        pick = np.flatnonzero(flat_classes == index)
        name, (recipe, palette) = scene.materials[int(index)]
        if recipe == "sky":
            flat[:, pick] = _sky(scene, rows, pick)
            continue
        patch = _patch(scene, rows, pick, name, recipe, palette)
        look = _weather(patch, families.RECIPES[recipe](patch), recipe)
        lit, open_ = scene.lit[rows].ravel()[pick], scene.open[rows].ravel()[pick]
        depth = geometry.depth[rows].ravel()[pick]
        flat[:, pick] = _haze(scene, patch, _shade(scene, patch, look, lit, open_), depth)
    return result


def _sky(scene: Scene, rows: slice, pick: np.ndarray) -> np.ndarray:
    camera = scene.geometry.maps.camera
    if camera.type == "ORTHO":
        height, width = scene.geometry.depth.shape
        row, column = np.divmod(pick + rows.start * width, width)
        x, y = (column + _F(0.5)) / width - _F(0.5), (_F(0.5) - (row + _F(0.5)) / height) * _F(height / width)
        ray = np.stack([x, y, np.full_like(x, -1)]).astype(_F)
        direction = turn(scene.geometry.rotation, ray / np.sqrt(dot(ray, ray)))
        angle = 1 / width
    else:
        direction = -scene.geometry.view[:, rows].reshape(3, -1)[:, pick]
        angle = float(scene.geometry.pixel[0, 0] / scene.geometry.depth[0, 0])
    return sky.paint(direction, scene.reading.mood, scene.light.sun, scene.seed, angle)


def _patch(scene: Scene, rows: slice, pick: np.ndarray, name: str, recipe: str, palette: tuple[str, ...]) -> Patch:
    geometry = scene.geometry
    ids = geometry.ids[rows].ravel()[pick]
    common = recipe in COMMON and name not in _THINGS_OF_PLANKS
    keys = scene.keys[:, np.zeros_like(ids) if common else ids]
    wishes = dict(scene.reading.wishes)
    wish = wishes.get(name)
    if wish and wish.colour:
        wishes["wall colour"] = wish
    yaw = geometry.yaw[np.zeros_like(ids) if common and name != "wall" else ids]
    return Patch(
        points=_take(geometry.points, rows, pick),
        normals=_take(geometry.normals, rows, pick),
        view=_take(geometry.view, rows, pick),
        pixel=geometry.pixel[rows].ravel()[pick],
        keys=keys,
        colour=_colours(palette, keys, wish, 0.0 if common else 1.0),
        yaw=yaw,
        extent=geometry.extent[ids],
        mood=scene.reading.mood,
        sun=scene.light.sun,
        seed=scene.seed,
        indoors=scene.light.indoors,
        wishes=wishes,
        plain=scene.plain,
    )


def _take(array: np.ndarray, rows: slice, pick: np.ndarray) -> np.ndarray:
    return array[:, rows].reshape(3, -1)[:, pick]


def _colours(palette: tuple[str, ...], keys: np.ndarray, wish: Wish | None, vary: float) -> np.ndarray:
    """3×N: a colour of the palette for each instance, lighter or darker, warmer or cooler."""
    choices = [rgb(text) for text in ((wish.colour,) if wish and wish.colour else palette)]
    index = np.minimum((keys[2] * len(choices)).astype(np.int32), len(choices) - 1)
    colour = np.ascontiguousarray(np.array(choices, _F)[index].T)
    value = 1 + (keys[0] - _F(0.5)) * _F(0.30 * vary)
    tilt = (keys[1] - _F(0.5)) * _F(0.09 * vary)
    colour *= value
    colour[0] *= 1 + tilt
    colour[2] *= 1 - tilt
    return np.minimum(colour, _F(0.9))


def _weather(p: Patch, look: Look, recipe: str) -> Look:
    """Snow on what faces up, wet ground with puddles. Not in rooms, not on water."""
    mood = p.mood
    if p.indoors or recipe in ("water", "waterfall") or not (mood.snow or mood.wet):
        return look
    up = p.normals[2]
    if mood.snow:
        clumpy = recipe in ("leaves", "tree")
        rough = p.solid_noise("leaves", 3.1, 2) if clumpy else p.solid_noise("soft", 5.0, 81)
        drift = rough * _F(0.42 if clumpy else 0.14)
        cover = np.clip((up - _F(0.30 if clumpy else 0.42)) * _F(1.3 if clumpy else 2.4) + drift, 0, 1) * _F(mood.snow)
        if recipe == "asphalt":
            tracks = sample("soft", p.points[0] / 9, p.points[1] / 9, p.width / 9)
            cover = cover * np.clip(_F(0.62) + _F(0.5) * tracks, 0.15, 0.95)
        white = p.paint((0.50, 0.55, 0.62)) * (1 + _F(0.4) * drift)
        emission = None if look.emission is None else look.emission * (1 - cover)
        look = replace(
            look, albedo=look.albedo + (white - look.albedo) * cover, gloss=look.gloss * (1 - cover), emission=emission
        )
    if mood.wet:
        flat = np.clip((up - _F(0.7)) * 4, 0, 1) * _F(mood.wet)
        pools = np.clip(_F(0.16) + _F(2.6) * (p.noise("soft", 5.0, 1.0, 83) - _F(0.22)), 0.14, 0.8) * flat
        shiny = _F(0) if recipe in ("grass", "leaves", "tree") else pools * _F(0.75)
        look = replace(look, albedo=look.albedo * (1 - _F(0.38) * flat), gloss=np.maximum(look.gloss, shiny))
    return look


def _shade(scene: Scene, p: Patch, look: Look, lit: np.ndarray, open_: np.ndarray) -> np.ndarray:
    """Light on the look: sun, sky, lamps, reflections. float32 3×N."""
    light = scene.light
    up = _F(0.5) + _F(0.5) * p.normals[2]
    shade = open_ * open_ * _F(0.35) + open_ * _F(0.65)
    total = np.empty_like(look.albedo)
    sun = _sunlight(p, look, light, lit)
    for k in range(3):
        total[k] = (light.bounce[k] + (light.ambient[k] - light.bounce[k]) * up) * shade + light.sun_colour[k] * sun
    for one in light.lamps:
        _lamplight(p, look, one, shade, total)
    gloss = np.asarray(look.gloss, _F)
    if look.metal:
        total *= 1 - gloss * _F(0.8)
    total *= look.albedo
    if gloss.max() > 0.01:
        total += _gleam(scene, p, look, gloss, lit, shade)
    if look.emission is not None:
        total += look.emission
    return total


def _sunlight(p: Patch, look: Look, light: lighting.Light, lit: np.ndarray) -> np.ndarray:
    facing = p.normals[0] * light.sun[0] + p.normals[1] * light.sun[1] + p.normals[2] * light.sun[2]
    wrap = _F(0.05 + 0.5 * look.soft)
    direct = np.clip((facing + wrap) / (1 + wrap), 0, 1)
    if look.soft > 0.5:  # light goes through leaves, so their own shadow side is never black
        lit = np.maximum(lit, _F(0.25))
    return direct * lit


def _lamplight(p: Patch, look: Look, lamp: lighting.Lamp, shade: np.ndarray, total: np.ndarray) -> None:
    gap = lamp.at[:, None] - p.points
    square = dot(gap, gap)
    facing = dot(gap, p.normals) / np.sqrt(square + _F(1e-6))
    wrap = _F(0.30 + 0.3 * look.soft)
    power = np.clip((facing + wrap) / (1 + wrap), 0, 1) * shade / (1 + square * _F(1 / lamp.reach**2))
    for k in range(3):
        total[k] += power * lamp.colour[k]


def _gleam(scene: Scene, p: Patch, look: Look, gloss: np.ndarray, lit: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """What is mirrored: the surroundings by Fresnel's law, and the sun as a soft highlight."""
    grazing = 1 - p.facing
    square = grazing * grazing
    fresnel = gloss * (_F(0.10) + _F(0.20) * gloss + _F(0.70) * square * square * grazing)
    if look.metal:
        fresnel = gloss * _F(0.85)
    mirrored = p.reflection() * (fresnel * shade)
    middle = p.view + scene.light.sun[:, None]
    middle /= np.sqrt(dot(middle, middle) + _F(1e-9))
    peak = np.clip(dot(middle, p.normals), 0, 1) ** 2
    for _ in range(4):
        peak = peak * peak
    for k in range(3):
        mirrored[k] += peak * gloss * lit * _F(0.8) * scene.light.sun_colour[k]
    return mirrored * look.albedo * _F(1.4) if look.metal else mirrored


def _haze(scene: Scene, p: Patch, light: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Air between the camera and the surface."""
    if scene.light.fog <= 0:
        return light
    x = depth * _F(scene.light.fog)
    clear = 1 / (1 + x + _F(0.48) * x * x + _F(0.235) * x * x * x)
    indoors = scene.light.indoors
    air = p.paint((0.55, 0.52, 0.47)) if indoors else sky.haze(-p.view, scene.reading.mood, scene.light.sun)
    return air + (light - air) * clear
