"""Trains the judge: a small network that says which class each pixel shows and which word made the picture.

It learns from painted pictures alone and never sees what it judges; what it says of pictures that a model drew is an
independent measure of how well those obey their maps and prompts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from . import data, wording
from .running import Run, device

CLASSES = 150
_BATCH = 24


class Judge(nn.Module):
    """Pictures float B×3×S×S in 0..1 → (logits of classes B×150×S/2×S/2, logits of words B×K)."""

    def __init__(self) -> None:
        super().__init__()
        self.near = _block(3, 24, 1)
        self.mid = _block(24, 48, 2)
        self.far = nn.Sequential(_block(48, 96, 2), _block(96, 96, 1))
        self.word = nn.Sequential(nn.Linear(24 + 48 + 96 * 2 + 6, 96), nn.SiLU(), nn.Linear(96, len(wording.JUDGED)))
        self.classes = nn.Conv2d(24 + 48 + 96, CLASSES, 1)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        near = self.near(pictures * 2 - 1)
        mid = self.mid(near)
        far = self.far(mid)
        wide = [F.avg_pool2d(near, 2), mid, F.interpolate(far, mid.shape[2:], mode="bilinear")]
        seen = [one.mean((2, 3)) for one in (near, mid, far, pictures)] + [far.amax((2, 3)), pictures.std((2, 3))]
        return self.classes(torch.cat(wide, 1)), self.word(torch.cat(seen, 1))


def _block(given: int, made: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, made, 3, stride, 1),
        nn.GroupNorm(8, made),
        nn.SiLU(),
        nn.Conv2d(made, made, 3, 1, 1),
        nn.GroupNorm(8, made),
        nn.SiLU(),
    )


def train(folder: Path, steps: int, seed: int = 0) -> Run:
    """Train, or go on with a training."""
    torch.manual_seed(seed)
    judge = Judge().to(device())
    run = Run("judge", folder, judge, steps, lr=2e-3, warmup=50, decay=0.99)
    parts = list(data.shards("judge", folder / "data"))
    pictures, classes, words = (np.concatenate([one[name] for one in parts]) for name in ("picture", "classes", "word"))
    random = np.random.default_rng(seed + run.step)
    for _ in run.go():
        chosen = random.integers(0, len(words), _BATCH)
        shown = torch.from_numpy(pictures[chosen].astype(np.float32) / 255).permute(0, 3, 1, 2)
        meant = torch.from_numpy(halved(classes[chosen]).astype(np.int64))
        if random.random() < 0.5:
            shown, meant = shown.flip(-1), meant.flip(-1)
        if random.random() < 0.5:  # drawn pictures are softer than painted ones
            shown = F.interpolate(F.avg_pool2d(shown, 2), shown.shape[2:], mode="bilinear")
        seen, heard = judge(shown.to(device()))
        wanted = torch.from_numpy(words[chosen]).to(device())
        right = (heard.argmax(1) == wanted).float().mean().item()
        run.learn(F.cross_entropy(seen, meant.to(device())) + F.cross_entropy(heard, wanted), words=right)
    return run


def halved(classes: np.ndarray) -> np.ndarray:
    """Every second pixel of class maps …×S×S: what the judge tells apart."""
    return classes[..., ::2, ::2]


def load(folder: Path) -> Judge:
    """The trained judge."""
    judge = Judge()
    judge.load_state_dict(torch.load(folder / "judge.pt", map_location="cpu", weights_only=True)["average"])
    return judge.eval()
