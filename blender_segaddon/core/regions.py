"""Connected parts of a mask, by runs: what is a hole, what an island. numpy only."""

from __future__ import annotations

import numpy as np

from ..protocol.errors import InvalidInput


def fill_holes(mask: np.ndarray, area: int | None = None) -> np.ndarray:
    """bool H×W: enclosed gaps of up to ``area`` pixels are filled; all of them when None.

    A gap is joined by its sides, not its corners. One that reaches the border of the image encloses nothing.

    Raises:
        InvalidInput: a negative area.
    """
    _check_area(area)
    runs = _Runs(~mask, corners=False)
    enclosed = ~runs.at_border()
    return mask | runs.drawn(enclosed if area is None else enclosed & (runs.areas() <= area))


def remove_islands(mask: np.ndarray, area: int | None = None) -> np.ndarray:
    """bool H×W: separate parts of up to ``area`` pixels are taken out; when None, all but the largest part.

    Parts that touch by a corner are one. Raises InvalidInput for a negative area.
    """
    _check_area(area)
    runs = _Runs(mask, corners=True)
    if not runs.count:
        return mask.copy()
    areas = runs.areas()
    return runs.drawn(np.arange(runs.count) == areas.argmax() if area is None else areas > area)


def _check_area(area: int | None) -> None:
    if area is not None and area < 0:
        raise InvalidInput(f"{area} is no number of pixels", "Give an area of 0 or more")


class _Runs:
    """The True runs of all rows, and which of them hang together."""

    def __init__(self, mask: np.ndarray, *, corners: bool) -> None:
        self._shape = mask.shape
        height, width = mask.shape
        edges = np.zeros((height, width + 2), np.int8)
        edges[:, 1:-1] = mask
        flat = np.flatnonzero(edges.ravel()[1:] != edges.ravel()[:-1])
        self._row, self._start = np.divmod(flat[0::2], width + 2)
        self._end = flat[1::2] - self._row * (width + 2)
        self._first = np.searchsorted(self._row, np.arange(height + 1))
        self._part = self._joined(*self._neighbours(int(corners)))
        self.count = int(self._part.max(initial=-1)) + 1

    def areas(self) -> np.ndarray:
        """Pixels of each part."""
        return np.bincount(self._part, self._end - self._start, self.count)

    def at_border(self) -> np.ndarray:
        """bool: whether a part touches the border of the image."""
        height, width = self._shape
        touches = (self._row == 0) | (self._row == height - 1) | (self._start == 0) | (self._end == width)
        return np.bincount(self._part, touches, self.count) > 0

    def drawn(self, chosen: np.ndarray) -> np.ndarray:
        """bool H×W of the parts for which ``chosen`` is True."""
        height, width = self._shape
        kept = chosen[self._part] if self.count else np.zeros(0, bool)
        steps = np.zeros((height, width + 1), np.int8)
        steps[self._row[kept], self._start[kept]] = 1
        steps[self._row[kept], self._end[kept]] = -1
        return np.cumsum(steps, axis=1, dtype=np.int8)[:, :-1].view(bool)

    def _neighbours(self, reach: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of runs in neighbouring rows that touch."""
        width = self._shape[1] + 4
        start, end = self._row * width + self._start, self._row * width + self._end
        above = self._row > 0
        lower = np.flatnonzero(above)
        # in the row above: the runs that end behind my start, and begin before my end
        low = np.searchsorted(end, start[lower] - width - reach, "right")
        high = np.searchsorted(start, end[lower] - width + reach, "left")
        low = np.maximum(low, self._first[self._row[lower] - 1])
        high = np.minimum(high, self._first[self._row[lower]])
        count = np.maximum(high - low, 0)
        ones = np.repeat(lower, count)
        others = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
        return ones, others

    def _joined(self, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Number of the part that each run belongs to: the smallest number spreads, by pointer jumping."""
        label = np.arange(self._row.size)
        while True:
            a, b = label[ones], label[others]
            differ = a != b
            if not differ.any():
                break
            np.minimum.at(label, np.maximum(a, b)[differ], np.minimum(a, b)[differ])
            while (label[label] != label).any():
                label = label[label]
        return np.unique(label, return_inverse=True)[1].reshape(-1) if label.size else label
