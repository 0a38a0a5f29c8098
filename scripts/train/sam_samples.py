"""Random clicks and boxes on random parts of the pictures of ``data``, for the training of tiny-sam."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bridge_server.segmentation.checkpoint import MEAN

from . import data

SMALLEST = 40 / 192**2
"""part of the picture: smaller things are not asked for"""
_LARGE = 0.2
"""How much more often large things are asked for: the power of their pixels."""
_BOXES = 0.45
"""Part of the pictures whose prompts are boxes."""
BEYOND = 255
"""id of what lies beyond a picture that is not square"""


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture as the network sees it, and prompts of one kind on it."""

    picture: torch.Tensor
    """float 3×S×S, 0..255, filled up with the mean colour, which becomes nothing"""
    ids: torch.Tensor
    """uint8 S×S: the things"""
    masks: torch.Tensor
    """float N×S×S: what each prompt means"""
    points: torch.Tensor
    """float N×2, inside of what is meant"""
    boxes: torch.Tensor
    """float N×4"""
    by_box: bool


class Samples:
    """Random samples out of what ``data`` made."""

    def __init__(self, folder: Path, seed: int, held_out: bool = False) -> None:
        parts = list(data.shards("sam", folder, held_out))
        self._pictures = np.concatenate([one["picture"] for one in parts])
        self._ids = np.concatenate([one["ids"] for one in parts])
        self._random = np.random.default_rng(seed)

    def draw(self, side: int, prompts: int) -> Sample:
        """Another one each time, of ``side``² pixels."""
        random = self._random
        picture, ids, kinds, pixels = self._shown(side)
        chosen = random.choice(kinds, prompts, p=pixels**_LARGE / (pixels**_LARGE).sum())
        masks = np.stack([ids == one for one in chosen])
        points = np.stack([inside(mask, random) for mask in masks])
        boxes = np.stack([_jittered(mask, random) for mask in masks])
        return Sample(
            torch.from_numpy(_changed(picture, ids, random)).permute(2, 0, 1),
            torch.from_numpy(ids),
            torch.from_numpy(masks.astype(np.float32)),
            torch.from_numpy(points),
            torch.from_numpy(boxes),
            bool(random.random() < _BOXES),
        )

    def _shown(self, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(picture, ids, the ids that can be asked for, their pixels): at least two, one alone would have no border."""
        while True:
            number = int(self._random.integers(len(self._ids)))
            picture, ids = self._cropped(self._pictures[number, self._random.integers(2)], self._ids[number], side)
            kinds, pixels = np.unique(ids[ids != BEYOND], return_counts=True)
            large = pixels >= SMALLEST * side**2
            if large.sum() >= 2:
                return picture, ids, kinds[large], pixels[large]

    def _cropped(self, picture: np.ndarray, ids: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
        """A part of a picture whose longer side is ``wanted`` then."""
        random = self._random
        aspect = float(np.exp(random.uniform(-0.65, 0.65))) if random.random() < 0.7 else 1.0
        whole = len(ids)
        side = whole * (1.0 if random.random() < 0.5 else random.uniform(0.45, 1))
        height, width = int(side * min(1, aspect)), int(side * min(1, 1 / aspect))
        top, left = random.integers(0, whole - height + 1), random.integers(0, whole - width + 1)
        scale = max(height, width) / wanted
        rows, columns = round(height / scale), round(width / scale)
        y = np.minimum(top + ((np.arange(rows) + 0.5) * scale).astype(int), whole - 1)
        x = np.minimum(left + ((np.arange(columns) + 0.5) * scale).astype(int), whole - 1)
        if random.random() < 0.5:
            x = x[::-1]
        out_picture, out_ids = np.zeros((wanted, wanted, 3), np.uint8), np.full((wanted, wanted), BEYOND, np.uint8)
        out_picture[:rows, :columns] = picture[y[:, None], x]
        out_ids[:rows, :columns] = ids[y[:, None], x]
        return out_picture, out_ids


def inside(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """float32 (x, y) of a pixel's centre inside a mask, as people click: away from its border."""
    inner = mask
    for _ in range(random.integers(0, 6)):
        eroded = inner[1:-1, 1:-1] & inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        smaller = np.zeros_like(inner)
        smaller[1:-1, 1:-1] = eroded
        if not smaller.any():
            break
        inner = smaller
    places = np.argwhere(inner)
    y, x = places[random.integers(len(places))]
    return np.array([x + 0.5, y + 0.5], np.float32)


def _jittered(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    ys, xs = np.nonzero(mask)
    box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)
    size = np.array([box[2] - box[0], box[3] - box[1]] * 2, np.float32)
    return np.clip(box + random.normal(0, 0.04, 4).astype(np.float32) * np.minimum(size, len(mask) / 3), 0, len(mask))


def _changed(picture: np.ndarray, ids: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """float32: the same picture in another light, a little noisy or soft."""
    changed = picture.astype(np.float32)
    changed = (changed - 128) * random.uniform(0.6, 1.4) + 128 + random.uniform(-40, 40)
    changed = changed * random.uniform(0.85, 1.15, 3).astype(np.float32)
    if random.random() < 0.4:
        changed[:-1] = (changed[:-1] + changed[1:]) / 2
        changed[:, :-1] = (changed[:, :-1] + changed[:, 1:]) / 2
    changed += random.normal(0, random.uniform(0, 6), changed.shape)
    changed[ids == BEYOND] = MEAN
    return np.clip(changed, 0, 255).astype(np.float32)
