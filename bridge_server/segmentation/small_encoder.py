"""A small image encoder for Segment Anything: what it sees is spread within borders that it has learnt to see.

Segment Anything asks of its encoder that pixels of one thing look alike and those of different things do not. A large
network learns that from a great many pictures. Here a small one (a U-Net) learns the borders alone, and an
edge-preserving filter does the rest: it carries places and colours along rows and columns, the less the more borders
lie between (the domain transform of Gastal & Oliveira 2011, here with all pairs of a line at once). What is left is
nearly the same all over a thing: its middle, its mean colour.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

STEP = 2
"""pixels of the picture between two cells that are told apart"""
_TIMES = 4
"""of spreading along rows and columns: enough for things that wind once or twice"""
_FAR = 2.9
"""How much a whole line without a border fades."""
_MOST = 30.0
"""What is farther apart has nothing of each other; smaller numbers than e to the minus that are slow to reckon with."""
_WAVES = (1.9, 6.2, 19.0, 50.0)
"""Radians of the places' waves on half a picture. Wide ones tell where a large thing is, and are even on small ones;
narrow ones tell small things apart that lie beside each other."""
_GAIN = 2.0
"""Of a sure border: the scale of the network's answers."""


class SmallEncoder(nn.Module):
    """Stands where ``ImageEncoderViT`` does; float32 B×3×S×S, normalised → B×hidden×(S/cell)×(S/cell).

    Args:
        side: S, in pixels; a multiple of 32. Other sides work too, with the same weights.
        cell: pixels of a cell of the result.
        widths, depths: channels and blocks of the U-Net's levels, at 2, 4, 8 … pixels.
        waves: of places, for each half of their code.
        own: features of the network that are spread too.
    """

    def __init__(
        self,
        side: int,
        cell: int,
        hidden: int,
        widths: Sequence[int] = (32, 48, 64, 96, 112),
        depths: Sequence[int] = (1, 1, 1, 2, 2),
        waves: int = 16,
        own: int = 12,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(5, widths[0], 2 * STEP, STEP, STEP // 2)
        pairs = list(itertools.pairwise(widths))
        self.levels = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(depth))) for width, depth in zip(widths, depths, strict=True)
        )
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.joined = nn.ModuleList(_Block(width) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], 2 + own, 3, padding=1)
        within = cell // STEP
        self.fold = nn.Conv2d(2 * waves + 4 + own, hidden, within, within)
        self.beside = nn.Conv2d(widths[0], hidden, within, within)
        self.norm = _norm(hidden)
        self.mlp = nn.Sequential(nn.Conv2d(hidden, 2 * hidden, 1), nn.GELU(), nn.Conv2d(2 * hidden, hidden, 1))
        self.out = nn.GroupNorm(1, hidden)
        self.frequencies: torch.Tensor
        directions = torch.rand(waves) * 2 * torch.pi
        lengths = torch.tensor(_WAVES)[torch.arange(waves) % len(_WAVES)]
        self.register_buffer("frequencies", torch.stack([directions.sin(), directions.cos()]) * lengths)
        self.side: torch.Tensor
        self.register_buffer("side", torch.tensor(side))
        self.img_size = side
        with torch.no_grad():
            self.head.bias[:2] = -1.0  # most neighbours belong to one thing

    @classmethod
    def like(cls, state: Mapping[str, Any]) -> SmallEncoder:
        """One of the sizes that a checkpoint of Segment Anything has. Raises KeyError where it has another encoder."""
        mine = {name.removeprefix("image_encoder."): value for name, value in state.items()}
        widths = [len(mine["stem.bias"])]
        while f"down.{len(widths) - 1}.bias" in mine:
            widths.append(len(mine[f"down.{len(widths) - 1}.bias"]))
        depths = [
            1 + max(int(found[1]) for name in mine if (found := re.match(rf"levels\.{level}\.(\d+)\.", name)))
            for level in range(len(widths))
        ]
        hidden, _, within, _ = mine["fold.weight"].shape
        waves, own = mine["frequencies"].shape[1], len(mine["head.bias"]) - 2
        return cls(int(mine["side"]), within * STEP, hidden, widths, depths, waves, own)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return self.gather(pictures, self.look(pictures))

    def look(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the U-Net sees, B×widths[0]×(S/2)×(S/2)."""
        places = _places(pictures.shape[2:], pictures).expand(len(pictures), -1, -1, -1)
        seen, shown = [], self.stem(torch.cat([pictures, places], 1).contiguous(memory_format=torch.channels_last))
        for level, blocks in enumerate(self.levels):
            if level:
                shown = self.down[level - 1](shown)
            shown = blocks(shown)
            seen.append(shown)
        for level in reversed(range(len(self.joined))):
            shown = F.interpolate(self.up[level](shown), scale_factor=2, mode="nearest") + seen[level]
            shown = self.joined[level](shown)
        return shown

    def borders(self, seen: torch.Tensor) -> torch.Tensor:
        """Logits B×2×(S/2)×(S/2) of a border to the right and below, of what ``look`` gave."""
        return self._told(seen)[0]

    def _told(self, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(logits of borders, features of the network that are spread too)."""
        told = self.head(F.gelu(seen))
        return told[:, :2], told[:, 2:]

    def gather(self, pictures: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """What ``forward`` returns, of what ``look`` gave."""
        borders, own = self._told(seen)
        phases = torch.einsum("fw,bfyx->bwyx", self.frequencies, _places(seen.shape[2:], seen))
        places = torch.cat([phases.sin(), phases.cos()], 1).expand(len(pictures), -1, -1, -1)
        codes = torch.cat([places, F.avg_pool2d(pictures, STEP), torch.ones_like(own[:, :1]), own], 1)
        costs = F.softplus(borders) * _GAIN + _FAR / seen.shape[-1]
        spread = _spread(codes, costs[:, 0, :, :-1], costs[:, 1, :-1])
        shown = self.norm(self.fold(spread) + self.beside(F.gelu(seen)))
        return self.out(shown + self.mlp(shown))


def _spread(codes: torch.Tensor, across: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """Means of codes B×C×H×W, in which what lies behind a cost of ``across`` B×H×(W-1) or ``down`` B×(H-1)×W counts
    less by e to the minus that."""
    along_rows, along_columns = _shares(across), _shares(down.transpose(1, 2))
    lines = codes.permute(0, 2, 3, 1)
    for _ in range(_TIMES):
        lines = along_rows @ lines
        lines = (along_columns @ lines.transpose(1, 2)).transpose(1, 2)
    return lines.permute(0, 3, 1, 2)


def _shares(costs: torch.Tensor) -> torch.Tensor:
    """…×N-1 between neighbours → …×N×N: how much each cell of a line has of each."""
    passed = F.pad(costs, (1, 0)).cumsum(-1)
    between = (passed[..., :, None] - passed[..., None, :]).abs()
    return torch.softmax(-between.clamp(max=_MOST), -1)


def _places(size: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """1×2×H×W: y and x of the cells' middles, -1 .. 1."""
    rows, columns = ((torch.arange(n, device=like.device, dtype=torch.float32) + 0.5) / n * 2 - 1 for n in size)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]


class _Block(nn.Module):
    """Two convolutions beside the way past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.first = _norm(width), nn.Conv2d(width, width, 3, padding=1)
        self.between, self.second = _norm(width), nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(F.gelu(self.between(self.first(F.gelu(self.before(x))))))


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(1, width // 16), width)
