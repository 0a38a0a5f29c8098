"""Id maps as runs of equal pixels down the columns: areas, boxes and COCO's run lengths of all ids at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ColumnRuns:
    """Runs sorted by id, then by place; none crosses the end of a column."""

    ids: np.ndarray
    """the M different ids, rising"""
    first: np.ndarray
    """int64 M: index of each id's first run"""
    start: np.ndarray
    """int64: pixel of a run's start, counted down the columns"""
    length: np.ndarray
    """int64"""
    shape: tuple[int, int]

    @classmethod
    def of(cls, id_map: np.ndarray) -> ColumnRuns:
        """``id_map``: unsigned H×W."""
        columns = np.ascontiguousarray(id_map.T)
        new = np.ones(columns.shape, bool)
        new[:, 1:] = columns[:, 1:] != columns[:, :-1]
        start = np.flatnonzero(new)
        length = np.diff(start, append=columns.size)
        values = columns.ravel()[start]
        order = np.argsort(values, kind="stable")
        ids, first = np.unique(values[order], return_index=True)
        return cls(ids, first, start[order], length[order], (id_map.shape[0], id_map.shape[1]))

    @property
    def areas(self) -> np.ndarray:
        """int64 M: pixels."""
        return np.add.reduceat(self.length, self.first)

    @property
    def boxes(self) -> np.ndarray:
        """int64 M×4: x0, y0, x1, y1 in pixels, ends exclusive."""
        x, y = np.divmod(self.start, self.shape[0])
        sides = ((x, np.minimum), (y, np.minimum), (x + 1, np.maximum), (y + self.length, np.maximum))
        return np.stack([choose.reduceat(values, self.first) for values, choose in sides], axis=1)

    def coco_counts(self) -> list[str]:
        """Per id the run lengths of its mask as COCO's text: pixels outside, inside, outside …, down the columns."""
        return _texts(*self._counts())

    def _counts(self) -> tuple[np.ndarray, np.ndarray]:
        """(the counts of all ids one after the other, where each id's begin)."""
        owner = np.repeat(np.arange(len(self.ids)), np.diff(self.first, append=len(self.start)))
        end = self.start + self.length
        joined = np.zeros(len(owner), bool)  # goes on where the last run of the same id ended
        joined[1:] = (owner[1:] == owner[:-1]) & (self.start[1:] == end[:-1])
        head = np.flatnonzero(~joined)
        start, length, owner = self.start[head], np.add.reduceat(self.length, head), owner[head]
        begin = np.flatnonzero(np.diff(owner, prepend=-1))
        before = np.concatenate([[0], (start + length)[:-1]])
        before[begin] = 0
        pairs = np.stack([start - before, length], axis=1).ravel()
        rest = self.shape[0] * self.shape[1] - np.append((start + length)[begin[1:] - 1], (start + length)[-1])
        open_end = rest > 0
        after = np.append(2 * begin[1:], len(pairs))
        counts = np.insert(pairs, after[open_end], rest[open_end])
        sizes = np.diff(2 * begin, append=len(pairs)) + open_end
        return counts, np.concatenate([[0], np.cumsum(sizes)[:-1]])


def _texts(counts: np.ndarray, begin: np.ndarray) -> list[str]:
    """Numbers in groups of five bits, the lowest first, as letters from "0"; from a list's fourth number on, the
    difference to the last but one."""
    place = np.arange(len(counts)) - np.repeat(begin, np.diff(begin, append=len(counts)))
    values = counts.astype(np.int64)
    values[2:] -= np.where(place[2:] > 2, counts[:-2], 0)
    groups, used = [], []
    going = np.ones(len(values), bool)
    while going.any():
        group = values & 31
        values = values >> 5
        more = going & np.where(group & 16, values != -1, values != 0)
        groups.append(group + 32 * more + 48)
        used.append(going)
        going = more
    letters = np.stack(groups, axis=1).astype(np.uint8)
    where = np.stack(used, axis=1)
    ends = np.cumsum(where.sum(axis=1))
    text = letters[where].tobytes().decode("ascii")
    last = np.append(begin[1:], len(counts)) - 1
    stops = ends[last].tolist()
    return [text[start:stop] for start, stop in zip([0, *stops[:-1]], stops, strict=True)]
