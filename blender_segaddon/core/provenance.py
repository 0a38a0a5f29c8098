"""By what a picture's record names the arrays that it was made from."""

from __future__ import annotations

import hashlib

import numpy as np

from .maps import SceneMaps


def digest(*arrays: np.ndarray) -> str:
    """What arrays hold, as 16 hexadecimal digits of their SHA-256."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:16]


def maps_digest(maps: SceneMaps) -> str:
    """The four maps that a generator sees, as 16 hexadecimal digits; not their words."""
    return digest(maps.instance_map, maps.class_map, maps.depth, maps.normal)
