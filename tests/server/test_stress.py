"""The stress of the server at the size that fits here; ``python -m scripts.stress`` is the whole of it."""

from __future__ import annotations

import pytest

from scripts.lib.stress import Figures
from scripts.stress import Scale, run


@pytest.fixture(scope="module")
def figures() -> dict[str, Figures]:
    return run(Scale(clients=64, jobs=300, kills=6, cuts=100, full_queue=200, memory=(0, 0)))


@pytest.mark.parametrize("phase", ["mixed jobs", "kill -9", "cut streams", "full queue"])
def test_nothing_is_lost_and_nothing_is_wrong(figures: dict[str, Figures], phase: str):
    assert figures[phase].wrong == []


def test_it_was_a_stress(figures: dict[str, Figures]):
    assert figures["mixed jobs"].counts["right"] > 200
    assert figures["kill -9"].counts["server killed"] + figures["kill -9"].counts["worker killed"] == 6
    assert figures["cut streams"].counts["streams cut"] == 100
    assert figures["full queue"].counts["answered 429"] == 200
