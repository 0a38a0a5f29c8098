"""Which job is next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import get_args

from blender_segaddon.protocol.messages import Priority

from .job import Job

MAX_IN_A_ROW = 4
"""Interactive jobs that may go before a waiting batch job; then it has its turn, so that none waits for ever."""


class Lines:
    """The waiting jobs: interactive before batch, first come first served within each."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Job]] = {name: deque() for name in get_args(Priority)}
        self._in_a_row = 0

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[Job]:
        for line in self._lines.values():
            yield from line

    def __contains__(self, job: Job) -> bool:
        return job in self._lines[job.priority]

    def count(self, priority: Priority) -> int:
        """Jobs that wait in one line."""
        return len(self._lines[priority])

    def add(self, job: Job) -> None:
        """To the end of its line."""
        self._lines[job.priority].append(job)

    def remove(self, job: Job) -> None:
        """Out of its line."""
        self._lines[job.priority].remove(job)

    def take(self) -> Job:
        """The next job, out of its line. Raises IndexError when none waits."""
        interactive, batch = self._lines["interactive"], self._lines["batch"]
        if batch and (not interactive or self._in_a_row >= MAX_IN_A_ROW):
            self._in_a_row = 0
            return batch.popleft()
        job = interactive.popleft()
        self._in_a_row = self._in_a_row + 1 if batch else 0
        return job
