"""From a click to the regions around it: what can be reached without crossing an edge of a given strength."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SIDE = 384
"""Longest side in pixels of the picture that regions grow on."""
_LEVELS = 40
_WIDEST = 0.6
"""Of the picture: what is larger is no thing."""
_LEAST = 40
"""Pixels of that picture: what is smaller is no thing."""
_APART = 1.35
"""Factor between the areas of two regions that are offered."""
_USUAL = -5.2
"""Natural logarithm of the part of a picture that a clicked thing usually fills: half a percent."""
_COLOUR = 0.45
"""How much a colour unlike the clicked one stops the spread, against an edge of the same difference."""


@dataclass(frozen=True, eq=False)
class Barriers:
    """A picture made small."""

    lab: np.ndarray
    """float32 h×w×3, CIE L*a*b*, L 0 .. 100"""
    edges: np.ndarray
    """float32 h×w: change of colour from pixel to pixel, in the units of ``lab``"""
    size: tuple[int, int]
    """height and width of the picture itself"""


def barriers(image: np.ndarray) -> Barriers:
    """What stops a spread in a picture (uint8 H×W×3)."""
    small = shrunk(image, _SIDE)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    smooth = cv2.bilateralFilter(lab, 5, 8.0, 2.0)
    across, down = (cv2.Scharr(smooth, cv2.CV_32F, *axis) / 32 for axis in ((1, 0), (0, 1)))
    return Barriers(smooth, np.sqrt((across**2 + down**2).sum(-1)), (image.shape[0], image.shape[1]))


def regions(around: Barriers, points: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Up to three regions (bool, of the size of ``around.edges``) that hold the positive points and no negative one.

    They are those that stay longest as they are while stronger and stronger edges are crossed.
    """
    spread = _spreads(around, _at(around, points[labels == 1]), _at(around, points[labels == 0]))
    areas = np.array([region.sum() for region in spread], float)
    usable = np.flatnonzero((areas >= _LEAST) & (areas <= _WIDEST * around.edges.size))
    if not usable.size:
        return [spread[0]]
    change = np.array([_change(areas, int(level)) for level in usable])
    chosen: list[int] = []
    for level in usable[np.argsort(change, kind="stable")]:
        if all(max(areas[level], areas[one]) > _APART * min(areas[level], areas[one]) for one in chosen):
            chosen.append(int(level))
        if len(chosen) == 3:
            break
    return [spread[level] for level in chosen]


def likelihood(around: Barriers, mask: np.ndarray, points: np.ndarray) -> float:
    """0 .. 1: how well a mask (bool H×W) may show the thing that was clicked, as far as shapes and edges tell.

    Things fill about half a percent of a picture, are clicked where they are thick, are whole and have edges around
    them. The weights come from a fit of the intersection over union with the clicked objects of two rendered scenes
    (43 objects, one click in the middle of each), with more trust in edges than those scenes would give.

    Args:
        points: float N×2, the clicks (x, y) that are meant.
    """
    height, width = around.edges.shape
    small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
    if not small.any():
        return 0.0
    share = np.log(small.mean())
    fit = 0.25 * _solidity(small) + 0.3 * border_strength(around, small) - 0.045 * ((share - _USUAL) / 2) ** 2
    if len(points):
        fit += 0.35 * _depth(small, _at(around, points)) - 0.15 * _eccentricity(small, _at(around, points))
    else:
        fit += 0.2
    fit += 0.19 * (small[[0, -1]].any() or small[:, [0, -1]].any())
    return float(np.clip(fit, 0, 1))


def border_strength(around: Barriers, small: np.ndarray) -> float:
    """0 .. 1: how much of the border of a mask (bool h×w) lies on edges stronger than those inside it."""
    ring = cv2.morphologyEx(small.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    ring[[0, -1]], ring[:, [0, -1]] = False, False
    if not ring.any():
        return 0.0
    inside = around.edges[small & ~ring]
    typical = float(np.percentile(inside, 75)) if inside.size else 0.0
    strength = cv2.dilate(around.edges, np.ones((3, 3), np.uint8))[ring]
    return float(np.clip((strength - typical) / (strength + typical + 2.0), 0, 1).mean())


def _solidity(small: np.ndarray) -> float:
    """Part of its convex hull that a mask fills."""
    outlines, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(max(outlines, key=len)))
    return min(1.0, float(small.sum()) / max(hull, 1.0))


def _depth(small: np.ndarray, seeds: np.ndarray) -> float:
    """How far the deepest click is from the border, against the farthest that a pixel is."""
    distance = cv2.distanceTransform(np.pad(small, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return float(distance[tuple(seeds.T)].max() / distance.max())


def _eccentricity(small: np.ndarray, seeds: np.ndarray) -> float:
    """How far the clicks are from the middle of a mask, in the side of a square of its area."""
    middle = np.argwhere(small).mean(0)
    return float(np.linalg.norm(seeds.mean(0) - middle) / np.sqrt(small.sum()))


def shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """The picture with ``side`` pixels at most along its longest side."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _spreads(around: Barriers, seeds: np.ndarray, stops: np.ndarray) -> list[np.ndarray]:
    """Larger and larger regions around the seeds, up to where one would reach a stop or nearly all."""
    cost = _cost(around, seeds)
    found = []
    for limit in np.geomspace(max(float(np.percentile(cost, 5)), 0.1), max(float(cost.max()), 1.0), _LEVELS):
        _, parts = cv2.connectedComponents((cost <= limit).astype(np.uint8), connectivity=4)
        region = np.isin(parts, np.unique(parts[tuple(seeds.T)]))
        if found and (region[tuple(stops.T)].any() or region.mean() > _WIDEST):
            break
        found.append(region)
    return found


def _cost(around: Barriers, seeds: np.ndarray) -> np.ndarray:
    """float32 h×w: what it takes to stand on each pixel; nothing on the seeds."""
    colours = [np.median(_patch(around.lab, seed).reshape(-1, 3), axis=0) for seed in seeds]
    unlike = np.min([np.linalg.norm((around.lab - one) * (0.5, 1, 1), axis=-1) for one in colours], axis=0)
    cost = np.maximum(around.edges, _COLOUR * unlike).astype(np.float32)
    for seed in seeds:
        _patch(cost, seed)[:] = 0
    return cost


def _patch(array: np.ndarray, seed: np.ndarray) -> np.ndarray:
    row, column = (int(one) for one in seed)
    return array[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]


def _at(around: Barriers, points: np.ndarray) -> np.ndarray:
    """int N×2: (row, column) of points given as (x, y) in the picture."""
    height, width = around.edges.shape
    scaled = points[:, ::-1] * (height / around.size[0], width / around.size[1])
    return np.clip(scaled.astype(int), 0, (height - 1, width - 1))


def _change(areas: np.ndarray, level: int) -> float:
    """Relative growth of a region over the levels around one; much where the levels end."""
    before, after = areas[max(level - 2, 0)], areas[min(level + 2, len(areas) - 1)]
    return float((after - before) / areas[level]) + (0.5 if level + 2 >= len(areas) else 0.0)
