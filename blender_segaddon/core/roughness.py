"""How rough the surface of a thing usually is, by its class: a start for lit textures, no measurement. Stdlib alone."""

from __future__ import annotations

import re

ROUGH = 0.9
"""Roughness, 0..1 as of a Principled surface, of what is in no family: walls, ground, plants, cloth."""
_WORDS = {
    0.05: """mirror, windowpane, window, glass, water, sea, river, lake, pool, waterfall, fountain, crt screen,
        screen, television receiver, tv, monitor""",
    0.3: """car, bus, truck, van, train, boat, ship, airplane, motorcycle, minibike, bicycle, hydrant, meter,
        streetlight, lamp, light, chandelier, sconce, refrigerator, stove, oven, microwave, dishwasher,
        washer, toaster, sink, bathtub, toilet, vase, bottle, pot, bowl, cup, plate, tray, fork, knife,
        spoon, tile, laptop, computer, phone, pole, radiator""",
    0.6: """floor, table, desk, door, cabinet, wardrobe, chest, shelf, bookcase, chair, armchair, bench,
        stool, counter, countertop, bar, box, barrel, column, railing, bannister, stairs, stairway,
        signboard, painting, poster, case""",
}
FAMILIES = {value: frozenset(re.split(r",\s+", words)) for value, words in _WORDS.items()}
"""Roughness → names of classes that have it, and words in such names"""


def roughness_of(class_name: str | None) -> float:
    """0..1; ``ROUGH`` for no class and for those of no family. The last word of a name counts most."""
    name = (class_name or "").lower()
    for word in (name, *reversed(re.findall(r"[a-z]+", name))):
        for value, words in FAMILIES.items():
            if word in words:
                return value
    return ROUGH
