"""Random places built of solids: streets, landscapes, rooms, and heaps of anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blender_segaddon.core import vocabulary as vocabularies
from blender_segaddon.core.maps import SceneMaps

from .solids import Solid, Thing, capture, look

Random = np.random.Generator
Place = tuple[float, float]

_FAR = 400.0
"""metres: half the side of the ground"""
_SEEN = 0.25
"""A view needs more than this share of the picture away from its largest class."""

_TRIES = 7
"""to find such a view"""


@dataclass(frozen=True)
class Layout:
    """Things and where they are looked at from."""

    things: tuple[Thing, ...]
    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    background: str = "sky"


def box(x: float, y: float, z: float, half: tuple[float, float, float], yaw: float = 0.0) -> Solid:
    """A box that stands on the height ``z``; ``half`` its half sizes, metres."""
    return Solid("box", (x, y, z + half[2]), half, yaw)


def draw(seed: int, size: tuple[int, int], outdoors: bool = False) -> SceneMaps:
    """The maps of the random place of this number, (width, height) in pixels; the same each time.

    Args:
        outdoors: only streets and landscapes.
    """
    random = np.random.default_rng([seed, 1])
    kind = random.choice(len(_KINDS), p=[0.6, 0.4, 0, 0] if outdoors else [0.34, 0.2, 0.3, 0.16])
    maps = _seen(_KINDS[kind](random), random, size)
    for _ in range(_TRIES):
        if np.bincount(maps.class_map.ravel()).max() < (1 - _SEEN) * maps.class_map.size:
            break
        maps = _seen(_KINDS[kind](random), random, size)
    return maps


def _seen(layout: Layout, random: Random, size: tuple[int, int]) -> SceneMaps:
    return capture(layout.things, look(layout.eye, layout.target, random.uniform(0.7, 1.5), size), layout.background)


def _street(random: Random) -> Layout:
    width = random.uniform(2.5, 6)
    ground = random.choice(["grass", "earth", "sidewalk", "sidewalk", "sand"])
    things = [_ground(str(ground)), _slab("road", 0, 0, (width, _FAR), 0.03)]
    edge = width
    if random.random() < 0.6:
        walk = random.uniform(1.0, 2.5)
        things += [_slab("sidewalk", side * (width + walk), 0, (walk, _FAR), 0.12) for side in (-1, 1)]
        edge += 2 * walk
    for side in (-1, 1):
        things += _row(random, side, edge + random.uniform(0.5, 5))
    for _ in range(random.integers(0, 12)):
        side = random.choice((-1, 1))
        place = (side * (edge - random.uniform(-0.5, 0.8)), random.uniform(4, 50))
        things.append(_THINGS[str(random.choice(_KERB))](random, place))
    for _ in range(random.integers(0, 5)):
        place = (random.uniform(-0.7, 0.7) * width, random.uniform(6, 40))
        things.append(_THINGS[str(random.choice(["car", "car", "car", "bus", "person"]))](random, place))
    things += _distance(random)
    eye = (random.uniform(-1, 1) * edge, random.uniform(-6, 2), random.choice([1.6, 1.6, 3, 8, 16]))
    return Layout(tuple(things), eye, (random.uniform(-4, 4), 25.0, random.uniform(0.5, 4.5)))


def _landscape(random: Random) -> Layout:
    things = [_ground(str(random.choice(["grass", "grass", "field", "earth", "sand"])))]
    things += _distance(random)
    if random.random() < 0.5:
        kind, half = (
            str(random.choice(["water", "lake", "river", "sea"])),
            (random.uniform(5, 60), random.uniform(4, 40)),
        )
        things.append(_slab(kind, random.uniform(-15, 15), random.uniform(15, 70), half, 0.02))
    if random.random() < 0.5:
        kind = str(random.choice(["path", "road", "dirt track"]))
        half = (random.uniform(0.7, 2.5), _FAR)
        things.append(_slab(kind, random.uniform(-4, 4), 0, half, 0.03, random.uniform(-0.4, 0.4)))
    things += [
        _THINGS[str(random.choice(_WILD))](random, (random.uniform(-25, 25), random.uniform(5, 60)))
        for _ in range(random.integers(4, 24))
    ]
    eye = (random.uniform(-3, 3), random.uniform(-6, 0), random.choice([1.6, 1.6, 3, 10]))
    return Layout(tuple(things), eye, (random.uniform(-6, 6), 25.0, random.uniform(0, 5)))


def _room(random: Random) -> Layout:
    w, d, h = random.uniform(1.8, 4.5), random.uniform(2, 5), random.uniform(1.2, 1.8)
    things = [
        Thing("floor", (box(0, 0, -0.2, (w, d, 0.1)),)),
        Thing("ceiling", (box(0, 0, 2 * h, (w, d, 0.1)),)),
        Thing("wall", (box(-w - 0.1, 0, 0, (0.1, d, h)), box(w + 0.1, 0, 0, (0.1, d, h)))),
        Thing("wall", (box(0, d + 0.1, 0, (w + 0.2, 0.1, h)), box(0, -d - 0.1, 0, (w + 0.2, 0.1, h)))),
    ]
    if random.random() < 0.6:
        half = (random.uniform(0.5, 1.8), random.uniform(0.5, 1.5))
        things.append(_slab("rug", random.uniform(-1, 1), random.uniform(-1, 1), half, 0.03))
    things += [_on_wall(random, w, d, h) for _ in range(random.integers(1, 7))]
    things += [
        _THINGS[str(random.choice(_INDOORS))](random, (random.uniform(-0.9, 0.9) * w, random.uniform(-0.5, 0.95) * d))
        for _ in range(random.integers(2, 11))
    ]
    if random.random() < 0.5:
        x, y = random.uniform(-0.5, 0.5) * w, random.uniform(-0.2, 0.8) * d
        things.append(
            Thing(
                "lamp",
                (Solid("ellipsoid", (x, y, 2 * h - 0.4), (0.2, 0.2, 0.15)), box(x, y, 2 * h - 0.35, (0.02, 0.02, 0.2))),
            )
        )
    eye = (random.uniform(-0.8, 0.8) * w, -0.9 * d, random.uniform(0.9, 1.9))
    return Layout(tuple(things), eye, (random.uniform(-0.7, 0.7) * w, d, random.uniform(0.4, 1.4)), "wall")


def _heap(random: Random) -> Layout:
    """Any class anywhere: what a model learns of the others must not hang on the usual places."""
    names = [one.name for one in vocabularies.load("ade20k").classes]
    known = [*_THINGS, "wall", "building", "grass", "water", "mountain", "road", "floor", "windowpane", "door"]

    def name() -> str:
        return str(random.choice(names if random.random() < 0.25 else known))

    things = [_ground(str(random.choice(["grass", "road", "floor", "earth", "sand", "water", "sidewalk"])))]
    for _ in range(random.integers(5, 22)):
        half = tuple(float(one) for one in np.exp(random.uniform(-1.2, 1.6, 3)))
        place = (random.uniform(-12, 12), random.uniform(4, 30), random.uniform(-1, 3))
        kind = str(random.choice(["box", "box", "box", "ellipsoid", "cone"]))
        things.append(Thing(name(), (Solid(kind, place, half, random.uniform(0, 3)),)))  # pyright: ignore[reportArgumentType]
    return Layout(tuple(things), (0.0, -2.0, random.uniform(1, 5)), (0.0, 15.0, random.uniform(0, 4)))


_KINDS = (_street, _landscape, _room, _heap)


def _ground(name: str) -> Thing:
    return Thing(name, (Solid("box", (0, 0, -1), (_FAR, _FAR, 1)),))


def _slab(name: str, x: float, y: float, half: tuple[float, float], rise: float, yaw: float = 0.0) -> Thing:
    """What lies on the ground, ``rise`` metres high."""
    return Thing(name, (Solid("box", (x, y, rise / 2), (*half, rise / 2), yaw),))


def _row(random: Random, side: int, x: float) -> list[Thing]:
    """Houses along one side of a street, with doors and windows now and then."""
    things, y, far = [], random.uniform(-2, 6), random.uniform(30, 90)
    while y < far:
        if random.random() < 0.2:
            y += random.uniform(4, 12)
            continue
        half = (random.uniform(2.5, 6), random.uniform(2.5, 7), random.choice([2.0, 3.0, 4.5, 6.0, 9.0, 18.0]))
        kind = "skyscraper" if half[2] > 15 else str(random.choice(["building", "building", "house"]))
        centre = (side * (x + half[0]), y + half[1])
        solids = [box(*centre, 0, half)]
        if kind == "house":
            solids.append(Solid("cone", (*centre, 2 * half[2] + 1), (half[0] * 1.6, half[1] * 1.6, 1.0)))
        things.append(Thing(kind, tuple(solids)))
        if random.random() < 0.5:
            things += _openings(random, side * x, centre[1], half)
        y += 2 * half[1] + random.choice([0.0, 0.0, 1.0, 4.0])
    return things


def _openings(random: Random, x: float, y: float, half: tuple[float, float, float]) -> list[Thing]:
    door = Thing("door", (box(x, y + random.uniform(-0.5, 0.5) * half[1], 0, (0.06, 0.5, 1.05)),))
    return [door] + [
        Thing("windowpane", (box(x, y + along * half[1], floor, (0.05, 0.45, 0.65)),))
        for floor in np.arange(1.0, 2 * half[2] - 1.5, 3.0)[:4]
        for along in np.linspace(-0.7, 0.7, int(random.integers(2, 5)))
    ]


def _distance(random: Random) -> list[Thing]:
    things = []
    for _ in range(random.integers(0, 4)):
        place = (random.uniform(-200, 200), random.uniform(120, 280))
        high = random.uniform(12, 70)
        kind = "cone" if random.random() < 0.6 else "ellipsoid"
        things.append(
            Thing(
                "mountain",
                (
                    Solid(
                        kind,
                        (*place, high * 0.8 if kind == "cone" else 0),
                        (high * random.uniform(1, 2.5),) * 2 + (high,),
                    ),
                ),
            )
        )
    return things


def _on_wall(random: Random, w: float, d: float, h: float) -> Thing:
    name = str(random.choice(_ON_WALLS))
    wide, high = random.uniform(0.25, 0.8), random.uniform(0.25, 0.6)
    low = random.uniform(0.8, 1.2)
    if name in ("door", "curtain"):
        wide, high, low = random.uniform(0.35, 0.5), min(1.0, h * 0.9), 0.0
    if random.random() < 0.5:
        return Thing(name, (box(random.uniform(-0.8, 0.8) * w, d, low, (wide, 0.04, high)),))
    side = random.choice((-1, 1))
    return Thing(name, (box(side * w, random.uniform(-0.4, 0.9) * d, low, (0.04, wide, high)),))


def _blocky(*sizes: float):
    """A maker of plain boxes of about these half sizes (block-outs), with their name to come."""

    def make(random: Random, place: Place) -> Solid:
        half = tuple(float(size * random.uniform(0.75, 1.3)) for size in sizes)
        return box(*place, 0, half, random.choice([0.0, 1.5708, random.uniform(0, 3)]))  # pyright: ignore[reportArgumentType]

    return make


def _turned(place: Place, yaw: float, u: float, v: float) -> Place:
    """What lies ``u`` and ``v`` metres from a place along axes that are turned by ``yaw``."""
    c, s = float(np.cos(yaw)), float(np.sin(yaw))
    return place[0] + c * u - s * v, place[1] + s * u + c * v


def _tree(random: Random, place: Place) -> Thing:
    x, y = place
    high = random.uniform(1.0, 3.5)
    name = "palm" if random.random() < 0.08 else "tree"
    if random.random() < 0.15:
        return Thing(name, (box(x, y, 0, (high * 0.6, high * 0.6, high * 1.3)),))
    trunk = box(x, y, 0, (high * 0.08, high * 0.08, high * 0.6))
    if random.random() < 0.35:
        return Thing(name, (trunk, Solid("cone", (x, y, high * 1.9), (high * 1.3, high * 1.3, high * 1.4))))
    crowns = []
    for _ in range(random.integers(1, 4)):
        aside, up = random.normal(0, 0.3, 2) * high, high * random.uniform(1.4, 2.1)
        half = tuple(high * random.uniform(0.5, 0.9, 3))
        crowns.append(Solid("ellipsoid", (x + aside[0], y + aside[1], up), half))
    return Thing(name, (trunk, *crowns))


def _car(random: Random, place: Place) -> Thing:
    yaw = random.choice([0.0, 3.1416, 1.5708, random.uniform(0, 3)])
    body = box(*place, 0.3, (0.85, 2.0, 0.35), yaw)
    if random.random() < 0.2:
        return Thing("car", (box(*place, 0, (0.9, 2.0, 0.7), yaw),))
    cabin = box(*place, 0.95, (0.75, 1.1, 0.28), yaw)
    corners = [_turned(place, yaw, u, v) for u in (-0.75, 0.75) for v in (-1.3, 1.3)]
    wheels = [Solid("ellipsoid", (*corner, 0.32), (0.2, 0.33, 0.33), yaw) for corner in corners]
    return Thing("car", (body, cabin, *wheels))


def _person(random: Random, place: Place) -> Thing:
    x, y = place
    return Thing(
        "person",
        (
            box(x, y, 0, (0.2, 0.13, 0.42)),
            box(x, y, 0.8, (0.25, 0.15, 0.32), random.uniform(0, 3)),
            Solid("ellipsoid", (x, y, 1.6), (0.12, 0.12, 0.16)),
        ),
    )


def _legged(name: str, half: tuple[float, float], high: float, back: float = 0.0):
    """A table, or a chair with a back."""

    def make(random: Random, place: Place) -> Thing:
        (a, b), yaw = half, random.choice([0.0, 1.5708, 3.1416, random.uniform(0, 6)])
        a, b = a * random.uniform(0.7, 1.4), b * random.uniform(0.8, 1.3)
        corners = [_turned(place, yaw, u * a * 0.88, v * b * 0.88) for u in (-1, 1) for v in (-1, 1)]
        legs = [box(*corner, 0, (0.03, 0.03, high / 2), yaw) for corner in corners]
        top = box(*place, high, (a, b, 0.03), yaw)
        rest = [box(*_turned(place, yaw, 0, b), high, (a, 0.03, back / 2), yaw)] if back else []
        return Thing(name, (top, *legs, *rest))

    return make


def _soft(name: str, half: tuple[float, float]):
    """A sofa, an armchair or a bed: a seat, a back, sides."""

    def make(random: Random, place: Place) -> Thing:
        (a, b), yaw = half, random.choice([0.0, 1.5708, 3.1416, 4.7124])
        solids = [box(*place, 0, (a, b, 0.24), yaw), box(*_turned(place, yaw, 0, b), 0, (a, 0.1, 0.45), yaw)]
        if name != "bed":
            solids += [box(*_turned(place, yaw, u, 0), 0, (0.1, b, 0.33), yaw) for u in (-a, a)]
        return Thing(name, tuple(solids))

    return make


def _plant(random: Random, place: Place) -> Thing:
    x, y = place
    r = random.uniform(0.2, 0.6)
    pot = box(x, y, 0, (r * 0.5, r * 0.5, r * 0.5))
    return Thing("plant", (pot, Solid("ellipsoid", (x, y, r * 1.7), (r, r, r))))


def _post(name: str, top: tuple[float, float, float]):
    def make(random: Random, place: Place) -> Thing:
        high = random.uniform(1.0, 2.6)
        return Thing(name, (box(*place, 0, (0.07, 0.07, high)), box(*place, 2 * high - 0.1, top)))

    return make


def _plain(name: str, *sizes: float):
    maker = _blocky(*sizes)
    return lambda random, place: Thing(name, (maker(random, place),))


def _rock(random: Random, place: Place) -> Thing:
    r = random.uniform(0.3, 1.6)
    return Thing("rock", (Solid("ellipsoid", (*place, r * 0.4), (r * 1.3, r, r * 0.8), random.uniform(0, 3)),))


_THINGS = {
    "tree": _tree,
    "car": _car,
    "person": _person,
    "plant": _plant,
    "rock": _rock,
    "bus": _plain("bus", 1.2, 4.0, 1.4),
    "truck": _plain("truck", 1.1, 3.0, 1.4),
    "fence": _plain("fence", 4.0, 0.06, 0.6),
    "bench": _legged("bench", (0.8, 0.25), 0.45, 0.5),
    "streetlight": _post("streetlight", (0.3, 0.12, 0.08)),
    "signboard": _post("signboard", (0.6, 0.06, 0.5)),
    "house": _plain("house", 3.0, 3.0, 2.2),
    "building": _plain("building", 4.0, 4.0, 4.0),
    "boat": _plain("boat", 0.8, 2.0, 0.4),
    "table": _legged("table", (0.7, 0.45), 0.72),
    "chair": _legged("chair", (0.22, 0.22), 0.45, 0.5),
    "desk": _legged("desk", (0.7, 0.35), 0.74),
    "sofa": _soft("sofa", (1.0, 0.4)),
    "armchair": _soft("armchair", (0.4, 0.4)),
    "bed": _soft("bed", (0.8, 1.0)),
    "cabinet": _plain("cabinet", 0.5, 0.25, 0.5),
    "wardrobe": _plain("wardrobe", 0.6, 0.3, 1.0),
    "bookcase": _plain("bookcase", 0.5, 0.17, 0.9),
    "shelf": _plain("shelf", 0.5, 0.17, 0.7),
    "box": _plain("box", 0.3, 0.3, 0.25),
    "lamp": _post("lamp", (0.22, 0.22, 0.15)),
    "cushion": _plain("cushion", 0.2, 0.2, 0.12),
}
_ON_WALLS = (
    "windowpane",
    "windowpane",
    "door",
    "painting",
    "painting",
    "curtain",
    "mirror",
    "television receiver",
)
_KERB = ("tree", "tree", "tree", "person", "person", "car", "streetlight", "signboard", "bench", "fence", "plant")
_WILD = ("tree", "tree", "tree", "tree", "rock", "plant", "person", "fence", "house", "car", "boat")
_INDOORS = (
    "table",
    "chair",
    "chair",
    "desk",
    "sofa",
    "armchair",
    "bed",
    "cabinet",
    "wardrobe",
    "bookcase",
    "shelf",
    "box",
    "lamp",
    "plant",
    "cushion",
    "person",
)
