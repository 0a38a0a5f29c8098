"""What would be seen if the thing under a mask were not there, from its surroundings alone: no model, no weights.

With maps the surfaces behind the thing are known (see ``behind``): each goes on with its own light, and its
own texture is copied from where it is seen. Without maps all of the surroundings are one surface. Beyond its border a
picture is mirrored.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..maps import SceneMaps
from ..masks import bbox, dilate
from ..resampling import nearest, resized
from . import patches
from .behind import behind, surfaces
from .crop import Crop, cut_maps, plan
from .smooth import blurred, spread

_F = np.float32
_FRINGE = 2
"""Pixels around the mask that may show a little of what goes: nothing is learnt from them."""
_WORK = 400
"""Side of the square, in pixels, that texture is searched in; larger holes are filled at a smaller size."""
_FADE = 0.2
"""Distance over which differences from a surface's trend fade in a hole, as a share of its width."""
_SHADOW = 2.0
"""How much less what is darker than usual counts."""
_FEW = 12
"""pixels: a surface that is seen less says nothing"""


def filled(
    image: np.ndarray, mask: np.ndarray, maps: SceneMaps | None = None, seed: int = 0, *, after: bool = False
) -> np.ndarray:
    """The image without the thing under the mask; identical outside.

    Args:
        image: float32 H×W×3, display-referred 0..1, row 0 at the top.
        mask: bool H×W.
        maps: of the image; None where nothing is known of the scene.
        after: the maps show the scene without the thing: what is behind it need not be guessed.
        seed: another one gives another arrangement of the texture.

    Returns:
        float32 H×W×3. A mask that covers everything gives the image's mean.
    """
    if not mask.any():
        return image.copy()
    inner = None if maps is not None else bbox(~mask)
    if inner is not None and not mask[inner[1] : inner[3], inner[0] : inner[2]].any():
        return _mirrored(image, inner)
    crop = plan(mask, native=_WORK, context=1.5)
    window, inside = crop.window, crop.mask
    labels, guide = _surfaces(maps, crop, after)
    known = ~dilate(inside, _FRINGE)
    known = known if known.any() else ~inside
    if not known.any():
        result = image.copy()
        result[mask] = image.reshape(-1, 3).mean(0)
        return result
    values = image[window].astype(_F)
    known &= np.isin(labels, labels[inside]) | ~np.isin(labels[inside], labels[known]).all()
    base = _base(values, inside, known, labels)
    detail = _detail(np.where(known[..., None], values - base, 0), inside, known, labels, guide, seed)
    result = image.copy()
    painted = np.clip(base + detail, 0, 1)
    result[window] = np.where(inside[..., None], painted, image[window])
    return result


def _mirrored(image: np.ndarray, inner: tuple[int, int, int, int]) -> np.ndarray:
    """The picture with what lies around a part of it (x0, y0, x1, y1) as that part mirrored.

    Beyond the border of a picture there is no other side that a hole could be filled from: smooth light alone would be
    a smear, while what is mirrored has the picture's own edges and grain.
    """
    x0, y0, x1, y1 = inner
    height, width = image.shape[:2]
    margins = ((y0, height - y1), (x0, width - x1), (0, 0))
    return np.pad(image[y0:y1, x0:x1], margins, mode="symmetric")


def _surfaces(maps: SceneMaps | None, crop: Crop, after: bool) -> tuple[np.ndarray, np.ndarray]:
    """(int h×w label of the surface that is to be seen, float32 h×w×1 guide: octaves of its distance) of the crop."""
    if maps is None or crop.mask.all():
        shape = crop.mask.shape
        return np.zeros(shape, np.int64), np.zeros((*shape, 1), _F)
    near = cut_maps(replace(crop, drawn=crop.size), maps)
    seen = surfaces(near) if after else behind(near, crop.mask)
    guide = np.log2(np.where(np.isfinite(seen.depth), np.maximum(seen.depth, 1e-6), 1)).astype(_F)
    return seen.labels, guide[..., None]


def _base(values: np.ndarray, hole: np.ndarray, known: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float32 H×W×3: the smooth light of each surface, going on in the hole."""
    result = np.zeros_like(values)
    fading = hole / max(16.0, _FADE**2 * float(hole.sum()))
    for label in np.unique(labels[hole]):
        own = labels == label
        here = own & known
        if here.sum() < _FEW:
            here = known
        trend, usual = _trend(values, here, hole)
        rest = np.where(here[..., None], values - trend, 0)
        soft = blurred(rest, 3) / np.maximum(blurred(here[..., None].astype(_F), 3), _F(1e-3))
        # what is darker than usual is the thing's shadow more often than not: it goes on for a little only
        dark = np.clip(-soft.mean(axis=-1) / usual - 1, 0, None)
        # and with a little weight for "nothing" in the hole, all of it fades with the distance from what is seen
        gone_on = spread(np.where(here[..., None], soft, 0), np.where(here, 1 / (1 + dark * dark * _SHADOW), fading))
        mixed = trend + np.where(here[..., None], soft, gone_on)
        result[own] = mixed[own]
    return result


def _trend(values: np.ndarray, here: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, float]:
    """A plane through the colours of a surface, near ones counting most and strays not at all.

    Returns:
        (float32 H×W×3, how far colours are from it usually).
    """
    height, width = here.shape
    rows, columns = np.nonzero(here)
    centre_y, centre_x = (float(one.mean()) for one in np.nonzero(hole)) if hole.any() else (height / 2, width / 2)
    scale = max(4.0, float(np.sqrt(hole.sum())))
    y, x = (rows - centre_y) / scale, (columns - centre_x) / scale
    design = np.stack([np.ones_like(x), x, y], axis=1)
    near = 1 / (1 + x * x + y * y) ** 2
    colours = values[rows, columns].astype(np.float64)
    weight = near
    ridge = np.diag([0.0, 1.0, 1.0]) * 0.02 * near.sum()
    answer, usual = np.zeros((3, colours.shape[1])), 1.0
    for _ in range(4):
        weighted = design * weight[:, None]
        answer = np.linalg.solve(weighted.T @ design + ridge + 1e-9 * np.eye(3), weighted.T @ colours)
        error = (colours - design @ answer).mean(axis=1)
        usual = max(1.5 * float(np.median(np.abs(error))), 4 / 255)
        error = np.where(error < 0, 1.5 * error, error)  # darker ones are in the thing's shadow more often than not
        weight = near / (1 + (error / usual) ** 2) ** 2
    grid_y = (np.arange(height)[:, None] - centre_y) / scale
    grid_x = (np.arange(width)[None, :] - centre_x) / scale
    plane = answer[0] + grid_x[..., None] * answer[1] + grid_y[..., None] * answer[2]
    low, high = np.percentile(colours, (2, 98), axis=0)
    return np.clip(plane, low, high).astype(_F), usual


def _detail(
    detail: np.ndarray, hole: np.ndarray, known: np.ndarray, labels: np.ndarray, guide: np.ndarray, seed: int
) -> np.ndarray:
    """float32 H×W×3: the texture on top of the base, copied from the same surfaces."""
    wanted = ~known  # the fringe is filled too, so that patches at the rim compare with something sound
    size = hole.shape[1], hole.shape[0]
    scale = min(1.0, _WORK / max(size))
    if scale == 1.0:
        return patches.fill(detail, wanted, known, labels, guide, seed)
    small = max(8, round(size[0] * scale)), max(8, round(size[1] * scale))
    hole_, source, names, far = (nearest(one, small) for one in (wanted, known, labels, guide))
    return resized(patches.fill(resized(detail, small), hole_, source, names, far, seed), size)
