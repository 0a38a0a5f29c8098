"""The stress of the server but for the memory; ``python -m scripts.stress --full`` is the whole of it."""

from __future__ import annotations

import pytest

from scripts.lib.stress import Figures
from scripts.stress import Scale, run


@pytest.fixture(scope="module")
def figures() -> dict[str, Figures]:
    return run(Scale(full_queue=200, memory=(0, 0)))


@pytest.mark.parametrize("phase", ["mixed jobs", "kill -9", "cut streams", "full queue", "start and stop"])
def test_nothing_is_lost_and_nothing_is_wrong(figures: dict[str, Figures], phase: str):
    assert figures[phase].wrong == []


def test_it_was_a_stress(figures: dict[str, Figures]):
    assert figures["mixed jobs"].counts["right"] > 800
    assert figures["kill -9"].counts["server killed"] + figures["kill -9"].counts["worker killed"] == 10
    assert figures["cut streams"].counts["streams cut"] == 100
    assert figures["full queue"].counts["answered 429"] == 200
    assert figures["start and stop"].counts["started and stopped"] == 10
