"""Texture for a hole, copied patch by patch from around it (PatchMatch, Barnes et al. 2009; many pixels at once).

Coarse to fine: at each size every pixel of the hole looks for the patch elsewhere that fits its own surroundings best,
by what its neighbours found and by chance, and is then voted for by all patches that cover it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_F = np.float32
_REACH = 2
"""Patches are 5×5 pixels."""
_OFFSETS = tuple((dy, dx) for dy in range(-_REACH, _REACH + 1) for dx in range(-_REACH, _REACH + 1))
_ROUNDS = 3
"""votes at each size"""
_COARSEST = 24
"""pixels: the hole's size at which it is begun"""
_GUIDE = 0.05
"""What a difference of 1 in a guide costs, in squared differences of a pixel."""


@dataclass(eq=False)
class _Field:
    """One size: what is known, and where each pixel of the hole copies from."""

    values: np.ndarray
    """float32 H×W×C; the hole holds the guess so far"""
    hole: np.ndarray
    """bool H×W"""
    source: np.ndarray
    """bool H×W: what may be copied"""
    labels: np.ndarray
    """int H×W: copies stay within a label"""
    guide: np.ndarray
    """float32 H×W×G: copies prefer similar values"""

    def halved(self) -> _Field:
        """Half the size; a pixel is of the hole where any of its four is."""
        height, width = (size - size % 2 for size in self.hole.shape)

        def four(array: np.ndarray) -> np.ndarray:
            cut = array[:height, :width]
            return np.stack([cut[0::2, 0::2], cut[1::2, 0::2], cut[0::2, 1::2], cut[1::2, 1::2]])

        return _Field(
            four(self.values).mean(0),
            four(self.hole).max(0),
            four(self.source).min(0),
            four(self.labels)[0],
            four(self.guide)[0],
        )


def fill(
    values: np.ndarray, hole: np.ndarray, source: np.ndarray, labels: np.ndarray, guide: np.ndarray, seed: int
) -> np.ndarray:
    """float32 H×W×C: ``values`` with the hole filled by what looks like its surroundings.

    Args:
        values: float32 H×W×C; in the hole a first guess.
        hole, source: bool H×W; what is to be filled, and what may be copied.
        labels: int H×W; a pixel of the hole copies from its own label, where that has a source at all.
        guide: float32 H×W×G; a copy from where the guide differs costs.
    """
    fields = [_Field(values.astype(_F), hole, source, labels, guide)]
    while _extent(fields[-1].hole) > _COARSEST and min(fields[-1].hole.shape) > 16 * _REACH:
        fields.append(fields[-1].halved())
    rng = np.random.default_rng(seed)
    found = None
    for number, field in enumerate(reversed(fields)):
        match = _Match(field, rng)
        if not match.possible:
            continue
        match.start(found)
        for _ in range(_ROUNDS):
            match.search(far=number == 0)
            match.vote()
        found = match.offsets_image()
    return fields[0].values


def _extent(hole: np.ndarray) -> int:
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    return min(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) + 1 if rows.size else 0


class _Match:
    """Where each pixel of a field's hole copies from."""

    def __init__(self, field: _Field, rng: np.random.Generator) -> None:
        self._field, self._rng = field, rng
        self._y, self._x = np.nonzero(field.hole)
        self._height, self._width = field.hole.shape
        # copied from: pixels whose whole patch is known
        usable = field.source.copy()
        for dy, dx in _OFFSETS:
            usable &= _moved(field.source, dy, dx)
        usable[:_REACH] = usable[-_REACH:] = False
        usable[:, :_REACH] = usable[:, -_REACH:] = False
        self._pools = _pools(usable, field.labels, field.labels[self._y, self._x])
        self.possible = bool(usable.any()) and self._y.size > 0
        self._usable = usable
        self._number = np.full(field.hole.shape, -1)
        self._number[self._y, self._x] = np.arange(self._y.size)
        self._free = ~np.isin(field.labels[self._y, self._x], np.unique(field.labels[usable]))

    def start(self, offsets: np.ndarray | None) -> None:
        """From the coarser size's offsets, else by chance."""
        self._at = self._by_chance()
        if offsets is not None:
            rows = np.minimum(self._y // 2, offsets.shape[0] - 1)
            columns = np.minimum(self._x // 2, offsets.shape[1] - 1)
            wanted = offsets[rows, columns] * 2
            there = self._y + wanted[:, 0], self._x + wanted[:, 1]
            good = self._allowed(*there)
            self._at = np.where(good, there[0], self._at[0]), np.where(good, there[1], self._at[1])

    def search(self, far: bool) -> None:
        """Try what the neighbours found (with ``far`` also distant ones), and what lies around by chance."""
        self._patches = _patches_of(self._field.values)
        self._own = self._patches[self._y * self._width + self._x]
        self._cost = self._costs(*self._at)
        for step in (8, 4, 2, 1) if far else (2, 1):
            for dy, dx in ((0, step), (0, -step), (step, 0), (-step, 0)):
                self._try_neighbours(dy, dx)
        reach = max(self._height, self._width) // 2
        self._try(*self._by_chance())
        while reach >= 1:
            jump = self._rng.integers(-reach, reach + 1, (2, self._y.size))
            self._try(self._at[0] + jump[0], self._at[1] + jump[1])
            reach //= 4

    def vote(self) -> None:
        """Each pixel of the hole becomes the mean of what the patches over it say, the better ones counting more."""
        values = self._field.values
        total = np.zeros((self._y.size, values.shape[2]), _F)
        weights = np.zeros((self._y.size, 1), _F)
        sure = 1 / (self._cost + np.percentile(self._cost, 30) + _F(1e-6))
        for dy, dx in _OFFSETS:
            y, x = self._y + dy, self._x + dx
            inside = (y >= 0) & (y < self._height) & (x >= 0) & (x < self._width)
            other = np.where(inside, self._number[np.where(inside, y, 0), np.where(inside, x, 0)], -1)
            here = np.flatnonzero(other >= 0)
            other = other[here]
            weight = sure[other][:, None]
            total[here] += values[self._at[0][other] - dy, self._at[1][other] - dx] * weight
            weights[here] += weight
        values[self._y, self._x] = total / np.maximum(weights, _F(1e-9))

    def offsets_image(self) -> np.ndarray:
        """int H×W×2: from each pixel of the hole to where it copies from."""
        offsets = np.zeros((self._height, self._width, 2), np.int64)
        offsets[self._y, self._x] = np.stack([self._at[0] - self._y, self._at[1] - self._x], axis=1)
        return offsets

    def _try_neighbours(self, dy: int, dx: int) -> None:
        y, x = np.clip(self._y + dy, 0, self._height - 1), np.clip(self._x + dx, 0, self._width - 1)
        other = self._number[y, x]
        other = np.where(other >= 0, other, np.arange(other.size))
        self._try(self._at[0][other] - (y - self._y), self._at[1][other] - (x - self._x))

    def _try(self, y: np.ndarray, x: np.ndarray) -> None:
        good = np.flatnonzero(self._allowed(y, x) & ((y != self._at[0]) | (x != self._at[1])))
        cost = self._costs(y[good], x[good], good)
        better = cost < self._cost[good]
        take = good[better]
        self._at[0][take], self._at[1][take] = y[good][better], x[good][better]
        self._cost[take] = cost[better]

    def _allowed(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        inside = (y >= 0) & (y < self._height) & (x >= 0) & (x < self._width)
        y, x = np.where(inside, y, 0), np.where(inside, x, 0)
        labels = self._field.labels
        return inside & self._usable[y, x] & ((labels[y, x] == labels[self._y, self._x]) | self._free)

    def _by_chance(self) -> tuple[np.ndarray, np.ndarray]:
        pool, first, count = self._pools
        pick = first + (self._rng.random(first.size) * count).astype(int)
        return pool[pick] // self._width, pool[pick] % self._width

    def _costs(self, y: np.ndarray, x: np.ndarray, which: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Squared difference of the patches, and of the guides."""
        guide = self._field.guide
        difference = self._own[which] - self._patches[y * self._width + x]
        apart = guide[self._y[which], self._x[which]] - guide[y, x]
        total = np.einsum("nk,nk->n", difference, difference) / len(_OFFSETS)
        return total + _F(_GUIDE) * np.einsum("nk,nk->n", apart, apart)


def _patches_of(values: np.ndarray) -> np.ndarray:
    """float32 (H·W)×(25·C): the patch around each pixel."""
    height, width, channels = values.shape
    around = np.pad(values, ((_REACH, _REACH), (_REACH, _REACH), (0, 0)), mode="edge")
    stack = np.empty((height, width, len(_OFFSETS), channels), _F)
    for k, (dy, dx) in enumerate(_OFFSETS):
        stack[:, :, k] = around[_REACH + dy : _REACH + dy + height, _REACH + dx : _REACH + dx + width]
    return stack.reshape(height * width, -1)


def _pools(usable: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(flat indices of usable pixels; for each wanted label the first of its own, and how many; else all of them)."""
    flat = np.flatnonzero(usable)
    order = np.argsort(labels.ravel()[flat], kind="stable")
    pool = flat[order]
    sorted_labels = labels.ravel()[pool]
    first = np.searchsorted(sorted_labels, wanted, "left")
    count = np.searchsorted(sorted_labels, wanted, "right") - first
    return pool, np.where(count > 0, first, 0), np.where(count > 0, count, pool.size)


def _moved(array: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """The array read at (y + dy, x + dx), its edge repeated."""
    rows = np.clip(np.arange(array.shape[0]) + dy, 0, array.shape[0] - 1)
    columns = np.clip(np.arange(array.shape[1]) + dx, 0, array.shape[1] - 1)
    return array[rows[:, None], columns[None, :]]
