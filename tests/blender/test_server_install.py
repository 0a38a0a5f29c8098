"""The server installed by the add-on as people do it: from the zip and the package index, into a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

from blender_segaddon.protocol.version import ADDON_VERSION
from scripts.lib import build_extension

PROGRAM = Path(__file__).with_name("server_install.py")


@pytest.mark.skipif(bpy.app.version[:2] != (4, 5), reason="half a minute, once is enough: in Blender 4.5")
def test_from_the_zip_to_a_picture_by_the_server_and_gone_again(tmp_path: Path) -> None:
    folders = {"BLENDER_USER_RESOURCES": "user", "XDG_DATA_HOME": "Мои данные", "SEGADDON_STATE_DIR": "state"}
    variables = {name: str(tmp_path / folder) for name, folder in folders.items()}
    for folder in (tmp_path / "user/config", tmp_path / "Мои данные"):
        folder.mkdir(parents=True)
    unset = {"SEGADDON_SERVER_PYTHON", "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(build_extension.build(tmp_path))],
        env={name: value for name, value in os.environ.items() if name not in unset} | variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["before"], told["offline"]) == ("none", False)
    if "cannot be reached" in told.get("failed", ""):
        pytest.skip("no network: the package index cannot be reached")
    assert "failed" not in told
    assert (told["state"], told["version"]) == ("ready", ADDON_VERSION)
    assert Path(told["python"]).is_relative_to(tmp_path / "Мои данные/segaddon/server/env")
    assert told["from_server"] and told["shape"] == [64, 96, 3]
    assert (told["after"], told["python_after"], told["left"]) == ("none", "", [])
