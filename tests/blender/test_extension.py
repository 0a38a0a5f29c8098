"""The extension's zip: built, checked and installed by Blender's own tools, and gone without a trace when disabled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from blender_segaddon.protocol.version import ADDON_VERSION
from scripts.lib import build_extension

LIFECYCLE = Path(__file__).with_name("extension_lifecycle.py")

LEAKY = """
import threading, time
import bpy

class LEAKY_OT_nothing(bpy.types.Operator):
    bl_idname = "leaky.nothing"
    bl_label = "Nothing"

def on_load(*_):
    pass

def draw(self, context):
    pass

def tick():
    return 1.0

def register():
    bpy.utils.register_class(LEAKY_OT_nothing)
    bpy.types.Scene.leaky = bpy.props.IntProperty()
    bpy.types.VIEW3D_MT_object.append(draw)
    bpy.app.handlers.load_post.append(on_load)
    bpy.app.timers.register(tick)
    threading.Thread(target=time.sleep, args=(60,), name="leaky", daemon=True).start()
    keyconfig = bpy.context.window_manager.keyconfigs.addon
    keyconfig.keymaps.new("Window").keymap_items.new("leaky.nothing", "F5", "PRESS")
    with open(bpy.utils.user_resource("CONFIG", path="leaky.txt", create=False), "w") as file:
        file.write("left")

def unregister():
    bpy.utils.unregister_class(LEAKY_OT_nothing)
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_extension.build(tmp_path_factory.mktemp("dist"))


def lifecycle(archive: Path, extension: str, user_folder: Path) -> dict[str, dict[str, list[str]]]:
    """Runs extension_lifecycle.py in a Blender of its own with an empty user folder."""
    (user_folder / "config").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, str(LIFECYCLE), str(archive), extension],
        env=os.environ | {"BLENDER_USER_RESOURCES": str(user_folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_blender_accepts_the_zip(archive: Path) -> None:
    assert build_extension.validate(archive) == ""


def test_blender_refuses_a_broken_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "broken.zip", "w") as broken:
        broken.writestr("blender_manifest.toml", 'id = "broken"')
    assert "schema_version" in build_extension.validate(tmp_path / "broken.zip")


def test_the_same_files_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    assert build_extension.build(tmp_path).read_bytes() == archive.read_bytes()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dist").write_text("mine")
    assert build_extension.main([str(tmp_path / "dist")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "dist").read_text() == "mine"


def test_the_zip_holds_what_blender_itself_would_pack(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "by_blender.zip"
    command = [sys.executable, str(build_extension.extension_tool()), "build"]
    options = ["--source-dir", str(build_extension.SOURCE), "--output-filepath", str(target)]
    subprocess.run(command + options, check=True, capture_output=True)
    with zipfile.ZipFile(archive) as ours, zipfile.ZipFile(target) as theirs:
        expected = {name for name in theirs.namelist() if not name.endswith("/")}
        carried = set(build_extension.server_files("0.0.0"))
        assert {name.replace(ADDON_VERSION, "0.0.0") for name in ours.namelist()} == expected | carried | {"LICENSE"}


def test_installs_and_leaves_nothing_when_disabled(archive: Path, tmp_path: Path) -> None:
    assert lifecycle(archive, "blender_segaddon", tmp_path / "user")["left"] == {}


def test_the_comparison_finds_what_an_extension_leaves(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as ours:
        manifest = ours.read("blender_manifest.toml").decode().replace("blender_segaddon", "leaky")
    with zipfile.ZipFile(tmp_path / "leaky.zip", "w") as leaky:
        leaky.writestr("blender_manifest.toml", manifest)
        leaky.writestr("__init__.py", LEAKY)
    report = lifecycle(tmp_path / "leaky.zip", "leaky", tmp_path / "user")
    everything = {"properties", "menu entries", "handlers", "timers", "keymaps", "threads", "files"}
    assert set(report["left"]) >= everything
    assert "LEAKY_OT_nothing" in report["enabled"]["classes"]
    assert "leaky.nothing" in report["enabled"]["operators"]


def test_the_manifest_is_for_the_oldest_blender_that_is_tested() -> None:
    manifest = tomllib.loads((build_extension.SOURCE / "blender_manifest.toml").read_text())
    assert manifest["blender_version_min"] == "4.2.0"
