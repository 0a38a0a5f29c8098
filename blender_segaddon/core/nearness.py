"""Planes in a picture: a number per pixel that changes evenly over every plane, and how fast it does."""

from __future__ import annotations

import numpy as np


def nearness(depth: np.ndarray, seen: np.ndarray, camera_type: str) -> np.ndarray:
    """float32, of ``depth``'s shape: a number that changes evenly over a plane in the picture; 0 where not ``seen``.

    1 / depth for a perspective camera (and, nearly, along the rays of a panoramic one), depth itself for an
    orthographic one.
    """
    result = np.zeros(depth.shape, np.float32)
    if camera_type == "ORTHO":
        np.copyto(result, depth, where=seen, casting="same_kind")
    else:
        np.divide(1, np.maximum(depth, np.float32(1e-12)), out=result, where=seen, casting="same_kind")
    return result


def slope(values: np.ndarray, ids: np.ndarray, axis: int) -> np.ndarray:
    """Difference to the neighbour along ``axis`` on the side where the surface goes on most evenly.

    The side is chosen by the smaller second difference, so that neither edges nor creases are crossed; where no
    neighbour is of the same instance the slope is 0.

    Args:
        values: as of ``nearness``.
        ids: what each pixel shows, of the same shape; not 0.
    """
    values, ids = np.moveaxis(values, axis, 0), np.moveaxis(ids, axis, 0)
    step, same = np.diff(values, axis=0), ids[1:] == ids[:-1]
    ahead, behind = _bends(step, same)
    back = behind < ahead
    result = np.zeros_like(values)
    np.copyto(result[:-1], step, where=same)
    np.copyto(result[1:], step, where=back[1:])
    return np.moveaxis(result, 0, axis)


def _bends(step: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much the surface bends from each value to the next but one, and to the last but one: the size of the second
    difference along the first axis, of the first where there is no third value; inf where no neighbour is.

    Args:
        step: from each value to the next; one fewer than there are values.
        same: bool, whether both are of one instance.
    """
    count = len(step) + 1
    bends = np.full((2, count, *step.shape[1:]), np.inf, step.dtype)
    ahead, behind = bends
    change = np.abs(np.diff(step, axis=0))
    for target, next_pair, there in ((ahead[:-1], np.s_[:-1], same[1:]), (behind[1:], np.s_[1:], same[:-1])):
        np.copyto(target, np.abs(step), where=same)
        np.copyto(target[next_pair], change, where=there & same[next_pair])
    return ahead, behind
