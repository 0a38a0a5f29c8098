"""Masks without weights: edges say how far a click may spread, GrabCut (Rother et al. 2004) draws the border.

No model: it knows nothing of things, only of colours and edges. A click grows to the regions around it that strong
edges close off, three of different sizes; a box is told apart from what surrounds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from . import growing
from .segmenter import Candidates, Embedding, Prompt

_WORKING = 160
"""Longest side in pixels of what GrabCut works on: more takes long and gains nothing that the last step does not."""
_CONTEXT = 0.35
"""Of a thing's size, seen around it."""
_ROUNDS = 3
_LEAST_OF_BOX = 0.2
"""Part of a box that its thing fills; where less is found its colours are those around it: the box itself is kept."""
_RADII = (0.03, 0.045, 0.07, 0.1, 0.15, 0.22)
"""Of the discs in which a clicked thing is looked for, against the longest side of the picture."""
_CORE = 0.2
"""Part of such a disc, around the click, that surely belongs to it."""
_SAME = 0.85
"""Overlap (intersection over union) above which two candidates are one."""
_BAND = 0.06
"""Of a region's size: how far from where the edges put it GrabCut may move the border."""


class Classical:
    """Needs no loading."""

    native = 1 << 30  # it works at the picture's own size
    grid = 10

    def encode(self, image: np.ndarray) -> Embedding:
        """See ``Segmenter``: keeps the picture, and what stops a spread in it."""
        kept = np.array(image)
        return Embedding((image.shape[0], image.shape[1]), (kept, growing.barriers(kept)), kept.nbytes)

    def masks(self, embedding: Embedding, prompts: Sequence[Prompt], several: bool) -> list[Candidates]:
        """See ``Segmenter``. Scores: see ``growing.likelihood``."""
        return [self._answer(embedding, prompt, several) for prompt in prompts]

    def to_host(self) -> None:
        """Nothing to give back."""

    def to_device(self) -> None:
        """Nothing to take."""

    def _answer(self, embedding: Embedding, prompt: Prompt, several: bool) -> Candidates:
        image, barriers = embedding.features
        meant = prompt.points[prompt.labels == 1]
        found = [_in_box(image, prompt.box, prompt)] if prompt.box is not None else _around(image, barriers, prompt)
        scores = [growing.likelihood(barriers, mask, meant) for mask in found]
        order = _unlike(found, np.argsort(scores, kind="stable")[::-1], 3 if several else 1)
        masks, scored = np.stack([found[k] for k in order]), np.array([scores[k] for k in order], np.float32)
        return Candidates(masks, scored, np.ones(len(order), np.float32))


def _around(image: np.ndarray, barriers: growing.Barriers, prompt: Prompt) -> list[np.ndarray]:
    """What clicks may mean: what differs from its surroundings in discs of several sizes, and what edges close off."""
    found = [_in_disc(image, prompt, radius * max(image.shape[:2])) for radius in _RADII]
    found += [
        _drawn(image, _enlarged(region, image.shape[:2]), prompt)
        for region in growing.regions(barriers, prompt.points, prompt.labels)
    ]
    rows, columns = (prompt.points.astype(int)[prompt.labels == 1].T)[::-1]
    meant = [mask for mask in found if mask is not None and mask[rows, columns].any()]
    if meant:
        return meant
    alone = np.zeros(image.shape[:2], bool)
    alone[rows, columns] = True
    return [alone]


def _unlike(masks: list[np.ndarray], order: np.ndarray, most: int) -> list[int]:
    """The first ones of ``order`` that are not nearly the same as one before."""
    chosen: list[int] = []
    for index in order:
        if all((masks[index] & masks[one]).sum() < _SAME * (masks[index] | masks[one]).sum() for one in chosen):
            chosen.append(int(index))
    return chosen[:most]


def _enlarged(region: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    soft = cv2.resize(region.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    return soft > 0.5


def _drawn(image: np.ndarray, region: np.ndarray, prompt: Prompt) -> np.ndarray:
    """The region with its border where the colours change."""
    window = _window(region, image.shape[:2])
    seed = _small(region[window])
    if not seed.any() or seed.all():
        return region
    radius = max(1, round(_BAND * np.sqrt(seed.sum())))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    trimap = np.full(seed.shape, cv2.GC_BGD, np.uint8)
    trimap[cv2.dilate(seed.astype(np.uint8), disc, iterations=2) > 0] = cv2.GC_PR_BGD
    trimap[seed] = cv2.GC_PR_FGD
    trimap[cv2.erode(seed.astype(np.uint8), disc) > 0] = cv2.GC_FGD
    return _finished(image, window, trimap, prompt)


def _in_disc(image: np.ndarray, prompt: Prompt, radius: float) -> np.ndarray | None:
    """What in the discs around the clicks differs from what is around them; None where that is next to nothing."""
    meant = prompt.points[prompt.labels == 1]
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.min([np.hypot(rows - y, columns - x) for x, y in meant], axis=0)
    inside = distance < radius
    window = _window(inside, image.shape[:2])
    disc, core = (_small(distance[window] < one) for one in (radius, _CORE * radius))
    trimap = np.where(core, cv2.GC_FGD, np.where(disc, cv2.GC_PR_FGD, cv2.GC_BGD)).astype(np.uint8)
    found = _finished(image, window, trimap, prompt)
    return found if found.sum() >= 1.5 * _CORE**2 * inside.sum() else None


def _in_box(image: np.ndarray, box: np.ndarray, prompt: Prompt) -> np.ndarray:
    """What in a box differs from what is around it."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.clip(np.rint(box), 0, (width, height, width, height)).astype(int)
    inside = np.zeros((height, width), bool)
    inside[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = True
    window = _window(inside, (height, width))
    trimap = np.where(_small(inside[window]), cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    found = _finished(image, window, trimap, prompt)
    return found if found.sum() >= _LEAST_OF_BOX * inside.sum() else inside


def _small(mask: np.ndarray) -> np.ndarray:
    """A mask (bool) at the size that GrabCut works at."""
    return growing.shrunk(mask.astype(np.uint8) * 255, _WORKING) > 127


def _finished(image: np.ndarray, window: tuple[slice, slice], trimap: np.ndarray, prompt: Prompt) -> np.ndarray:
    """bool H×W: GrabCut in the window, its border drawn at full size, without noise."""
    part = image[window]
    small = cv2.resize(part, trimap.shape[::-1], interpolation=cv2.INTER_AREA)
    _mark(trimap, window, part.shape, prompt)
    chosen = _grab(small, trimap)
    sharp = _sharpened(part, chosen)
    mask = np.zeros(image.shape[:2], bool)
    mask[window] = _cleaned(sharp, prompt, window)
    return mask


def _mark(trimap: np.ndarray, window: tuple[slice, slice], shape: tuple[int, ...], prompt: Prompt) -> None:
    """Clicks are certain."""
    for (x, y), label in zip(prompt.points, prompt.labels, strict=True):
        row = int((y - window[0].start) * trimap.shape[0] / shape[0])
        column = int((x - window[1].start) * trimap.shape[1] / shape[1])
        if 0 <= row < trimap.shape[0] and 0 <= column < trimap.shape[1]:
            patch = (slice(max(0, row - 1), row + 2), slice(max(0, column - 1), column + 2))
            trimap[patch] = cv2.GC_FGD if label else cv2.GC_BGD


def _grab(small: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """bool h×w. What GrabCut cannot tell apart (all of one kind) stays as it was marked."""
    certain = np.isin(trimap, (cv2.GC_BGD, cv2.GC_PR_BGD))
    if certain.all() or not certain.any():
        return ~certain
    cv2.setRNGSeed(1)
    backdrop, thing = np.zeros((1, 65)), np.zeros((1, 65))
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)
    cv2.grabCut(lab, trimap, (0, 0, 1, 1), backdrop, thing, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _sharpened(part: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The mask at the size of the picture, its border led by the picture (guided filter, He et al. 2010)."""
    size = part.shape[1::-1]
    soft = cv2.resize(chosen.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    if chosen.shape == part.shape[:2]:
        return soft > 0.5
    radius = 2 * max(1, round(max(size) / max(chosen.shape))) + 1
    guide = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1))

    guide_mean, soft_mean = mean(guide), mean(soft)
    slope = (mean(guide * soft) - guide_mean * soft_mean) / (mean(guide * guide) - guide_mean**2 + 1e-4)
    return mean(slope) * guide + mean(soft_mean - slope * guide_mean) > 0.5


def _cleaned(mask: np.ndarray, prompt: Prompt, window: tuple[slice, slice]) -> np.ndarray:
    """Only the parts that were clicked (or, without clicks, all that are not small), without small holes."""
    _, parts, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = facts[:, cv2.CC_STAT_AREA]
    least = 0.02 * mask.sum()
    wanted = {number for number in range(1, len(areas)) if areas[number] >= max(least, 4)}
    clicked = {parts[place] for place in _inside(prompt, window, mask.shape)} - {0}
    kept = np.isin(parts, list(clicked & wanted or clicked or wanted))
    _, holes, facts, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    small = [n for n in range(1, len(facts)) if facts[n, cv2.CC_STAT_AREA] < least]
    return kept | (np.isin(holes, small) & ~kept)


def _inside(prompt: Prompt, window: tuple[slice, slice], shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """(row, column) of the positive clicks within a window."""
    places = [(int(y) - window[0].start, int(x) - window[1].start) for x, y in prompt.points[prompt.labels == 1]]
    return [(row, column) for row, column in places if 0 <= row < shape[0] and 0 <= column < shape[1]]


def _window(region: np.ndarray, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of a region and some of what surrounds it."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    if not rows.size:
        return slice(0, size[0]), slice(0, size[1])
    margin = max(6, int(_CONTEXT * max(rows[-1] - rows[0], columns[-1] - columns[0])))
    return (
        slice(max(0, int(rows[0]) - margin), min(size[0], int(rows[-1]) + 1 + margin)),
        slice(max(0, int(columns[0]) - margin), min(size[1], int(columns[-1]) + 1 + margin)),
    )
