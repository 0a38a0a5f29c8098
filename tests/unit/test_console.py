"""Blender's progress on standard output."""

from __future__ import annotations

import os
import sys

import pytest

from blender_segaddon.core.console import without_progress

SAID = (
    b"Fra:1 Mem:8.84M (Peak 8.84M) | Time:00:00.00 | Scene, ViewLayer | Synchronizing object | Cube\n"
    b"Saved: '/tmp/a.png'\n Time: 00:00.41 (Saving: 00:00.12)\n\n"
    b"00:01.121  render           | Saved: '/tmp/a.png'\n"
)


def test_progress_goes_and_all_else_stays(capfd):
    sys.stdout.write("before\n")
    with without_progress():
        sys.stdout.write("from Python\n")
        sys.stdout.flush()
        os.write(1, SAID + b"Warning: no GPU\n")
    sys.stdout.write("after\n")
    assert capfd.readouterr().out.splitlines() == ["before", "from Python", "Warning: no GPU", "after"]


def test_in_a_window_nothing_is_changed(capfd):
    with without_progress(False):
        os.write(1, SAID)
    assert capfd.readouterr().out.encode() == SAID


def test_what_is_raised_goes_through_and_the_output_is_back(capfd):
    with pytest.raises(KeyError), without_progress():
        raise KeyError
    sys.stdout.write("after\n")
    assert capfd.readouterr().out == "after\n"
