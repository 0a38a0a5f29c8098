"""The version stands in one place; what must repeat it repeats it truly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

ROOT = Path(__file__).resolve().parents[2]


def toml(name: str) -> dict:
    return tomllib.loads((ROOT / name).read_text("utf-8"))


def test_manifest_has_the_version() -> None:
    assert toml("blender_segaddon/blender_manifest.toml")["version"] == ADDON_VERSION


def test_pyproject_takes_the_version_from_its_place() -> None:
    project = toml("pyproject.toml")
    assert "version" in project["project"]["dynamic"]
    attribute = project["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    assert attribute == "blender_segaddon.protocol.version.ADDON_VERSION"


def test_changelog_starts_with_the_version() -> None:
    headings = re.findall(r"^## (\S+) - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0][0] == ADDON_VERSION


def test_versions_are_well_formed() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", ADDON_VERSION)
    assert len(PROTOCOL_VERSION) == 2


def test_locks_are_whole() -> None:
    locks = sorted((ROOT / "scripts/locks").glob("*.txt"))
    assert [lock.stem for lock in locks] == [
        "bpy-4.2",
        "bpy-4.5",
        "bpy-5.0",
        "dev",
        "docs",
        "models",
        "server-models",
        "server",
    ]
    for lock in locks:
        text = lock.read_text("utf-8")
        pins = re.findall(r"^[\w.-]+==.*", text, re.M)
        assert pins
        assert all(re.search(re.escape(pin) + r"\n +--hash=sha256:", text) for pin in pins)
        assert "index-url" not in text
        assert "://" not in text


def test_torch_is_in_no_lock() -> None:
    texts = [lock.read_text("utf-8") for lock in (ROOT / "scripts/locks").glob("*.txt")]
    assert not [text for text in texts if re.search("^torch", text, re.M)]


def test_torch_is_the_same_one_everywhere() -> None:
    places = [
        *("scripts/locks/models.in", "scripts/locks/server-models.in", "scripts/lib/environments.py"),
        "blender_segaddon/client/installing/machine.py",
    ]
    said = {place: re.findall(r"torch==([\d.]+)", (ROOT / place).read_text("utf-8")) for place in places}
    (locked,) = toml("pyproject.toml")["tool"]["uv"]["dependency-metadata"]
    assert locked["name"] == "torch"
    assert said == {place: [locked["version"]] for place in places}


def test_the_server_that_the_zip_installs_has_what_is_tested() -> None:
    """What models run on is the same; a lock for every system may have several versions of what that needs."""
    wanted = re.findall(r"^[\w-]+", (ROOT / "scripts/locks/server-models.in").read_text("utf-8"), re.M)
    tested, installed = (_pins(name) for name in ("models", "server-models"))
    named = {one.replace("_", "-") for one in wanted} - {"torch"}
    assert {name: installed[name] for name in named} == {name: tested[name] for name in named}


def _pins(lock: str) -> dict[str, set[str]]:
    """Name → versions, of which there are several where systems or Pythons differ."""
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / f"scripts/locks/{lock}.txt").read_text("utf-8"), re.M)
    return {name: {version for other, version in found if other == name} for name, _ in found}
