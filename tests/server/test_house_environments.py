"""How the environments are made and what the scripts say when they cannot go on.

Here and not among the unit tests: once, in the development environment, is enough.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.lib import environments, running, system_libraries
from scripts.lib.environments import Environment, SetupError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A small environment below a root of its own, from a lock that asks for nothing."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    lock = tmp_path / "small.txt"
    lock.write_text("# nothing\n")
    return Environment(".venv-small", lock, "json", "a test")


def script(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "scripts" / name), *arguments]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--seed", "1"], (None, ["--seed", "1"])),
        (["--blender", "4.2", "--seed", "1"], ("4.2", ["--seed", "1"])),
        (["--seed", "1", "--blender=5.0"], ("5.0", ["--seed", "1"])),
        (["--blender"], ("", [])),
    ],
)
def test_the_blender_version_is_taken_from_anywhere(
    arguments: list[str], expected: tuple[str | None, list[str]]
) -> None:
    assert running.take_blender_version(arguments) == expected


def test_a_half_made_environment_is_made_anew_and_then_kept(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.folder.mkdir()
    (environment.folder / "left").touch()
    environment.state.write_text("building")
    environments.prepare(environment)
    assert environment.is_ready()
    assert not (environment.folder / "left").exists()
    assert "ready after" in capsys.readouterr().err
    environments.prepare(environment)
    assert capsys.readouterr().err == ""
    environment.lock.write_text("# another lock\n")
    assert not environment.is_ready()


def test_a_folder_of_somebody_else_is_left_alone(environment: Environment) -> None:
    (environment.folder / "bin").mkdir(parents=True)
    with pytest.raises(SetupError, match="was not made by this script"):
        environments.prepare(environment)
    assert (environment.folder / "bin").is_dir()


def test_a_link_is_used_as_it_is(environment: Environment, tmp_path: Path) -> None:
    environment.folder.symlink_to(sys.prefix)
    assert environment.is_ready()


def test_a_full_disk_is_said_before_anything_is_made(environment: Environment) -> None:
    with pytest.raises(SetupError, match=r"needs 1e\+09 GB"):
        environments.prepare(replace(environment, disk=1e9))
    assert not environment.folder.exists()


def test_a_root_that_cannot_be_written_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "root").touch()
    monkeypatch.setattr(environments, "ROOT", tmp_path / "root")
    assert running.main(["prepare"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Not a directory" in said


def test_a_run_without_a_home_folder_finds_python() -> None:
    command = ["env", "-u", "HOME", "bash", str(ROOT / "scripts/test"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_python_without_ensurepip_is_said(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match="apt-get install"):
        environments.prepare(environment)


def test_missing_system_libraries_are_named_with_their_packages() -> None:
    libraries = {
        "libc.so.6": ("libc6", "glibc", ""),
        "libnone.so.1": ("none-deb", "none-rpm", ""),
        "libolder.so.1": ("older-deb", "older-rpm", "4.2"),
    }
    text = system_libraries.missing_libraries(libraries, "4.5")
    assert "libnone.so.1" in text
    assert "apt-get install none-deb'" in text
    assert "dnf install none-rpm'" in text
    assert "older-deb" in system_libraries.missing_libraries(libraries, "4.2")
    assert system_libraries.missing_libraries({"libc.so.6": libraries["libc.so.6"]}, "4.5") == ""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "WARNING: connection broken by 'NewConnectionError': /simple/bpy/\nERROR: x",
            "No network: .*bpy",
        ),
        ("ERROR: No matching distribution found for bpy==4.5.15", "no bpy==4.5.15 for this machine"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that dev.txt names"),
        ("ERROR: something new", "^$"),
    ],
)
def test_pip_failures_are_explained(output: str, expected: str) -> None:
    assert re.search(expected, environments.explain_pip(output, "dev.txt"))


def test_an_unknown_blender_is_one_line_and_exit_2() -> None:
    for name in ("demo", "test"):
        done = script(name, "--blender", "3.6")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "Blender version '3.6' is not known. Choose one of: 4.2, 4.5, 5.0.\n"


def test_a_python_that_does_not_run_is_one_line_and_exit_2(tmp_path: Path) -> None:
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    done = script("demo", SEGADDON_PYTHON=str(shim))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no Python 3.11 that runs" in done.stderr


def test_paths_go_to_the_environments_that_they_belong_to() -> None:
    paths, options = running.split_paths(["tests/unit", "-k", "x", "tests/blender/test_extension.py::test_a"])
    assert options == ["-k", "x"]
    assert running.paths_of(("unit", "server"), paths) == ["tests/unit"]
    assert running.paths_of(("unit", "blender"), paths) == paths
    assert running.paths_of(("unit", "server"), []) == ["tests/unit", "tests/server"]
    assert running.paths_of(("unit", "server"), ["tests"]) == ["tests/unit", "tests/server"]


def test_every_bench_can_be_asked_for_by_its_name() -> None:
    done = subprocess.run([ROOT / "scripts/bench"], capture_output=True, text=True, check=True)
    names = {path.stem.removeprefix("bench_") for path in (ROOT / "scripts").glob("bench_*.py")}
    assert names and set(done.stdout.partition("NAME: ")[2].strip().split(", ")) == names | {"stress", "fuzz"}
    unknown = subprocess.run([ROOT / "scripts/bench", "nope"], capture_output=True, text=True, check=False)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    asked = subprocess.run([ROOT / "scripts/stress", "--help"], capture_output=True, text=True, check=True, cwd="/")
    assert "kill -9" in asked.stdout
