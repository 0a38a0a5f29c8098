"""The render's thread has the main thread stand still while it changes evaluated data."""

from __future__ import annotations

import threading
import time

import pytest

from blender_segaddon.capture import meeting
from blender_segaddon.capture.meeting import Meeting


def rendering(one: Meeting, seconds: float, told: list[str], error: BaseException | None = None) -> threading.Thread:
    def run() -> None:
        try:
            with one.held():
                told.append("begun")
                time.sleep(seconds)
                told.append("over")
                if error is not None:
                    raise error
        except ZeroDivisionError:
            told.append("raised")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_nobody_waits_before_and_after():
    one, told = Meeting(), []
    one.attend()
    thread = rendering(one, 0, told)
    while thread.is_alive():
        one.attend()
    one.attend()
    assert told == ["begun", "over"]


@pytest.mark.parametrize("error", [None, ZeroDivisionError()])
def test_the_main_thread_stands_still_until_it_is_over(error):
    one, told = Meeting(), []
    thread = rendering(one, 0.1, told, error)
    time.sleep(0.02)
    assert told == [], "the render did not wait"
    one.attend()
    assert told[:2] == ["begun", "over"]
    thread.join()
    assert told[2:] == (["raised"] if error else [])


def test_a_main_thread_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(meeting, "_UNTIL_HERE", 0.01)
    told: list[str] = []
    rendering(Meeting(), 0, told).join(1)
    assert told == ["begun", "over"]
