"""By what a picture's record names the arrays that it was made from."""

from __future__ import annotations

import hashlib
from weakref import WeakKeyDictionary

import numpy as np

from .maps import SceneMaps


def digest(*arrays: np.ndarray) -> str:
    """What arrays hold, as 16 hexadecimal digits of their SHA-256."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:16]


def maps_digest(maps: SceneMaps) -> str:
    """The four maps that a generator sees, as 16 hexadecimal digits; not their words. Remembered: 90 MB at 2048²."""
    if maps not in _known:
        _known[maps] = digest(maps.instance_map, maps.class_map, maps.depth, maps.normal)
    return _known[maps]


_known: WeakKeyDictionary[SceneMaps, str] = WeakKeyDictionary()
"""Maps do not change once they are made."""
