"""The fallback engine, and that it is taken where the exact engine's way is closed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from blender_segaddon.capture import capture, ids_engine
from blender_segaddon.protocol.errors import CaptureError

from . import scenes, snapshot

SIZE = (96, 54)


@pytest.fixture
def scene():
    scene = scenes.everything()
    scene.camera.data.dof.use_dof = True
    scene.camera.data.dof.aperture_fstop = 0.1
    return scene


def of_objects(maps):
    """Per pixel the name of the object, "" for background."""
    return np.array(["", *(one.object for one in maps.instances)])[maps.instance_map]


def test_ids_of_objects_by_documented_passes(scene):
    before = snapshot.take()
    maps = capture(scene, engine="passes", size=SIZE)
    assert snapshot.traces(before, snapshot.take()) == []
    exact = capture(scene, size=SIZE)
    assert maps.engine == "passes"
    assert (of_objects(maps) == of_objects(exact)).mean() > 0.995
    both = (maps.instance_map > 0) & (exact.instance_map > 0)
    assert np.median(np.abs(maps.depth[both] / exact.depth[both] - 1)) < 1e-4
    assert np.median((maps.normal[both] * exact.normal[both]).sum(axis=-1)) > 0.9999
    assert maps.camera.to_dict()["projection_matrix"] == exact.camera.to_dict()["projection_matrix"]
    names = [one.object for one in maps.instances]
    assert len(names) == len(set(names)) < len(exact.instances)


def test_missing_internals_are_said_and_gone_around(scene, monkeypatch, caplog):
    monkeypatch.setattr(ids_engine, "_DRIVEN", ("create", "make_coffee"))
    before = snapshot.take()
    maps = capture(scene, size=SIZE)
    assert snapshot.traces(before, snapshot.take()) == []
    assert maps.engine == "passes"
    assert "make_coffee" in caplog.text
    assert "objects, not of instances" in caplog.text
    with pytest.raises(CaptureError, match="make_coffee"):
        capture(scene, size=SIZE, engine="cycles")


@pytest.mark.parametrize("name", ["create", "reset", "render", "render_frame_finish"])
def test_internals_that_work_otherwise_are_gone_around(scene, monkeypatch, caplog, name):
    """Functions that want other arguments than those of today."""
    other = SimpleNamespace(**vars(ids_engine.driver()))
    setattr(other, name, lambda engine, one, two, three, four: None)
    monkeypatch.setattr(ids_engine, "driver", lambda: other)
    assert capture(scene, size=SIZE).engine == "passes"
    assert "TypeError" in caplog.text
