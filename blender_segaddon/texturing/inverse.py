"""The inverse of a colour transform that can only be asked forwards.

Searched for with damped Newton steps in a coordinate t that is even to the eye: linear = toe · (2^t − 1), per channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Forward = Callable[[np.ndarray], np.ndarray]
"""float32 N×3 scene-linear to float32 N×3 display-referred 0..1."""

_GRID = 25
"""Nodes of the table along each display axis."""
_RAMP = 2.0 ** np.linspace(-24, 24, 2049)
"""Scene-linear greys that the range of the transform is found with."""
_STEP = 0.02
"""Difference of t for slopes: large enough for 16-bit answers, small enough for curved views."""
_DONE = 0.2 / 255
"""Error under which an 8-bit picture comes back unchanged with room to spare."""
_HEADROOM = 4.0
"""Stops above the grey that is shown white: saturated highlights need more light than white."""


@dataclass(frozen=True, eq=False)
class Inverse:
    """A table of the inverse on a regular grid of display colours, refined per colour by ``solve``."""

    toe: float
    """Scene-linear value around which t turns from linear to logarithmic."""
    limit: float
    """Largest t."""
    nodes: np.ndarray
    """float32 G×G×G×3: t at each display colour of the grid."""
    steps: np.ndarray
    """float32 G³×3×3: damped inverse of the slopes d display / d t at the nodes."""

    @classmethod
    def build(cls, forward: Forward) -> Inverse:
        """Measures ``forward`` (about a million colours, 0.2–0.5 s)."""
        toe, limit, grey_t, grey_display = _measure_greys(forward)
        axis = np.linspace(0, 1, _GRID, dtype=np.float32)
        target = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        start = np.interp(target, grey_display, grey_t).astype(np.float32)
        search = _Search(forward, toe, limit)
        nodes, _ = search.descend(target, start, rounds=12)
        steps = _damped_inverse(search.slopes(nodes, forward(search.linear(nodes))), 1e-3)
        return cls(toe, limit, nodes.reshape(_GRID, _GRID, _GRID, 3), steps)

    def solve(self, display: np.ndarray, forward: Forward) -> tuple[np.ndarray, np.ndarray]:
        """(float32 N×3 scene-linear, float32 N largest error of a channel) for float32 N×3 display colours."""
        search = _Search(forward, self.toe, self.limit)
        t, node = self._look_up(display)
        error = np.full(len(display), np.inf, np.float32)
        open_ = np.arange(len(display))
        tried = t.copy()
        for _ in range(3):  # cheap steps with the table's slopes
            residual = display[open_] - forward(search.linear(tried[open_]))
            new_error = np.abs(residual).max(axis=1)
            better = new_error < error[open_]
            t[open_[better]], error[open_[better]] = tried[open_[better]], new_error[better]
            going = better & (new_error > _DONE)
            open_, residual = open_[going], residual[going]
            if not len(open_):
                break
            step = np.einsum("nij,nj->ni", self.steps[node[open_]], residual)
            tried[open_] = search.hold(t[open_] + step)
        rest = np.flatnonzero(error > _DONE)
        if len(rest):
            t[rest], error[rest] = search.descend(display[rest], t[rest], rounds=8)
        return search.linear(t), error

    def _look_up(self, display: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(t by trilinear interpolation, index of the nearest node) per colour."""
        place = display * (_GRID - 1)
        low = np.clip(place.astype(np.int32), 0, _GRID - 2)
        part = (place - low)[..., None]
        flat = self.nodes.reshape(-1, 3)
        base = (low[:, 0] * _GRID + low[:, 1]) * _GRID + low[:, 2]
        planes = []
        for i in (0, 1):
            rows = []
            for j in (0, 1):
                at = base + (i * _GRID + j) * _GRID
                rows.append(flat[at] * (1 - part[:, 2]) + flat[at + 1] * part[:, 2])
            planes.append(rows[0] * (1 - part[:, 1]) + rows[1] * part[:, 1])
        nearest = np.rint(place).astype(np.int32)
        node = (nearest[:, 0] * _GRID + nearest[:, 1]) * _GRID + nearest[:, 2]
        return planes[0] * (1 - part[:, 0]) + planes[1] * part[:, 0], node


@dataclass(frozen=True, eq=False)
class _Search:
    """Levenberg–Marquardt steps for many colours at once, t held in 0..limit."""

    forward: Forward
    toe: float
    limit: float

    def linear(self, t: np.ndarray) -> np.ndarray:
        return (self.toe * (np.exp2(t) - 1)).astype(np.float32)

    def hold(self, t: np.ndarray) -> np.ndarray:
        return np.clip(t, 0, self.limit)  # Cycles clips negative light

    def slopes(self, t: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """float32 N×3×3: d display[i] / d t[j], by differences towards zero, so that white is left."""
        columns = []
        for j in range(3):
            moved = t.copy()
            sign = np.where(t[:, j] > _STEP, -1, 1).astype(np.float32)
            moved[:, j] += sign * np.float32(_STEP)
            columns.append((self.forward(self.linear(moved)) - shown) / (sign * np.float32(_STEP))[:, None])
        return np.stack(columns, axis=-1)

    def descend(self, target: np.ndarray, t: np.ndarray, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        """(t, largest error of a channel) after at most ``rounds`` steps; never worse than the start."""
        t = self.hold(t)
        shown = self.forward(self.linear(t))
        damping = np.full(len(t), 1e-3, np.float32)
        open_ = np.arange(len(t))
        for _ in range(rounds):
            open_ = open_[np.abs(target[open_] - shown[open_]).max(axis=1) > _DONE]
            open_ = open_[damping[open_] < 10]  # a colour that no step improves is out of reach
            if not len(open_):
                break
            residual = target[open_] - shown[open_]
            slopes = self.slopes(t[open_], shown[open_])
            step = np.einsum("nij,nj->ni", _damped_inverse(slopes, damping[open_]), residual)
            tried = self.hold(t[open_] + np.clip(step, -3, 3))
            answer = self.forward(self.linear(tried))
            better = ((target[open_] - answer) ** 2).sum(axis=1) < (residual**2).sum(axis=1)
            t[open_[better]], shown[open_[better]] = tried[better], answer[better]
            damping[open_] *= np.where(better, np.float32(0.2), np.float32(20))
            damping = np.maximum(damping, np.float32(1e-5))
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
