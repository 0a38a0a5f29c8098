"""Recipes for surfaces that people make: walls, floors, roads, furniture, vehicles."""

from __future__ import annotations

import numpy as np

from .colour import rgb
from .noise import hash01, sample
from .patch import Look, Patch, fade, inside, joint, mix

_F = np.float32


def plaster(p: Patch) -> Look:
    """Painted plaster: trowel marks up close, a little dirt near the ground outdoors."""
    tone = 1 + _F(0.035) * p.noise("soft", 3.4, 1.0, 31) + _F(0.025) * p.noise("fine", 0.9, 1.0, 32)
    if not p.indoors:
        streaks = p.noise("grain", 4.0, 3.0, 33)
        low = np.clip(1 - p.height / _F(1.4), 0, 1) * p.upright
        tone = tone * (1 - low * (_F(0.15) + _F(0.08) * streaks)) + _F(0.035) * streaks
    return Look(p.colour * np.clip(tone, 0.4, 1.4), 0.02)


def brick(p: Patch) -> Look:
    """Running bond, 21 × 6.5 cm bricks, each its own tone."""
    row = p.v / _F(0.075)
    line = np.floor(row)
    column = p.u / _F(0.225) + _F(0.5) * (line - 2 * np.floor(line / 2))
    wide, high = p.width_u / _F(0.225), p.width_v / _F(0.075)
    mortar = np.maximum(joint(column, 0.05, wide), joint(row, 0.14, high))
    each = (hash01(np.floor(column), line, p.seed) - _F(0.5)) * fade(np.maximum(wide, high), 1.0)
    tone = 1 + _F(0.42) * each + _F(0.10) * p.noise("soft", 5.0, 1.0, 34) + _F(0.06) * p.noise("fine", 0.7, 1.0, 35)
    pale = p.paint(rgb("#a79d90")) * _F(0.9)
    return Look(mix(p.colour * np.clip(tone, 0.4, 1.7), pale, mortar * _F(0.75)), 0.0)


def concrete(p: Patch) -> Look:
    """Cast concrete: clouds of grey, rain streaks on walls, fine pores."""
    clouds, streaks, pores = (
        p.noise("soft", 4.5, 1.0, 36),
        p.noise("grain", 3.0, 4.0, 37),
        p.noise("fine", 0.8, 1.0, 38),
    )
    tone = 1 + _F(0.09) * clouds + _F(0.07) * streaks * p.upright + _F(0.05) * pores
    return Look(p.colour * np.clip(tone, 0.4, 1.4), 0.05)


def planks(p: Patch) -> Look:
    """Boards 14 cm wide and some two metres long, staggered."""
    row = p.v / _F(0.14)
    line = np.floor(row)
    column = p.u / _F(1.9) + hash01(line, p.seed, 3)
    wide, high = p.width_u / _F(1.9), p.width_v / _F(0.14)
    gap = np.maximum(joint(column, 0.003, wide), joint(row, 0.045, high))
    each = (hash01(np.floor(column), line, p.seed) - _F(0.5)) * fade(high, 1.0)
    grain = _along_grain(p, each)
    tone = 1 + _F(0.30) * each + _F(0.13) * grain + _F(0.05) * p.noise("soft", 6.0, 1.0, 40)
    return Look(p.colour * np.clip(tone, 0.35, 1.6) * (1 - _F(0.55) * gap), 0.16)


def _along_grain(p: Patch, shift: np.ndarray) -> np.ndarray:
    """Wood grain along u, sampled with u and v exchanged; ``shift`` tears it apart between boards."""
    return sample("grain", p.v / _F(0.9) + shift * 5, p.u / _F(3.6), p.width / _F(0.9))


def wood(p: Patch) -> Look:
    """Furniture: one tone of wood, grain along the longer way."""
    grain = _along_grain(p, p.keys[0])
    tone = 1 + _F(0.15) * grain + _F(0.07) * p.noise("soft", 1.3, 1.0, 41)
    return Look(p.colour * np.clip(tone, 0.4, 1.5), 0.14)


def asphalt(p: Patch) -> Look:
    """Asphalt: worn lanes, patches, cracks, grit up close."""
    wear, patches = p.noise("soft", 22.0, 1.0, 42), p.noise("soft", 5.5, 1.0, 43)
    grit = p.noise("fine", 0.9, 1.0, 44)
    crack = p.noise("soft", 9.0, 1.0, 45)
    line = np.clip(1 - np.abs(crack) * _F(26), 0, 1) * fade(p.width, 0.10) * (patches > 0.1)
    tone = 1 + _F(0.12) * wear + _F(0.08) * patches + _F(0.10) * grit
    return Look(p.colour * np.clip(tone, 0.4, 1.5) * (1 - _F(0.30) * line), 0.07)


def paving(p: Patch) -> Look:
    """Slabs of 60 × 40 cm in rows, each its own grey."""
    row = p.v / _F(0.42)
    line = np.floor(row)
    column = p.u / _F(0.62) + _F(0.5) * (line - 2 * np.floor(line / 2))
    wide, high = p.width_u / _F(0.62), p.width_v / _F(0.42)
    gap = np.maximum(joint(column, 0.035, wide), joint(row, 0.05, high))
    each = (hash01(np.floor(column), line, p.seed) - _F(0.5)) * fade(np.maximum(wide, high), 1.0)
    tone = 1 + _F(0.20) * each + _F(0.10) * p.noise("soft", 6.0, 1.0, 46) + _F(0.06) * p.noise("fine", 0.7, 1.0, 47)
    return Look(p.colour * np.clip(tone, 0.4, 1.5) * (1 - _F(0.42) * gap), 0.05)


def tiles(p: Patch) -> Look:
    """Glazed square tiles, 20 cm."""
    gap = np.maximum(joint(p.u / _F(0.2), 0.03, p.width_u / _F(0.2)), joint(p.v / _F(0.2), 0.03, p.width_v / _F(0.2)))
    each = (hash01(np.floor(p.u / _F(0.2)), np.floor(p.v / _F(0.2)), p.seed) - _F(0.5)) * fade(p.width, 0.2)
    return Look(p.colour * (1 + _F(0.08) * each) * (1 - _F(0.35) * gap), 0.35)


def roof(p: Patch) -> Look:
    """Rows of roof tiles with a shadow under each row; gravel and felt where it is flat."""
    wish = p.wishes.get("roof")
    palette = (
        p.paint(rgb(wish.colour)) if wish and wish.colour else _pick(p, ("#8a4a35", "#7a4034", "#5d5a58", "#94583c"), 1)
    )
    slope = np.sqrt(np.maximum(1 - p.normals[2] ** 2, _F(0.05)))
    row, column = p.points[2] / (slope * _F(0.34)), (p.u + p.v) / _F(0.28)
    high, wide = p.width / _F(0.34), p.width / _F(0.28)
    shadow = joint(row, 0.22, high) * _F(0.36) + joint(column, 0.16, wide) * _F(0.14)
    each = (hash01(np.floor(row), np.floor(column), p.seed) - _F(0.5)) * fade(np.maximum(high, wide), 1.0)
    tone = 1 + _F(0.28) * each + _F(0.14) * p.noise("soft", 4.0, 1.0, 48)
    tiled = palette * np.clip(tone, 0.4, 1.6) * (1 - shadow)
    flat = p.paint(rgb("#8b8883")) if not (wish and wish.colour) else palette
    gravel = flat * (1 + _F(0.12) * p.noise("soft", 5.0, 1.0, 49) + _F(0.08) * p.noise("fine", 1.1, 1.0, 50))
    return Look(mix(tiled, gravel, (p.normals[2] > 0.985).astype(_F)), 0.03)


def metal(p: Patch) -> Look:
    """Brushed metal."""
    return Look(p.colour * (1 + _F(0.06) * p.noise("grain", 0.5, 8.0, 51)), 0.55, metal=True)


def lacquer(p: Patch) -> Look:
    """Painted sheet metal: clean colour under a clear coat, dark glass band, dirt low down."""
    share = np.clip(p.height / np.maximum(p.tall, _F(0.3)), 0, 1)
    glass = inside(share, 0.60, 0.92, p.pixel / np.maximum(p.tall, _F(0.3))) * p.upright * (p.tall > 0.9)
    low = inside(share, -1.0, 0.16, p.pixel / np.maximum(p.tall, _F(0.3)))
    body = mix(p.colour, p.paint((0.02, 0.02, 0.022)), low * _F(0.85))
    return Look(mix(body, p.paint((0.015, 0.02, 0.025)), glass), _F(0.32) + _F(0.5) * glass)


def enamel(p: Patch) -> Look:
    """Painted metal of appliances, poles and signs."""
    return Look(p.colour * (1 + _F(0.03) * p.noise("soft", 2.0, 1.0, 52)), 0.3)


def plastic(p: Patch) -> Look:
    """Moulded plastic, even and half shiny."""
    return Look(p.colour * (1 + _F(0.02) * p.solid_noise("soft", 1.0, 53)), 0.22)


def ceramic(p: Patch) -> Look:
    """Glazed, with veins so faint that they read as marble or glaze."""
    vein = np.clip(1 - np.abs(p.solid_noise("soft", 2.6, 54)) * 9, 0, 1)
    return Look(p.colour * (1 - _F(0.12) * vein), 0.42)


def fabric(p: Patch) -> Look:
    """Cloth: a weave up close, soft folds further out."""
    weave = p.noise("fine", 0.22, 1.0, 55)
    folds = p.noise("soft", 1.1, 1.6, 56)
    edge = (1 - p.facing) ** 2 * _F(0.25)  # the nap catches light at the rim
    return Look(p.colour * np.clip(1 + _F(0.10) * weave + _F(0.09) * folds + edge, 0.5, 1.6), soft=0.25)


def curtain(p: Patch) -> Look:
    """Cloth hanging in folds."""
    folds = p.noise("grain", 0.9, 30.0, 57)
    return Look(p.colour * np.clip(1 + _F(0.24) * folds, 0.4, 1.5), soft=0.6)


def rug(p: Patch) -> Look:
    """A rug with a border and a diamond pattern."""
    along, across = p.along - p.extent[:, 0], p.across - p.extent[:, 2]
    long, wide = p.extent[:, 1] - p.extent[:, 0], p.extent[:, 3] - p.extent[:, 2]
    rim = np.minimum(np.minimum(along, long - along), np.minimum(across, wide - across))
    border = inside(rim, 0.10, 0.28, p.width)
    thread = inside(rim, 0.34, 0.37, p.width) + inside(rim, 0.03, 0.06, p.width)
    diamond = np.abs(along / _F(0.5) % 1 - _F(0.5)) + np.abs(across / _F(0.5) % 1 - _F(0.5))
    field = inside(diamond, 0.38, 0.60, p.width / _F(0.5)) * (rim > 0.4)
    dark, light = p.colour * _F(0.45), p.paint(rgb("#d9c9a8"))
    tone = mix(mix(mix(p.colour, dark, border), light, np.clip(thread, 0, 1) * _F(0.8)), light, field * _F(0.35))
    return Look(tone * np.clip(1 + _F(0.14) * p.noise("fine", 0.35, 1.0, 58), 0.5, 1.5), soft=0.2)


def leather(p: Patch) -> Look:
    """Leather: creases and a dull shine."""
    creases = p.solid_noise("pebbles", 0.5, 59) * _F(0.10) + p.solid_noise("soft", 0.8, 60) * _F(0.10)
    return Look(p.colour * np.clip(1 + creases, 0.5, 1.4), 0.2)


def clay(p: Patch) -> Look:
    """What no class is known of: modelling clay, neutral on purpose."""
    return Look(p.colour * (1 + _F(0.03) * p.solid_noise("soft", 2.0, 61)), 0.06)


def bars(p: Patch) -> Look:
    """Blinds and shutters: slats of 5 cm."""
    slat = p.v / _F(0.05)
    shade = joint(slat, 0.35, p.width_v / _F(0.05))
    return Look(p.colour * (1 - _F(0.35) * shade), 0.05, soft=0.3)


def stripes(p: Patch) -> Look:
    """Awnings and tents: broad stripes of colour and cream."""
    colour = joint(p.u / _F(0.6), 0.5, p.width_u / _F(0.6))
    return Look(mix(p.paint(rgb("#e2d8c2")), p.colour, colour), soft=0.5)


def _pick(p: Patch, palette: tuple[str, ...], key: int) -> np.ndarray:
    """3×N: one of these colours for each instance."""
    colours = np.array([rgb(text) for text in palette], _F)
    index = np.minimum((p.keys[key] * len(palette)).astype(np.int32), len(palette) - 1)
    return np.ascontiguousarray(colours[index].T)


RECIPES = {
    "plaster": plaster,
    "brick": brick,
    "concrete": concrete,
    "planks": planks,
    "wood": wood,
    "asphalt": asphalt,
    "paving": paving,
    "tiles": tiles,
    "roof": roof,
    "metal": metal,
    "lacquer": lacquer,
    "enamel": enamel,
    "plastic": plastic,
    "ceramic": ceramic,
    "fabric": fabric,
    "curtain": curtain,
    "rug": rug,
    "leather": leather,
    "clay": clay,
    "bars": bars,
    "stripes": stripes,
}
