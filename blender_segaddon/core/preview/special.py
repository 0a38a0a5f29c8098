"""Recipes for things with parts: facades, windows, pictures, lamps, screens, shelves, people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import made
from .colour import rgb
from .noise import hash01
from .patch import Look, Patch, fade, inside, joint, mix

_F = np.float32


def facade(p: Patch) -> Look:
    """A house: walls with storeys of windows where they are big enough, a roof on top.

    The wall is plaster or brick by instance, unless its colour was wished for.
    """
    walls, bricks = made.plaster(p), made.brick(p)
    as_brick = ((p.keys[2] < _F(0.34)) & ("wall colour" not in p.wishes)).astype(_F)
    wall = mix(walls.albedo, bricks.albedo * mix(p.paint((1, 1, 1)), p.paint((0.95, 0.72, 0.62)), as_brick), as_brick)
    look = _with_windows(p, wall, shop=True)
    return _with_roof(p, look)


def tower(p: Patch) -> Look:
    """A tall building: concrete with many windows, or all of glass, by instance."""
    stone = _with_windows(p, made.concrete(p).albedo, shop=False)
    glass = curtain_wall(p)
    pick = (p.keys[2] < _F(0.55)).astype(_F)
    gloss = mix(np.broadcast_to(np.asarray(stone.gloss, _F), (p.count,)), np.asarray(glass.gloss, _F), pick)
    light = mix(_light_of(stone), _light_of(glass), pick)
    return _with_roof(p, Look(mix(stone.albedo, glass.albedo, pick), gloss, light))


def _light_of(look: Look) -> np.ndarray:
    return np.zeros_like(look.albedo) if look.emission is None else look.emission


def curtain_wall(p: Patch) -> Look:
    """Panes from floor to ceiling between thin mullions; the sky in all of them."""
    across, _ = p.run
    column, row = across / _F(1.5), p.height / _F(3.6)
    wide, high = p.width_u / _F(1.5), p.width_v / _F(3.6)
    frame = np.maximum(joint(column, 0.06, wide), joint(row, 0.16, high))
    detail = fade(np.maximum(wide, high), 1.0)
    each = hash01(np.floor(column), np.floor(row), p.keys[0] * 4096, p.seed)
    pane = p.colour * _F(0.22) * (1 + (each - _F(0.5)) * _F(0.6) * detail)
    lit = _lit(p, each, detail) * (1 - frame)
    albedo = mix(pane, p.paint(rgb("#8d9398")) * _F(0.8), frame)
    return Look(albedo, (1 - frame) * _F(0.72), p.paint((1.0, 0.72, 0.40)) * lit)


def _with_windows(p: Patch, wall: np.ndarray, shop: bool) -> Look:
    across, run = p.run
    storeys = np.maximum(np.round(p.tall / _F(3.2)), 1)
    bays = np.maximum(np.round(run / (_F(2.3) + p.keys[1] * _F(0.9))), 1)
    storey, bay = p.tall / storeys, run / bays
    column, row = across / np.maximum(bay, _F(0.1)), p.height / np.maximum(storey, _F(0.1))
    x, y = (column - np.floor(column)) * bay, (row - np.floor(row)) * storey
    big = p.upright & (not p.plain) & (run > 2.6) & (p.tall > 2.4) & (p.height < p.tall - _F(0.3))
    ground = big & (row < 1) & (storeys >= 2) & (p.keys[0] > _F(0.45)) & shop
    half = np.where(ground, bay * _F(0.42), np.minimum(bay * (_F(0.20) + _F(0.10) * p.keys[2]), _F(0.95)))
    low = np.where(ground, storey * _F(0.14), storey * _F(0.27))
    high = np.where(ground, storey * _F(0.78), storey * (_F(0.76) + _F(0.06) * p.keys[0]))
    middle = bay / 2
    hole = _box(x, y, middle - half, middle + half, low, high, p) * big
    frame = (
        hole - _box(x, y, middle - half + _F(0.07), middle + half - _F(0.07), low + _F(0.07), high - _F(0.07), p) * big
    )
    bar = inside(x - middle, -0.03, 0.03, p.width_u) * hole
    frame = np.clip(np.maximum(frame, bar), 0, 1)
    sill = _box(x, y, middle - half - _F(0.12), middle + half + _F(0.12), low - _F(0.14), low, p) * big
    reveal = inside(y - high, -0.26, 0.0, p.width_v) * hole * _F(0.55)
    albedo = _cornice(p, wall, big, ground, row)
    albedo = mix(albedo, np.minimum(albedo * _F(1.3), _F(0.85)), sill)
    each = hash01(np.floor(column), np.floor(row), np.floor(p.keys[0] * 4096), p.seed)
    wish = p.wishes.get("window")
    pane = p.paint(rgb(wish.colour)) if wish and wish.colour else p.paint((0.035, 0.045, 0.055))
    drawn = ((each > 0.62) & ~ground).astype(_F) * inside(y - low, 0, (high - low) * each, p.width_v) * _F(0.5)
    pane = mix(pane, p.paint((0.45, 0.42, 0.36)), drawn)
    glass = np.clip(hole - frame, 0, 1)
    albedo = mix(mix(albedo, pane, hole), p.wall("window frame", "#d8d4ca") * _F(0.8), frame) * (1 - reveal)
    lit = _lit(p, each, np.ones(p.count, _F)) * glass * (1 - drawn * _F(0.6))
    return Look(albedo, glass * _F(0.55), p.paint((1.0, 0.66, 0.32)) * lit)


def _box(
    x: np.ndarray, y: np.ndarray, left: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray, p: Patch
) -> np.ndarray:
    return inside(x, left, right, p.width_u) * inside(y, low, high, p.width_v)


def _cornice(p: Patch, wall: np.ndarray, big: np.ndarray, ground: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Paler band under the roof with a line of shadow, a plinth, a darker shop storey."""
    below_top = p.tall - p.height
    band = inside(below_top, -1.0, 0.38, p.width_v) * (p.upright & (p.tall > 2.4))
    shadow = inside(below_top, 0.38, 0.58, p.width_v) * big * _F(0.35)
    plinth = inside(p.height, -1.0, 0.45, p.width_v) * big * _F(0.30)
    line = inside(row, 0.97, 1.03, p.width_v / 3) * (big & (p.keys[1] > 0.4)) * _F(0.5)
    albedo = mix(wall, np.minimum(wall * _F(1.18) + _F(0.02), _F(0.85)), np.maximum(band, line))
    albedo = albedo * (1 - shadow) * (1 - plinth)
    tint = p.paint((0.62, 0.60, 0.58))
    return np.where(ground, albedo * tint, albedo)


def _with_roof(p: Patch, look: Look) -> Look:
    top = (p.normals[2] > 0.24).astype(_F)
    if not top.any():
        return look
    cover = made.roof(p)
    gloss = np.broadcast_to(np.asarray(look.gloss, _F), (p.count,)) * (1 - top)
    emission = look.emission * (1 - top) if look.emission is not None else None
    return Look(mix(look.albedo, cover.albedo, top), gloss, emission)


def _lit(p: Patch, each: np.ndarray, detail: np.ndarray) -> np.ndarray:
    """How brightly a window shines: some are on, at night more."""
    share = _F(p.mood.lights * 0.5)
    on = (each * 7 % 1 < share).astype(_F)
    return mix(np.full(p.count, share * _F(0.6), _F), on * (_F(0.55) + _F(0.9) * each), detail) * _F(1.1)


def window(p: Patch) -> Look:
    """A window: frame, bars, and behind them daylight (seen from a room) or the sky's reflection (from outside)."""
    across, run = p.run
    across, run = np.where(p.upright, across, p.u), np.maximum(run, _F(0.2))
    width, height = p.width_u, np.maximum(p.tall, _F(0.2))
    frame = 1 - inside(across, 0.07, run - _F(0.07), width) * inside(p.height, 0.07, height - _F(0.07), p.width_v)
    bars = np.maximum(
        inside(across - run / 2, -0.03, 0.03, width), inside(p.height - height * _F(0.66), -0.025, 0.025, p.width_v)
    )
    frame = np.clip(np.maximum(frame, bars * (run > 0.7)), 0, 1)
    albedo = mix(p.colour * _F(0.08), p.paint(rgb("#e4e0d6")), frame)
    if not p.indoors:
        lit = _lit(p, p.keys[0], np.ones(p.count, _F)) * (1 - frame)
        return Look(albedo, (1 - frame) * _F(0.7), p.paint((1.0, 0.66, 0.32)) * lit)
    share = np.clip(p.height / height, 0, 1)
    outside = mix(p.paint(p.mood.horizon), p.paint(p.mood.zenith), share * _F(0.75))
    hedge = p.paint(rgb(p.mood.leaves[0])) * sum(p.mood.ambient) / 3
    outside = mix(hedge, outside, np.clip((share - _F(0.24) - _F(0.07) * p.noise("soft", 3.0, 1.0, 71)) * 14, 0, 1))
    return Look(albedo * frame, 0.1, outside * (1 - frame) * _F(1.5))


def glass(p: Patch) -> Look:
    """Clear glass that mostly mirrors."""
    return Look(p.colour * _F(0.16), 0.78)


def mirror(p: Patch) -> Look:
    """Silvered glass."""
    return Look(p.colour * _F(0.75), 0.9, metal=True)


def picture(p: Patch) -> Look:
    """A framed picture: an abstract landscape of a few bands in the instance's colours."""
    across, run = p.run
    height, tall = p.height, np.maximum(p.tall, _F(0.05))
    run = np.maximum(run, _F(0.05))
    edge = np.minimum(np.minimum(across, run - across), np.minimum(height, tall - height))
    rim = np.minimum(run, tall)
    frame = inside(edge, -1.0, rim * _F(0.06), p.width)
    mount = inside(edge, rim * _F(0.06), rim * _F(0.15), p.width)
    x, y = across / run, height / tall
    wave = _F(0.10) * p.noise("soft", 1.4, 1.0, 72)
    far, near = (
        _F(0.38) + _F(0.22) * p.keys[0] + wave,
        _F(0.18) + _F(0.14) * p.keys[1] + (x - _F(0.5)) * (p.keys[2] - _F(0.5)) - wave,
    )
    scene = mix(p.paint(rgb("#d7c9a6")), p.paint(rgb("#8fb0be")), np.clip(y * _F(1.3) - _F(0.2), 0, 1))
    scene = mix(p.colour, scene, np.clip((y - far) * 40, 0, 1))
    scene = mix(p.colour * _F(0.42), scene, np.clip((y - near) * 40, 0, 1))
    disc = (x - _F(0.3) - _F(0.4) * p.keys[2]) ** 2 * (run / tall) ** 2 + (y - _F(0.74)) ** 2
    scene = mix(scene, p.paint(rgb("#e2a04e")), np.clip((_F(0.007) - disc) * 600, 0, 1))
    scene = scene * (1 + _F(0.08) * p.noise("fine", 0.25, 1.0, 73))
    return Look(mix(mix(scene, p.paint(rgb("#e8e2d4")), mount), p.wall("frame", "#4b3524"), frame), 0.06)


def lamp(p: Patch) -> Look:
    """A light: its shade glows, more so indoors and at night; thin lower parts are the stand."""
    share = np.clip(p.height / np.maximum(p.tall, _F(0.05)), 0, 1)
    thin = (p.tall > _F(2.2)) & (share < 0.86)
    on = max(p.mood.lights, 0.55 if p.indoors else 0.06)
    glow = np.where(thin, _F(0), _F(1))
    colour = p.paint((1.0, 0.72, 0.40)) * _F(1.9 * on) * (_F(0.45) + _F(0.55) * p.facing)
    return Look(mix(p.paint(rgb("#3a3c40")), p.colour, glow), 0.1, colour * glow)


def signals(p: Patch) -> Look:
    """A traffic light: dark housing, one lamp on."""
    share = np.clip(p.height / np.maximum(p.tall, _F(0.05)), 0, 1)
    on = inside(share, 0.80, 0.88, p.pixel / np.maximum(p.tall, _F(0.1)))
    return Look(p.paint(rgb("#2b2d2c")), 0.2, p.paint((1.6, 0.18, 0.06)) * on * _F(0.7))


def screen(p: Patch) -> Look:
    """A dark display with a faint picture."""
    share = np.clip(p.height / np.maximum(p.tall, _F(0.05)), 0, 1)
    haze = _F(0.10) + _F(0.10) * share + _F(0.05) * p.noise("soft", 1.6, 1.0, 74)
    glow = mix(p.paint((0.02, 0.05, 0.09)), p.paint((0.12, 0.20, 0.28)), np.clip(haze * 2, 0, 1))
    return Look(p.paint((0.012, 0.013, 0.016)), 0.5, glow * p.upright * _F(0.35))


def shelf(p: Patch) -> Look:
    """A bookcase: boards, and rows of spines between them."""
    frame = made.wood(p)
    across, run = p.run
    row = p.height / _F(0.36)
    board = joint(row, 0.10, p.width_v / _F(0.36))
    spine = across / _F(0.045)
    each = hash01(np.floor(spine), np.floor(row), p.seed)
    hue = hash01(np.floor(spine), np.floor(row), p.seed, 5)
    top = _F(0.62) + _F(0.30) * each
    books = mix(mix(p.paint(rgb("#7a3b32")), p.paint(rgb("#3c5468")), hue), p.paint(rgb("#cbb994")), each * _F(0.8))
    filled = ((row - np.floor(row)) < top).astype(_F)
    inner = mix(p.colour * _F(0.18), books, filled * (hash01(np.floor(across / _F(0.5)), np.floor(row), 9) > 0.2))
    inner = inner * (1 - _F(0.25) * joint(spine, 0.15, p.width_u / _F(0.045)))
    open_ = p.upright & (run > 0.5) & (p.tall > 0.7)
    return Look(mix(frame.albedo, inner, (1 - board) * open_), 0.06)


def person(p: Patch) -> Look:
    """A figure: hair, face, coat, trousers, shoes by height."""
    tall = np.maximum(p.tall, _F(0.3))
    share, width = np.clip(p.height / tall, 0, 1), p.pixel / tall
    bands = (
        (0.05, 0.46, p.paint(rgb("#3b4252"))),
        (0.46, 0.84, p.colour),
        (0.84, 0.95, p.paint(rgb("#b98a6c")) * (_F(0.55) + _F(0.6) * p.keys[1])),
        (0.95, 1.10, p.paint(rgb("#3a2a20"))),
    )
    albedo = p.paint(rgb("#2a2623"))
    for low, high, colour in bands:
        albedo = mix(albedo, colour, inside(share, low, high, width))
    return Look(albedo * (1 + _F(0.10) * p.solid_noise("soft", 0.6, 75)), 0.02, soft=0.2)


def bedding(p: Patch) -> Look:
    """A bed: linen above, a wooden frame below."""
    cloth = made.fabric(p)
    share = p.height / np.maximum(p.tall, _F(0.2))
    base = inside(share, -1.0, 0.30, p.pixel / np.maximum(p.tall, _F(0.2)))
    frame = made.wood(replace(p, colour=p.paint(rgb("#7d5a3c"))))
    return Look(mix(cloth.albedo, frame.albedo, base), 0.02, soft=0.25)


def panel_door(p: Patch) -> Look:
    """A door with panels and a handle."""
    across, run = p.run
    tall = np.maximum(p.tall, _F(0.3))
    run = np.maximum(run, _F(0.2))
    x, y = across / run, p.height / tall
    wide, high = p.width_u / run, p.width_v / tall
    panel = np.zeros(p.count, _F)
    inner = np.zeros(p.count, _F)
    for low, top in ((0.08, 0.44), (0.52, 0.92)):
        panel = np.maximum(panel, inside(x, 0.16, 0.84, wide) * inside(y, low, top, high))
        inner = np.maximum(inner, inside(x, 0.19, 0.81, wide) * inside(y, low + 0.02, top - 0.02, high))
    groove = np.clip(panel - inner, 0, 1) * _F(0.42)
    knob = (
        inside(across, run - _F(0.16), run - _F(0.07), p.width_u)
        * inside(p.height, 0.98, 1.05, p.width_v)
        * (tall > 1.5)
    )
    look = made.wood(p)
    return Look(mix(look.albedo * (1 - groove), p.paint(rgb("#c8a860")), knob), 0.12 + _F(0.3) * knob)


def drawers(p: Patch) -> Look:
    """Cabinets and chests: wooden fronts with gaps and handles."""
    look = made.wood(p)
    across, run = p.run
    columns = np.maximum(np.round(run / _F(0.6)), 1)
    rows = np.maximum(np.round(p.tall / _F(0.45)), 1)
    x, y = across / np.maximum(run, _F(0.1)) * columns, p.height / np.maximum(p.tall, _F(0.1)) * rows
    cell_x, cell_y = run / columns, p.tall / rows
    gap = np.maximum(joint(x + _F(0.01), 0.02, p.width_u / cell_x), joint(y + _F(0.012), 0.025, p.width_v / cell_y))
    inner_x, inner_y = (x - np.floor(x) - _F(0.5)) * cell_x, (y - np.floor(y) - _F(0.72)) * cell_y
    handle = inside(inner_x, -0.06, 0.06, p.width_u) * inside(inner_y, -0.012, 0.012, p.width_v)
    front = p.upright & (run > 0.3) & (p.tall > 0.25)
    albedo = mix(look.albedo * (1 - _F(0.55) * gap * front), p.paint(rgb("#b9b3a6")), handle * front)
    return Look(albedo, 0.16)


RECIPES = {
    "facade": facade,
    "tower": tower,
    "curtain_wall": curtain_wall,
    "window": window,
    "glass": glass,
    "mirror": mirror,
    "picture": picture,
    "lamp": lamp,
    "signals": signals,
    "screen": screen,
    "shelf": shelf,
    "person": person,
    "bedding": bedding,
    "door": panel_door,
    "drawers": drawers,
}
