"""The inverse of a colour transform that can only be asked forwards.

Searched for with damped Newton steps in a coordinate t that is even to the eye: linear = toe · (2^t − 1), per channel.
What the search finds at the nodes of a grid, and how t changes around each, is kept: so most colours of a picture need
no search, and are not even asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

Forward = Callable[[np.ndarray], np.ndarray]
"""float32 N×3 scene-linear to float32 N×3 display-referred 0..1."""

_GRIDS = (13, 25, 49)
"""Nodes along each display axis: searched for in the first grid, put right in the finer ones."""
_GRID = _GRIDS[-1]
_RAMP = 2.0 ** np.linspace(-24, 24, 2049)
"""Scene-linear greys that the range of the transform is found with."""
_STEP = 0.02
"""Difference of t for slopes: large enough for 16-bit answers, small enough for curved views."""
_DONE = 0.2 / 255
"""Error under which an 8-bit picture comes back unchanged with room to spare."""
_SURE = 0.4 / 255
"""The same, at the corners of what a node stands for: its colours are nearly all much nearer."""
_NEAR = 20.0 / 255
"""Error of a node beyond which nothing around it can be reached, by far: how t changes there helps nobody."""
_WORTH = 0.98
"""Share of its squared error that a step must leave at most, to be worth another one."""
_HEADROOM = 4.0
"""Stops above the grey that is shown white: saturated highlights need more light than white."""
_AT_ONCE = 1 << 15
"""Colours that are looked up at once: their rows of the table stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Inverse:
    """The inverse around each node of a regular grid of display colours; searched for where that is not enough."""

    toe: float
    """Scene-linear value around which t turns from linear to logarithmic."""
    limit: float
    """Largest t."""
    around: np.ndarray
    """float32 G³×3×4: t of a display colour near each node is this times (red, green, blue, 1)."""
    sure: np.ndarray
    """bool G³: that is true for all colours of which no other node is nearer, as exactly as 8 bits can tell."""

    @classmethod
    def build(cls, forward: Forward) -> Inverse:
        """Measures ``forward`` (about half a million colours, 0.2–0.5 s)."""
        toe, limit, grey_t, grey_display = _measure_greys(forward)
        search = _Search(forward, toe, limit)
        target = _nodes_of(_GRIDS[0])
        t, _ = search.descend(target, np.interp(target, grey_display, grey_t).astype(np.float32), rounds=12)
        for grid in _GRIDS[1:-1]:
            t = _refined(search, _nodes_of(grid), _between(t))[0]
        target = _nodes_of(_GRID)
        _, around, near = _refined(search, target, _between(t))
        return cls(toe, limit, around, _is_sure(search, target, around, near))

    def solve(self, display: np.ndarray, forward: Forward) -> tuple[np.ndarray, np.ndarray]:
        """(float32 N×3 scene-linear, float32 N largest error of a channel) for float32 N×3 display colours 0..1."""
        search = _Search(forward, self.toe, self.limit)
        linear, error = np.empty_like(display), np.full(len(display), _SURE, np.float32)
        unsure = []
        for start in range(0, len(display), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            node = _nearest(display[part])
            linear[part] = search.linear(search.hold(_mapped(self.around, node, display[part])))
            unsure.append(start + np.flatnonzero(~self.sure[node]))
        rest = np.concatenate(unsure)
        if len(rest):
            first, where = _different(display[rest])
            t, left = self._search(search, display[rest[first]])
            linear[rest], error[rest] = search.linear(t)[where], left[where]
        return linear, error

    def _search(self, search: _Search, display: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(t, error), from where the table leads."""
        node = _nearest(display)
        t = search.hold(_mapped(self.around, node, display))
        error = np.full(len(display), np.inf, np.float32)
        open_ = np.arange(len(display))
        tried = t.copy()
        for _ in range(2):  # cheap steps with the table's slopes
            residual = display[open_] - search.shown(tried[open_])
            new_error = np.abs(residual).max(axis=1)
            better = new_error < error[open_]
            t[open_[better]], error[open_[better]] = tried[open_[better]], new_error[better]
            going = better & (new_error > _DONE)
            open_, residual = open_[going], residual[going]
            if not len(open_):
                break
            step = np.einsum("nij,nj->ni", self.around[node[open_], :, :3], residual)
            tried[open_] = search.hold(t[open_] + step)
        rest = np.flatnonzero(error > _DONE)
        if len(rest):
            t[rest], error[rest] = search.descend(display[rest], t[rest], rounds=6)
        return t, error


def _nodes_of(grid: int) -> np.ndarray:
    """float32 G³×3: the display colours at the nodes of a grid."""
    axis = np.linspace(0, 1, grid, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def _between(values: np.ndarray) -> np.ndarray:
    """Values (G³×C) at the nodes of a grid of 2·G−1: the means of the neighbours."""
    grid = round(len(values) ** (1 / 3))
    values = values.reshape(grid, grid, grid, -1)
    for axis in range(3):
        values = np.moveaxis(values, axis, 0)
        finer = np.empty((2 * len(values) - 1, *values.shape[1:]), values.dtype)
        finer[::2], finer[1::2] = values, (values[1:] + values[:-1]) / 2
        values = np.moveaxis(finer, 0, axis)
    return values.reshape(-1, values.shape[-1])


def _refined(search: _Search, target: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step from a start nearby: (t, ``Inverse.around``, bool: whether the colours can nearly be reached)."""
    shown = search.shown(t)
    near = np.flatnonzero(np.abs(target - shown).max(axis=1) < _NEAR)
    steps = np.zeros((len(t), 3, 3), np.float32)
    steps[near] = _damped_inverse(search.slopes(t[near], shown[near]), 1e-3)
    t[near] = search.hold(t[near] + np.einsum("nij,nj->ni", steps[near], target[near] - shown[near]))
    shown[near] = search.shown(t[near])
    base = t - np.einsum("nij,nj->ni", steps, shown)
    found = np.zeros(len(t), bool)
    found[near] = np.abs(target[near] - shown[near]).max(axis=1) < _NEAR
    return t, np.concatenate([steps, base[..., None]], axis=2), found


def _is_sure(search: _Search, target: np.ndarray, around: np.ndarray, near: np.ndarray) -> np.ndarray:
    """``Inverse.sure``, measured at the corners: nearly everything else that a node stands for is nearer. Not so beside
    black, where t bends most."""
    sure = near & (target.min(axis=1) > 1.5 / (_GRID - 1))
    for corner in product((1, -1), repeat=3):
        node = np.flatnonzero(sure)
        colour = np.clip(target[node] + np.float32(0.5 / (_GRID - 1)) * np.array(corner, np.float32), 0, 1)
        shown = search.shown(search.hold(_mapped(around, node, colour)))
        sure[node] = np.abs(shown - colour).max(axis=1) < _SURE
    return sure


def _nearest(display: np.ndarray) -> np.ndarray:
    """int32 N: the number of the node nearest to each colour."""
    place = (display * np.float32(_GRID - 1) + np.float32(0.5)).astype(np.int32)
    return (place[:, 0] * _GRID + place[:, 1]) * _GRID + place[:, 2]


def _different(display: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index of each colour that differs from those before it, each colour's index among these): pictures of 8 bits
    repeat theirs."""
    packed = np.rint(display * np.float32(2**20)).astype(np.uint64)
    codes = packed[:, 0] << np.uint64(42) | packed[:, 1] << np.uint64(21) | packed[:, 2]
    _, first, where = np.unique(codes, return_index=True, return_inverse=True)
    return first, where


def _mapped(around: np.ndarray, node: np.ndarray, display: np.ndarray) -> np.ndarray:
    """float32 N×3: t of colours, by the maps of these nodes."""
    rows = around[node]
    return np.einsum("nij,nj->ni", rows[..., :3], display) + rows[..., 3]


@dataclass(frozen=True, eq=False)
class _Search:
    """Levenberg–Marquardt steps for many colours at once, t held in 0..limit."""

    forward: Forward
    toe: float
    limit: float

    def linear(self, t: np.ndarray) -> np.ndarray:
        return (self.toe * (np.exp2(t) - 1)).astype(np.float32)

    def shown(self, t: np.ndarray) -> np.ndarray:
        return self.forward(self.linear(t))

    def hold(self, t: np.ndarray) -> np.ndarray:
        return np.clip(t, 0, self.limit)  # Cycles clips negative light

    def slopes(self, t: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """float32 N×3×3: d display[i] / d t[j], by differences towards zero, so that white is left."""
        moved = np.repeat(t[None], 3, axis=0)
        signs = np.where(t > _STEP, np.float32(-_STEP), np.float32(_STEP))
        for j in range(3):
            moved[j, :, j] += signs[:, j]
        answers = self.shown(moved.reshape(-1, 3)).reshape(moved.shape)  # asked once: every question costs some time
        return np.stack([(answers[j] - shown) / signs[:, j, None] for j in range(3)], axis=-1)

    def descend(self, target: np.ndarray, t: np.ndarray, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        """(t, largest error of a channel) after at most ``rounds`` steps; never worse than the start."""
        t = self.hold(t)
        shown = self.shown(t)
        damping = np.full(len(t), 1e-3, np.float32)
        open_ = np.arange(len(t))
        for _ in range(rounds):
            open_ = open_[np.abs(target[open_] - shown[open_]).max(axis=1) > _DONE]
            if not len(open_):
                break
            residual = target[open_] - shown[open_]
            slopes = self.slopes(t[open_], shown[open_])
            step = np.einsum("nij,nj->ni", _damped_inverse(slopes, damping[open_]), residual)
            tried = self.hold(t[open_] + np.clip(step, -3, 3))
            answer = self.shown(tried)
            before, after = (residual**2).sum(axis=1), ((target[open_] - answer) ** 2).sum(axis=1)
            better = after < before
            t[open_[better]], shown[open_[better]] = tried[better], answer[better]
            damping[open_] *= np.where(better, np.float32(0.2), np.float32(20))
            damping = np.maximum(damping, np.float32(1e-5))
            # a colour that no step improves, or hardly, is out of reach
            open_ = open_[((after < _WORTH * before) | ~better) & (damping[open_] < 10)]
        return t, np.abs(target - shown).max(axis=1)


def _measure_greys(forward: Forward) -> tuple[float, float, np.ndarray, np.ndarray]:
    """(toe, limit, t of greys, their display value rising strictly enough for interpolation)."""
    shown = forward(np.repeat(_RAMP[:, None], 3, axis=1).astype(np.float32)).mean(axis=1)
    shown = np.maximum.accumulate(shown)
    black, white = shown[0], shown[-1]
    dark = np.searchsorted(shown, black + 1 / 255)
    bright = np.searchsorted(shown, white - 1e-4 * max(white - black, 1e-6))
    toe = float(_RAMP[min(dark, len(_RAMP) - 1)]) / 2
    limit = float(np.log2(_RAMP[min(bright, len(_RAMP) - 1)] / toe + 1)) + _HEADROOM
    t = np.log2(_RAMP / toe + 1)
    return toe, limit, t[: bright + 1], shown[: bright + 1]


def _damped_inverse(slopes: np.ndarray, damping: np.ndarray | float) -> np.ndarray:
    """float32 N×3×3: (JᵀJ + damping · scale)⁻¹ Jᵀ, by cofactors (numpy's own batch inverse is five times slower)."""
    normal = np.einsum("nki,nkj->nij", slopes, slopes)
    scale = np.maximum(np.einsum("nii->n", normal) / 3, 1e-9)
    normal[:, range(3), range(3)] += (np.asarray(damping, np.float32) * scale)[:, None] + np.float32(1e-9)
    rows = normal[:, 0], normal[:, 1], normal[:, 2]
    cofactors = np.stack([np.cross(rows[1], rows[2]), np.cross(rows[2], rows[0]), np.cross(rows[0], rows[1])], axis=-1)
    determinant = np.einsum("ni,ni->n", rows[0], cofactors[:, :, 0])
    inverse = cofactors / np.maximum(np.abs(determinant), 1e-30)[:, None, None]
    return np.einsum("nij,nkj->nik", inverse, slopes).astype(np.float32)
