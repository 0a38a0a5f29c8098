"""``run BUNDLE``: a job from a file, with no server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_segaddon.client import Bridge
from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import GenerateRequest

from ..unit.test_protocol_wire import some_maps
from .support import REPOSITORY, SERVER, rehearsal, until


def run(bundle: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [*SERVER, "run", str(bundle), "--enable-test-generator", "--log-level", "error", *flags]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_a_bundle_gives_the_pictures_that_the_server_gives(shared: Bridge, tmp_path: Path):
    writer = BodyWriter()
    scene = scene_to_wire(some_maps(24, 32), writer)
    body = writer.finish(GenerateRequest("preview", "a harbour at dawn", seed=5, count=2, scene=scene))
    (tmp_path / "job.bundle").write_bytes(b"".join(body))
    done = run(tmp_path / "job.bundle")
    out = tmp_path / "job-result"
    names = ["picture_5.png", "picture_6.png", "result.json"]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [str(out / name) for name in names]
    assert sorted(path.name for path in out.iterdir()) == names
    result, images = shared.run(body)
    for name, image in zip(names, images, strict=False):
        assert np.array_equal(np.asarray(Image.open(out / name)), image)
    said = json.loads((out / "result.json").read_text())
    assert said["pictures"] == [{"file": "picture_5.png", "seed": 5}, {"file": "picture_6.png", "seed": 6}]
    assert said["metadata"] == result.metadata
    assert said["is_model"] is False


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 2, "ends within its header"),
        (b"".join(rehearsal())[:-20], 2, "outside the body"),
        (b"".join(rehearsal(generator="sdxl")), 2, "Choose one of"),
        (b"".join(rehearsal("no numbers")), 1, "ValueError"),
        (b"".join(rehearsal("1 0 starving")), 4, "smaller size"),
        (None, 2, "No such file"),
    ],
    ids=["empty", "cut", "unknown generator", "failure", "memory", "missing"],
)
def test_what_cannot_be_done_is_one_line_and_a_status(tmp_path: Path, body: bytes | None, status: int, says: str):
    bundle = tmp_path / "job.bundle"
    if body is not None:
        bundle.write_bytes(body)
    done = run(bundle, "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr.splitlines()[-1]
    assert done.stderr.count("\n") == 1 or status == 1  # a fault comes with its traceback
    assert not list(tmp_path.glob("out/*"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "job.bundle").write_bytes(b"".join(rehearsal()))
    (tmp_path / "out").touch()
    done = run(tmp_path / "job.bundle", "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_an_interrupted_run_writes_nothing(tmp_path: Path):
    (tmp_path / "job.bundle").write_bytes(b"".join(rehearsal("400 0.05")))
    command = [*SERVER, "run", str(tmp_path / "job.bundle"), "--enable-test-generator"]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        until(lambda: "running 1/400" in process.stderr.readline())
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 130
        assert process.stderr.read().endswith("Interrupted: nothing is written\n")
    assert not list((tmp_path / "job-result").iterdir())
