"""How well a picture follows its maps, without a model: do its edges lie where instances meet?"""

from __future__ import annotations

import numpy as np

_FLAT = 0.5
"""What unrelated pictures reach."""


def edge_agreement(picture: np.ndarray, instance_map: np.ndarray) -> float:
    """Probability that a pixel at a border between instances has a stronger edge than one away from all borders.

    0.5 for a picture that has nothing to do with the map, 1.0 where every border is a stronger edge than anything else;
    ties count half (the area under the ROC curve, by ranks: Mann and Whitney 1947). It says nothing of colours.

    Args:
        picture: uint8 H×W×3.
        instance_map: unsigned H×W.

    Returns:
        0 .. 1; 0.5 where the map has no border, or nothing but borders.
    """
    strength = _strongest_near(_gradient(picture))
    border = _borders(instance_map)
    away = ~_grown(border, 2)
    return _auc(strength[border], strength[away])


def _auc(higher: np.ndarray, lower: np.ndarray) -> float:
    """Both uint8."""
    if not higher.size or not lower.size:
        return _FLAT
    high, low = np.bincount(higher, minlength=256), np.bincount(lower, minlength=256)
    below = np.cumsum(low) - low
    return float((high * (below + 0.5 * low)).sum() / (higher.size * lower.size))


def _gradient(picture: np.ndarray) -> np.ndarray:
    """uint8 H×W: the steepest of the three channels to the next pixel down and right."""
    steepest = np.zeros(picture.shape[:2], np.uint8)
    down = np.maximum(picture[1:], picture[:-1]) - np.minimum(picture[1:], picture[:-1])
    right = np.maximum(picture[:, 1:], picture[:, :-1]) - np.minimum(picture[:, 1:], picture[:, :-1])
    steepest[:-1] = down.max(axis=2)
    steepest[:, :-1] = np.maximum(steepest[:, :-1], right.max(axis=2))
    return steepest


def _strongest_near(strength: np.ndarray) -> np.ndarray:
    """The maximum of each 3×3 neighbourhood: an edge may be a pixel off."""
    for axis in (0, 1):
        before, after = np.roll(strength, 1, axis), np.roll(strength, -1, axis)
        strength = np.maximum(strength, np.maximum(before, after))
    return strength


def _borders(instance_map: np.ndarray) -> np.ndarray:
    border = np.zeros(instance_map.shape, bool)
    border[:-1] |= instance_map[:-1] != instance_map[1:]
    border[:, :-1] |= instance_map[:, :-1] != instance_map[:, 1:]
    return border


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    for _ in range(pixels):
        mask = _strongest_near(mask)
    return mask
