"""State folders whose servers must leave nothing behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_segaddon.client import Bridge
from scripts.lib.stress import processes_of

from . import support

os.environ["SEGADDON_CONFIG"] = os.devnull  # whoever runs the tests may have a file of their own


def _state_folder(parent: Path) -> Iterator[Path]:
    home = parent / "state"
    yield home
    pid = support.server_pid(home)
    if pid:
        os.kill(pid, signal.SIGTERM)
        support.until(lambda: not processes_of(pid))
    left = {path.name for path in home.iterdir()} if home.exists() else set()
    assert left <= {"server.log", "jobs"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A state folder of this test; a server in it is ended with SIGTERM, nothing but its log and
    its jobs may be left."""
    yield from _state_folder(tmp_path)


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of a whole test module."""
    yield from _state_folder(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def shared(shared_home: Path) -> Bridge:
    """A bridge with a running server for a whole test module, the test generator switched on."""
    bridge = support.bridge(shared_home)
    bridge.ensure_running()
    return bridge
